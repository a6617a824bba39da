//! Tools and data that a test needs. Where one is missing the test says so and passes; with
//! `TERN_REQUIRE_ALL=1`, as in CI, it fails. `TERN_REQUIRE_ALL=tools` lets the data be missing.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The workspace's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this crate lies in the workspace").to_owned()
}

/// Whether `tool` can be run.
pub fn tool(tool: &str) -> bool {
    let found = Command::new("sh")
        .args(["-c", "command -v \"$0\"", tool])
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    found || skipped(&format!("no `{tool}` on this machine"), &["1", "tools"])
}

/// Whether all of `tools` can be run.
pub fn tools(tools: &[&str]) -> bool {
    tools.iter().all(|name| tool(name))
}

/// A file of the shared data, which is no part of the project: in `TERN_SHARED`, else beside the
/// workspace.
pub fn shared(name: &str) -> Option<PathBuf> {
    let shared = std::env::var_os("TERN_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    let path = shared.join("data").join(name);
    if path.exists() || skipped(&format!("no {}", path.display()), &["1"]) { Some(path) } else { None }
}

/// Says that a test does not run, `false`; fails it where `TERN_REQUIRE_ALL` is one of `required`.
fn skipped(why: &str, required: &[&str]) -> bool {
    let demand = std::env::var("TERN_REQUIRE_ALL").unwrap_or_default();
    assert!(!required.contains(&demand.as_str()), "{why}, and TERN_REQUIRE_ALL is {demand}");
    eprintln!("skipped: {why}");
    false
}
