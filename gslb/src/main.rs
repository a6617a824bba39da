//! The `gslb` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    serve::program::run::<gslb::Running>()
}
