//! `tern bgp`: what carriers hear from our routers, and changes to it.
//!
//! - [`show`]: who reaches what;
//! - [`change`]: withdrawals and announcements, written into the operators' file.

pub mod change;
pub mod show;

use std::io::Write;

use steering::Action;

use crate::cli::Bgp;
use crate::error::Error;

/// Runs the command.
///
/// # Errors
/// [`Error`].
pub fn run(command: &Bgp, out: &mut impl Write) -> Result<(), Error> {
    match command {
        Bgp::Show(command) => show::run(command, out),
        Bgp::Withdraw(command) => change::run(Action::Withdraw, command, out),
        Bgp::Announce(command) => change::run(Action::Announce, command, out),
    }
}
