//! The command line, and the whole suite in one process.
//!
//! In reading order:
//!
//! - [`cli`]: what may be typed; [`error`]: how a command fails;
//! - [`site`], [`world`]: a world as a directory of files, and where it stands;
//! - [`up`]: all services in one process;
//! - [`check`]: every file of a directory, checked;
//! - [`client`], [`offline`]: a running world, and one that is worked out from its files;
//! - [`explain`], [`bgp`], [`geo`]: the commands that ask either;
//! - [`table`]: what they print.

pub mod bgp;
pub mod check;
pub mod cli;
pub mod client;
pub mod error;
pub mod explain;
pub mod geo;
pub mod offline;
pub mod site;
pub mod table;
pub mod up;
pub mod world;

use std::io::Write;

pub use cli::Cli;
use cli::Command;
pub use error::Error;

/// Does what was typed; results go to `out`, logs and progress to stderr.
///
/// # Errors
/// [`Error`], with the exit code.
pub fn run(cli: &Cli, out: &mut impl Write) -> Result<(), Error> {
    match &cli.command {
        Command::Up(command) => up::run(command, out),
        Command::Check(command) => check::run(command, out),
        Command::Explain(command) => explain::run(command, out),
        Command::Bgp(command) => bgp::run(command, out),
        Command::Geo(command) => geo::run(command, out),
    }
}
