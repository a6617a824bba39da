//! The recursive resolver of a carrier: what a phone asks first.
//!
//! Three parts, apart: an [`iterator`] that knows the way from the root to the answer and does no I/O; a
//! [`cache`] of what it learned and of whole answers; a [`service`] that puts both behind sockets.
//!
//! A question that a worker's own cache, or the shared one, can answer is answered on the thread that
//! read it. The others take the slow path: from cached records, or by asking servers, identical questions
//! once. Without RD nothing is asked: what is not at hand is REFUSED. ANY is answered as RFC 8482 §4.2
//! has it; transfers and classes other than IN are REFUSED. A client subnet is neither used nor passed on.
//!
//! In reading order:
//!
//! - [`clock`]: [`Moment`](clock::Moment), and the one clock that asks the system;
//! - [`rrset`]: records of one name and type;
//! - [`iterator`]: the state machine, over [`cache::Records`];
//! - [`cache`]: records and delegations, answers in wire form, the workers' first level;
//! - [`service`]: workers, the slow path, sockets towards servers, metrics;
//! - [`hints`]: where the root is;
//! - [`config`]: what can be configured;
//! - [`start`]: [`Running`], and the program.

pub mod cache;
pub mod clock;
pub mod config;
pub mod hints;
pub mod iterator;
pub mod rrset;
pub mod service;
mod start;

pub use config::Config;
pub use start::{Running, start};
