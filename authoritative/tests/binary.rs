//! The binary: exit codes, and signals.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const ZONE: &str = "$TTL 60\n@ SOA ns admin 7 2 3 4 5\n@ NS ns\nns A 192.0.2.53\n";
const CONFIG: &str =
    "[[zone]]\nname = 'z'\nfile = 'z.zone'\n[server]\nlisten = ['127.0.0.1:0']\nworkers = 1\n";

fn binary(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_authoritative"));
    command.arg("--config").arg(folder.join("a.toml")).env("TERN_LOG", "info").env("NO_COLOR", "1");
    command
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.toml"), CONFIG).unwrap();
    std::fs::write(folder.path().join("z.zone"), ZONE).unwrap();
    folder
}

#[test]
fn check_tells_good_from_bad() {
    let folder = folder();
    let good = binary(folder.path()).arg("--check").output().unwrap();
    assert_eq!(good.status.code(), Some(0));
    std::fs::write(folder.path().join("z.zone"), format!("{ZONE}ns A 192.0.2.53\n")).unwrap();
    let warned = binary(folder.path()).arg("--check").output().unwrap();
    let message = String::from_utf8(warned.stderr).unwrap();
    assert_eq!(warned.status.code(), Some(0));
    assert!(message.contains("z.zone:5: warning: ns.z. A stands twice"), "{message}");
    std::fs::write(folder.path().join("z.zone"), format!("{ZONE}\nx WHAT y\n")).unwrap();
    let bad = binary(folder.path()).arg("--check").output().unwrap();
    let message = String::from_utf8(bad.stderr).unwrap();
    assert_eq!(bad.status.code(), Some(2));
    let place = format!("{}:6: error: unknown type `WHAT`", folder.path().join("z.zone").display());
    assert!(message.contains(&place), "{message}");
}

#[test]
fn hangup_reloads_and_terminate_ends() {
    let folder = folder();
    let mut child = binary(folder.path()).stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let mut wait = |text: &str| {
        let line = log.find(|line| line.contains(text));
        assert!(line.is_some(), "the log ends without {text:?}");
    };
    wait("ready");
    std::fs::write(folder.path().join("z.zone"), "no zone").unwrap();
    signal(&child, "HUP");
    wait("z.zone:1: error: unknown type `zone`");
    std::fs::write(folder.path().join("z.zone"), ZONE).unwrap();
    signal(&child, "HUP");
    wait("reloaded");
    signal(&child, "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// Sends a signal by the shell's `kill`: no unsafe code for a test.
fn signal(child: &Child, signal: &str) {
    let sent = Command::new("kill").arg(format!("-{signal}")).arg(child.id().to_string()).status().unwrap();
    assert!(sent.success());
}
