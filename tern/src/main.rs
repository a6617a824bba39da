//! The command `tern`.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use tern::{Cli, Error};

fn main() -> ExitCode {
    let result = tern::run(&Cli::parse(), &mut io::stdout().lock());
    match result.and_then(|()| Ok(io::stdout().flush()?)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn fail(error: &Error) -> ExitCode {
    let code = error.exit_code();
    if code != 0 {
        // Where stderr is gone, too, the exit code has to do.
        let _ = writeln!(io::stderr(), "tern: {error}");
    }
    ExitCode::from(code)
}
