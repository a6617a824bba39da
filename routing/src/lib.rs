//! What the network says: the cloud's topology, and which carrier reaches which of its prefixes
//! over BGP.
//!
//! In reading order:
//! - [`topology`]: regions, zones, SLBs, carriers, routers, sessions, prefixes and services: one
//!   typed model, read from TOML and validated.
//! - [`snapshot`]: who reaches what, by which AS path, since when; whatever knows produces it.
//! - [`event`]: what happens: withdraw, announce, sessions and links down and up.
//! - [`graph`]: the AS graph of the topology.
//! - [`propagation`]: how a route spreads over it (Gao–Rexford).
//! - [`simulation`]: events in, snapshots out; the embedded source of reachability.
//!
//! The only I/O is in `topology/load.rs`.

pub mod event;
pub mod graph;
pub mod propagation;
pub mod simulation;
pub mod snapshot;
pub mod topology;

pub use event::Event;
pub use simulation::Simulation;
pub use snapshot::{Reach, Snapshot};
pub use topology::{DEFAULT_TOPOLOGY, Problem, Problems, Topology};
