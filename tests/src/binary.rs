//! The binaries under test.
//!
//! Cargo does not build other crates' binaries for a test, so the first test of each process asks it
//! to: nothing happens where they are fresh. `TERN_PROFILE=release` tests optimised ones.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

use crate::need::root;

/// The packages whose binaries are tested.
const PACKAGES: [&str; 4] = ["tern", "gslb", "authoritative", "local-dns"];

/// The path of the binary `name`, built if need be.
pub fn path(name: &str) -> PathBuf {
    static BUILT: OnceLock<HashMap<String, PathBuf>> = OnceLock::new();
    let built = BUILT.get_or_init(build);
    built.get(name).unwrap_or_else(|| panic!("cargo builds no binary {name}, only {built:?}")).clone()
}

/// A command that runs the binary `name`.
pub fn command(name: &str) -> Command {
    Command::new(path(name))
}

fn build() -> HashMap<String, PathBuf> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root()).args(["build", "--quiet", "--bins", "--message-format=json"]);
    cargo.args(PACKAGES.iter().flat_map(|package| ["-p", package]));
    if let Some(profile) = std::env::var_os("TERN_PROFILE") {
        cargo.arg("--profile").arg(profile);
    }
    let output = cargo.stderr(Stdio::inherit()).output().expect("cargo runs");
    assert!(output.status.success(), "cargo build: {}", output.status);
    let messages = String::from_utf8(output.stdout).expect("cargo writes UTF-8");
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let executable = |message: Value| {
        let name = message["target"]["name"].as_str()?.to_owned();
        Some((name, PathBuf::from(message["executable"].as_str()?)))
    };
    messages.filter_map(executable).collect()
}
