//! A server under measure: started in a process group of its own on one core, its CPU time read from
//! `/proc`, ended when dropped.

use std::ffi::OsString;
use std::fs::{self, File};
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::questions::Question;

/// Length of the ticks in which `/proc` counts CPU time: USER_HZ is 100 on every architecture we know.
const TICK: Duration = Duration::from_millis(10);

/// How long a server may take from its start to its first answer.
const START_LIMIT: Duration = Duration::from_secs(30);

/// How long a killed server's children may take to go.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// How a server is started, in the foreground.
#[derive(Clone, Debug)]
pub(crate) struct Launch {
    /// How the report calls it.
    pub(crate) name: &'static str,
    /// The program's file.
    pub(crate) program: PathBuf,
    /// Its arguments.
    pub(crate) args: Vec<OsString>,
    /// The argument that makes it print its version.
    pub(crate) version: &'static str,
    /// The core that it runs on.
    pub(crate) core: usize,
}

impl Launch {
    /// The program's version, by its own word; empty where it says none.
    pub(crate) fn version(&self) -> String {
        let Ok(output) = Command::new(&self.program).arg(self.version).output() else {
            return String::new();
        };
        let text = [output.stdout, output.stderr].concat();
        version_in(&String::from_utf8_lossy(&text)).to_owned()
    }
}

/// The last word of the line that speaks of a version, else of the first.
fn version_in(text: &str) -> &str {
    let line = text.lines().find(|line| line.to_ascii_lowercase().contains("version"));
    line.or(text.lines().next()).and_then(|line| line.split(' ').next_back()).unwrap_or_default()
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    log: PathBuf,
    name: &'static str,
}

impl Server {
    /// Starts it and waits until it answers `probe` at `address`. What it prints goes to a file in `dir`.
    ///
    /// # Errors
    /// When something else holds the address, the program does not start, ends early, or gives no answer
    /// within 30 s.
    pub(crate) fn start(
        launch: &Launch,
        dir: &Path,
        address: SocketAddr,
        probe: &Question,
    ) -> Result<Self, Error> {
        drop(UdpSocket::bind(address).map_err(|source| Error::Occupied { address, source })?);
        let log = dir.join(format!("{}.log", launch.name));
        let out = File::create(&log).map_err(|source| Error::file(&log, source))?;
        let err = out.try_clone().map_err(|source| Error::file(&log, source))?;
        // setpriv: the server dies with us even where we are killed.
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "TERM", "taskset", "-c"])
            .arg(launch.core.to_string())
            .arg(&launch.program)
            .args(&launch.args)
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .process_group(0)
            .spawn()
            .map_err(|source| Error::Spawn { program: "setpriv", source })?;
        let mut server = Self { child, log, name: launch.name };
        server.wait(address, probe)?;
        Ok(server)
    }

    /// CPU time that the server has used so far: user and system, all processes of its group, all threads.
    pub(crate) fn cpu(&self) -> Duration {
        TICK * self.processes().map(|process| process.ticks).sum::<u32>()
    }

    /// The processes of the server's group.
    fn processes(&self) -> impl Iterator<Item = Process> {
        let group = self.child.id();
        fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .filter_map(|entry| fs::read_to_string(entry.ok()?.path().join("stat")).ok())
            .filter_map(|stat| Process::parse(&stat))
            .filter(move |process| process.group == group)
    }

    fn wait(&mut self, address: SocketAddr, probe: &Question) -> Result<(), Error> {
        let socket = UdpSocket::bind((address.ip(), 0)).map_err(Error::Socket)?;
        socket.set_read_timeout(Some(Duration::from_millis(20))).map_err(Error::Socket)?;
        let start = Instant::now();
        let mut buffer = [0; 4096];
        while start.elapsed() < START_LIMIT {
            socket.send_to(&probe.packet, address).map_err(Error::Socket)?;
            if socket.recv_from(&mut buffer).is_ok() {
                return Ok(());
            }
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                break;
            }
        }
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let tail: Vec<&str> = log.lines().rev().take(5).collect();
        let tail = tail.into_iter().rev().collect::<Vec<_>>().join("\n  ");
        Err(Error::NotReady { server: self.name, address, tail })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing that these servers hold is worth saving, so they are not asked; children go with them.
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.child.kill();
        let _ = self.child.wait();
        // A child of theirs may hold the socket for some milliseconds more.
        let start = Instant::now();
        while self.processes().any(|process| process.alive) && start.elapsed() < STOP_LIMIT {
            thread::sleep(Duration::from_millis(2));
        }
    }
}

/// What a line of `/proc/PID/stat` says (proc(5)).
#[derive(Debug, PartialEq)]
struct Process {
    group: u32,
    /// Not a zombie.
    alive: bool,
    /// CPU time: utime and stime, its own and those of the children that it waited for.
    ticks: u32,
}

impl Process {
    fn parse(stat: &str) -> Option<Self> {
        // The command's name, in parentheses, may hold anything; behind it stand fields 3 and up.
        let (_, fields) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
        let number = |field: usize| fields.get(field - 3)?.parse::<u32>().ok();
        let ticks = (14..=17).map(number).sum::<Option<u32>>()?;
        Some(Self { group: number(5)?, alive: fields.first() != Some(&"Z"), ticks })
    }
}

/// Where a program is: in `PATH` or where Debian puts servers.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from))
        .map(|dir| dir.join(program))
        .find(|file| file.is_file())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    const STAT: &str = "7 (a) b (c) S 1 42 42 0 -1 4194560 1 2 3 4 100 20 3 1 20 0 3 0 5 6 7";

    #[test]
    fn the_kernels_line_is_read() {
        assert_eq!(Process::parse(STAT), Some(Process { group: 42, alive: true, ticks: 124 }));
        let zombie = STAT.replace(" S ", " Z ");
        assert_eq!(Process::parse(&zombie), Some(Process { group: 42, alive: false, ticks: 124 }));
        assert_eq!(Process::parse("7 (a) S 1"), None);
    }

    #[test]
    fn versions_are_found_in_what_servers_print() {
        assert_eq!(version_in("gdnsd: invalid option -- 'h'\ngdnsd version 3.8.1\nUsage"), "3.8.1");
        assert_eq!(version_in("Version 1.17.1\n\nConfigure line: --x"), "1.17.1");
        assert_eq!(version_in("gslb 0.1.0\n"), "0.1.0");
        assert_eq!(version_in(""), "");
    }

    #[test]
    fn the_shell_is_found_and_nonsense_is_not() {
        assert!(find("sh").is_some());
        assert_eq!(find("no-such-program-anywhere"), None);
    }
}
