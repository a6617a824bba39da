//! A process under test: its lines, its end, its memory. It dies with its owner.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// A running process.
pub struct Process {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
    stderr: Arc<Mutex<String>>,
    errors: Option<JoinHandle<()>>,
}

/// How a process ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// All that it wrote to its standard output.
    pub stdout: String,
    /// All that it wrote to its standard error.
    pub stderr: String,
    /// How long it took, from when somebody began to wait.
    pub took: Duration,
}

impl Process {
    /// Starts `command`.
    pub fn start(command: &mut Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let stdout = child.stdout.take().expect("it is piped");
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            let lines = BufReader::new(stdout).lines().map_while(Result::ok);
            // Nobody listens any more: read on, so that the process never waits for us.
            lines.for_each(|line| drop(sender.send(line)));
        });
        let stderr = Arc::new(Mutex::new(String::new()));
        let (kept, written) = (Arc::clone(&stderr), child.stderr.take().expect("it is piped"));
        let errors = thread::spawn(move || {
            for line in BufReader::new(written).lines().map_while(Result::ok) {
                let mut kept = kept.lock().unwrap();
                kept.push_str(&line);
                kept.push('\n');
            }
        });
        Self { child, lines, seen: Vec::new(), stderr, errors: Some(errors) }
    }

    /// Waits for a line on the standard output.
    ///
    /// # Errors
    /// Where the process ended, or `patience` is over: what it said.
    pub fn wait_for(&mut self, wanted: impl Fn(&str) -> bool, patience: Duration) -> Result<String, String> {
        let deadline = Instant::now() + patience;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if wanted(&line) {
                        return Ok(line);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    return Err(format!(
                        "nothing in {patience:?}; it said {:?}\n{}",
                        self.seen,
                        self.stderr()
                    ));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let status = self.reap();
                    return Err(format!("ended, {status}; it said {:?}\n{}", self.seen, self.stderr()));
                }
            }
        }
    }

    /// The lines of its standard output that were waited for, and those before.
    pub fn said(&self) -> String {
        self.seen.iter().map(|line| line.clone() + "\n").collect()
    }

    /// What it has written to its standard error by now.
    pub fn stderr(&self) -> String {
        self.stderr.lock().unwrap().clone()
    }

    /// Its id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal: `TERM`, `INT`, `HUP`.
    pub fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.id());
        let status = Command::new("sh").args(["-c", &kill]).status().expect("sh runs");
        assert!(status.success(), "{kill}: {status}");
    }

    /// Waits for its end; it must come within `patience`.
    pub fn wait(mut self, patience: Duration) -> Ended {
        let begin = Instant::now();
        loop {
            match self.lines.recv_timeout(patience.saturating_sub(begin.elapsed())) {
                Ok(line) => self.seen.push(line),
                // The end of its output is its end, as nothing else holds it.
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("still runs after {patience:?}\n{}", self.stderr()),
            }
        }
        let status = self.reap();
        Ended { code: status.code(), stdout: self.said(), stderr: self.stderr(), took: begin.elapsed() }
    }

    /// Waits for the end of a process that has closed its output.
    fn reap(&mut self) -> ExitStatus {
        let status = self.child.wait().expect("it is our child");
        if let Some(errors) = self.errors.take() {
            errors.join().expect("a reader does not fail");
        }
        status
    }
}

/// The resident memory of the process with this id, in KiB.
pub fn resident_kib(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it has memory");
    line.split_whitespace().next().and_then(|number| number.parse().ok()).expect("a number of kB")
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("stderr of process {}:\n{}", self.id(), self.stderr());
        }
    }
}

/// Runs `command` to its end, which must come within a minute.
pub fn run(command: &mut Command) -> Ended {
    Process::start(command).wait(Duration::from_secs(60))
}

/// Runs `command`, which must end with exit code 0; what it wrote to its standard output.
pub fn output(command: &mut Command) -> String {
    let ended = run(command);
    assert_eq!(ended.code, Some(0), "{command:?}\n{}\n{}", ended.stdout, ended.stderr);
    ended.stdout
}

/// Tries `look` again and again until it finds something; that must be within `patience`. What is
/// looked at sets the pace: a process or an exchange over a socket.
pub fn eventually<T>(what: &str, patience: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "not within {patience:?}: {what}");
    }
}
