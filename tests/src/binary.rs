//! The binaries under test.
//!
//! Cargo does not build other crates' binaries for a test, so the first test of each process that needs
//! one asks it to: nothing happens where it is fresh. `TERN_PROFILE=release` tests optimised ones.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use crate::need::root;

/// The packages whose binaries are tested. Cargo is asked for one binary, but always told of all packages:
/// another set could mean other features of what they share, and all of it would be built again.
const PACKAGES: [&str; 4] = ["tern", "gslb", "authoritative", "local-dns"];

/// The path of the binary of the package `name`, built if need be.
pub fn path(name: &str) -> PathBuf {
    static BUILT: Mutex<Option<HashMap<String, PathBuf>>> = Mutex::new(None);
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let built = built.get_or_insert_default();
    built.entry(name.to_owned()).or_insert_with(|| build(name)).clone()
}

/// A command that runs the binary of the package `name`.
pub fn command(name: &str) -> Command {
    Command::new(path(name))
}

fn build(name: &str) -> PathBuf {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root()).args(["build", "--quiet", "--message-format=json", "--bin", name]);
    cargo.args(PACKAGES.iter().flat_map(|package| ["-p", package]));
    if let Some(profile) = std::env::var_os("TERN_PROFILE") {
        cargo.arg("--profile").arg(profile);
    }
    let output = cargo.stderr(Stdio::inherit()).output().expect("cargo runs");
    assert!(output.status.success(), "cargo build --bin {name}: {}", output.status);
    let messages = String::from_utf8(output.stdout).expect("cargo writes UTF-8");
    let mut messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let built = messages.find_map(|message| message["executable"].as_str().map(PathBuf::from));
    built.unwrap_or_else(|| panic!("cargo builds no binary {name}"))
}
