//! The documents' commands run, and what runs is what the documents say.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;
use tests::process::run;
use tests::source::read;
use tests::world::World;
use tests::{binary, need};

/// The lines of the blocks that are marked as `sh`.
fn commands(document: &str) -> Vec<String> {
    let blocks = document.split("```sh\n").skip(1).filter_map(|rest| rest.split_once("```"));
    let lines = blocks.flat_map(|(block, _)| block.lines());
    lines.filter(|line| !line.trim().is_empty()).map(str::to_owned).collect()
}

/// A folder with a `tern` in it that asks `world` unless it is told otherwise.
fn tern_of(world: &World) -> TempDir {
    let folder = TempDir::new().unwrap();
    let script = format!(
        "#!/bin/sh\ncase $1 in explain|bgp) exec '{tern}' \"$@\" --admin {admin};; esac\nexec '{tern}' \"$@\"\n",
        tern = binary::path("tern").display(),
        admin = world.admin()
    );
    let path = folder.path().join("tern");
    fs::write(&path, script).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

#[test]
fn every_command_of_the_readme_runs() {
    if !need::tools(&["dig", "curl"]) {
        return;
    }
    let commands = commands(&read("README.md"));
    let world = World::start();
    let folder = tern_of(&world);
    let mut ran = 0;
    for command in commands.iter().filter(|command| !command.starts_with("cargo ")) {
        // Each sees the folder first; a line that extends PATH is for people who built it themselves.
        let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
        let mut shell = Command::new("sh");
        let ended = run(shell.args(["-ec", &world.moved(command)]).env("PATH", path));
        assert_eq!(ended.code, Some(0), "{command}\n{}{}", ended.stdout, ended.stderr);
        if command.starts_with("dig ") {
            assert!(ended.stdout.contains("status: NOERROR"), "{command}\n{}", ended.stdout);
        }
        let silent = command.starts_with("PATH=");
        assert!(silent || !ended.stdout.trim().is_empty(), "{command} says nothing");
        ran += 1;
    }
    assert!(ran >= 10, "only {ran} commands: does this test still see them?");
}

#[test]
fn cargos_commands_are_those_that_are_run_elsewhere() {
    let commands = commands(&read("README.md"));
    let cargo: Vec<_> = commands.iter().filter(|command| command.starts_with("cargo ")).collect();
    assert_eq!(cargo, ["cargo run --release -- up", "cargo test --workspace"]);
    // The second is this run; CI takes it from here.
    assert!(read(".ci/run").contains("cargo test --workspace"), ".ci/run runs the README's test command");
    // The first, with what `cargo run` runs at the root.
    assert!(read("Cargo.toml").contains("default-members = [\"tern\"]"));
    let world = World::start();
    let ended = world.stop("INT", Duration::from_secs(5));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

#[test]
fn what_ready_says_to_try_runs() {
    if !need::tools(&["dig", "curl"]) {
        return;
    }
    let mut world = World::start();
    let greeting = world.greeting();
    let (_, to_try) = greeting.split_once("try:\n").expect("it says what to try");
    let mut ran = 0;
    for command in to_try.lines().filter(|line| line.starts_with("  ")) {
        // These name the admin endpoint themselves.
        let path = format!(
            "{}:{}",
            binary::path("tern").parent().unwrap().display(),
            std::env::var("PATH").unwrap()
        );
        let ended = run(Command::new("sh").args(["-ec", command]).env("PATH", path));
        assert_eq!(ended.code, Some(0), "{command}\n{}{}", ended.stdout, ended.stderr);
        ran += 1;
    }
    assert!(ran >= 6, "{greeting}");
}

#[test]
fn every_help_has_examples() {
    let helps = ["", "up", "explain", "check", "bgp show", "bgp withdraw", "bgp announce", "geo lookup"];
    for (name, help) in helps
        .map(|help| ("tern", help))
        .into_iter()
        .chain(["gslb", "authoritative", "local-dns"].map(|name| (name, "")))
    {
        let ended = run(binary::command(name).args(help.split_whitespace()).arg("--help"));
        assert_eq!(ended.code, Some(0), "{name} {help}: {}", ended.stderr);
        assert!(ended.stdout.contains("Example"), "{name} {help} --help\n{}", ended.stdout);
    }
    for name in ["tern", "gslb", "authoritative", "local-dns"] {
        let ended = run(binary::command(name).arg("--version"));
        let version = format!("{name} {}\n", env!("CARGO_PKG_VERSION"));
        assert_eq!((ended.code, ended.stdout), (Some(0), version), "{}", ended.stderr);
    }
}
