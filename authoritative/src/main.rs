//! The `authoritative` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    serve::program::run::<authoritative::Running>()
}
