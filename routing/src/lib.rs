//! What the network says: the cloud's topology, and which carrier reaches which of its prefixes
//! over BGP.
//!
//! In reading order:
//! - [`topology`]: regions, zones, SLBs, carriers, routers, sessions, prefixes and services: one
//!   typed model, read from TOML and validated.
//! - [`snapshot`]: who reaches what, by which AS path, since when; whatever knows produces it.

pub mod snapshot;
pub mod topology;

pub use snapshot::{Reach, Snapshot};
pub use topology::{DEFAULT_TOPOLOGY, Topology};
