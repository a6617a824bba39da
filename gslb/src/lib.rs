//! The GSLB: answers a service's name with the SLBs that the asker can really reach, by the steering
//! engine; other names of its zone from a master file.
//!
//! In reading order:
//!
//! - [`config`]: the configuration, and everything that it names, read and checked;
//! - [`zone`]: the zone that the services stand in;
//! - [`service`]: questions to answers;
//! - [`pages`]: explain, reach and the rest of the admin pages;
//! - [`Running`]: how it starts, reloads, follows the operators' file, and stops.

pub mod config;
pub mod pages;
mod running;
pub mod service;
pub mod zone;

pub use config::Config;
pub use running::Running;
pub use service::Gslb;
