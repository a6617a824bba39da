//! From sockets to answers: UDP workers, TCP, access lists, counters, the admin endpoint.
//!
//! A server is a [`Service`]: it gives each worker thread an [`Answer`] of its own, which answers most
//! queries at once, without a lock or an allocation, and sends the rest down the slow path.
//!
//! In reading order:
//!
//! - [`service`]: the seam: [`Service`], [`Answer`], [`Client`], [`Outcome`], [`Sink`].

pub mod service;

pub use service::{Answer, Client, Outcome, OwnedPacket, Service, Sink, Transport};
