//! The recursive resolver of a carrier: what a phone asks first.
//!
//! Three parts, apart: an [`iterator`] that knows the way from the root to the answer and does no I/O; a
//! [`cache`] of what it learned and of whole answers; a service that puts both behind sockets.
//!
//! In reading order:
//!
//! - [`clock`]: [`Moment`](clock::Moment), and the one clock that asks the system;
//! - [`rrset`]: records of one name and type;
//! - [`cache`]: RRsets, delegations, answers in wire form, the workers' first level;
//! - [`iterator`]: the state machine.

pub mod cache;
pub mod clock;
pub mod iterator;
pub mod rrset;
