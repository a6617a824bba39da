//! The authoritative server: answers for its zones from what stands ready in wire form.
//!
//! In reading order:
//!
//! - [`config`]: the configuration, and the zones that it names, read and checked;
//! - [`service`]: questions to answers;
//! - [`Running`]: how it starts, reloads and stops.

pub mod config;
mod running;
pub mod service;

pub use config::Config;
pub use running::Running;
pub use service::Authoritative;
