//! A binary from outside: the example `mirror`, which cargo builds with these tests.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use common::*;
use tempfile::TempDir;

fn binary() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let binary = tests.ancestors().nth(2).unwrap().join("examples/mirror");
    assert!(
        binary.exists(),
        "no example: run `cargo test -p serve` whole, or `cargo build -p serve --examples`"
    );
    binary
}

fn mirror(arguments: &[&str]) -> Output {
    Command::new(binary()).args(arguments).output().unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

/// A running mirror on free ports.
struct Process {
    child: Child,
    folder: TempDir,
    admin: SocketAddr,
}

const CONFIG: &str = "admin = '127.0.0.1:0'\nttl = 5\n[server]\nlisten = ['127.0.0.1:0']\n";

impl Process {
    fn start() -> Self {
        Self::start_by(Command::new(binary()))
    }

    fn start_by(mut command: Command) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mirror.toml");
        fs::write(&file, CONFIG).unwrap();
        let mut child = command.arg("--config").arg(&file).stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let admin = log.find_map(|line| line.unwrap().split_once("admin endpoint address=")?.1.parse().ok());
        // The rest must be read too, or the process would wait for somebody to do so.
        std::thread::spawn(move || log.for_each(drop));
        Self { child, folder, admin: admin.unwrap() }
    }

    fn until(&self, done: impl Fn() -> bool) {
        let began = Instant::now();
        while !done() {
            assert!(began.elapsed() < Duration::from_secs(20), "waited too long");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn page(&self, path: &str) -> String {
        http(self.admin, "GET", path).1.trim().to_owned()
    }

    fn dns(&self) -> SocketAddr {
        self.page("/listening").trim_matches(['[', ']']).parse().unwrap()
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    fn rewrite(&self, from: &str, to: &str) {
        let file = self.folder.path().join("mirror.toml");
        let text = fs::read_to_string(&file).unwrap();
        fs::write(file, text.replace(from, to)).unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_example_is_good_and_every_table_denies_unknown_keys() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.toml");
    let path = file.to_str().unwrap();
    let example = mirror(&["--example"]);
    assert!(example.status.success());
    let example = String::from_utf8(example.stdout).unwrap();
    fs::write(&file, &example).unwrap();
    let checked = mirror(&["--config", path, "--check"]);
    assert!(checked.status.success() && told(&checked).contains("good"), "{checked:?}");
    let tables = ["ttl = 0\n", "[server]\n", "[server.acl]\n", "[server.tcp]\n"];
    for table in tables {
        fs::write(&file, example.replacen(table, &format!("{table}surprise = 1\n"), 1)).unwrap();
        let checked = mirror(&["--config", path, "--check"]);
        assert_eq!(checked.status.code(), Some(2));
        assert!(told(&checked).contains("unknown key `surprise`"), "{checked:?}");
    }
}

#[test]
fn bad_configuration_and_bad_arguments_are_exit_2() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.toml");
    let path = file.to_str().unwrap();
    for (text, expected) in [
        ("ttl = 999999\n", ":1: `ttl`: more than a week (mend: write 0 to 604800)"),
        (
            "\n[server]\nlisten = []\n",
            ":3: `server.listen`: no address (mend: name one, like 127.0.0.1:5300)",
        ),
        ("\n[server]\nworker = 1\n", ":3: unknown key `worker` in `server` (mend: write `workers`)"),
    ] {
        fs::write(&file, text).unwrap();
        for arguments in [&["--config", path, "--check"][..], &["--config", path]] {
            let output = mirror(arguments);
            assert_eq!(output.status.code(), Some(2));
            assert!(told(&output).contains(&format!("mirror: {path}{expected}")), "{output:?}");
        }
    }
    assert_eq!(mirror(&["--config", "/nonexistent"]).status.code(), Some(2));
    assert_eq!(mirror(&[]).status.code(), Some(2));
    assert_eq!(mirror(&["--surprise"]).status.code(), Some(2));
}

#[test]
fn help_and_version() {
    let help = mirror(&["--help"]);
    assert!(help.status.success() && told(&help).contains("mirror --config mirror.toml --check"), "{help:?}");
    let version = mirror(&["--version"]);
    assert_eq!(told(&version).trim(), format!("mirror {}", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_second_copy_is_exit_2() {
    let first = Process::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.toml");
    fs::write(&file, format!("[server]\nlisten = ['{}']\n", first.dns())).unwrap();
    let second = mirror(&["--config", file.to_str().unwrap()]);
    assert_eq!(second.status.code(), Some(2));
    assert!(told(&second).contains("in use"), "{second:?}");
}

/// Each connection, and each question to another server, has a descriptor.
#[test]
fn it_may_open_as_many_files_as_it_is_allowed() {
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -S -n 256; exec \"$0\" \"$@\""]).arg(binary());
    let process = Process::start_by(shell);
    let limits = fs::read_to_string(format!("/proc/{}/limits", process.child.id())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let words: Vec<_> = line.split_whitespace().collect();
    assert_eq!(words[3], words[4], "soft and hard: {line}");
}

#[test]
fn hangup_reloads_or_refuses_and_terminate_ends_with_0() {
    for stop in ["TERM", "INT"] {
        let mut process = Process::start();
        let answer = udp(process.dns(), &ask(1, "me.example."));
        assert_eq!(common::told(&answer).to_string(), "127.0.0.1");
        process.rewrite("ttl = 5", "ttl = 6");
        process.signal("HUP");
        process.until(|| process.page("/ttl") == "6");

        let metric = |name: &str| process.page("/metrics").lines().any(|line| line == name);
        process.until(|| metric("tern_config_reloads_total{result=\"done\",service=\"mirror\"} 1"));
        process.rewrite("ttl = 6", "ttl = 'long'");
        process.signal("HUP");
        process.until(|| metric("tern_config_stale{service=\"mirror\"} 1"));
        assert_eq!(process.page("/ttl"), "6");

        process.signal(stop);
        let began = Instant::now();
        assert_eq!(process.child.wait().unwrap().code(), Some(0), "{stop}");
        assert!(began.elapsed() < Duration::from_secs(5));
    }
}
