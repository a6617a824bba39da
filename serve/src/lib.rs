//! From sockets to answers: UDP workers, TCP, access lists, counters, the admin endpoint.
//!
//! A server is a [`Service`]: it gives each worker thread an [`Answer`] of its own, which answers most
//! queries at once, without a lock or an allocation, and sends the rest down the slow path.
//!
//! In reading order:
//!
//! - [`service`]: the seam: [`Service`], [`Answer`], [`Client`], [`Outcome`], [`Sink`];
//! - [`server`]: listeners: what is configured, how they [`start`], how they stop;
//! - `worker`: from a packet to the reply's octets, without a system call;
//! - `udp`: sockets and batches of datagrams; the only `unsafe` code;
//! - [`tcp`]: many queries on a stream;
//! - `sink`: the slow path: its bounded queue, and where its answers go;
//! - [`acl`]: who may ask;
//! - `counters`: what is counted, and how Prometheus gets it;
//! - [`config`]: strict TOML with errors that say where and what instead;
//! - [`watch`]: files that change while the server runs;
//! - [`admin`]: metrics, health and the services' own pages;
//! - [`error`]: why something does not start;
//! - [`program`]: what every binary has in common: arguments, logs, signals, exit codes.

pub mod acl;
pub mod admin;
pub mod config;
mod counters;
pub mod error;
pub mod program;
pub mod server;
pub mod service;
mod sink;
pub mod tcp;
mod udp;
pub mod watch;
mod worker;

pub use admin::{Admin, AdminServer};
pub use config::{ConfigError, ConfigFile, Invalid};
pub use error::StartError;
pub use program::{Failure, Program};
pub use server::{ListenConfig, Server, start};
pub use service::{Answer, Client, Outcome, OwnedPacket, Service, Sink, Transport};
pub use watch::Watch;
