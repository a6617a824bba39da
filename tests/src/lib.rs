//! Black-box tests: the built binaries, real sockets, real `dig` and `dnsperf`.
//!
//! This library is the harness; the tests are in `tests/tests/`, one file per theme, and
//! `tests/tests/house.rs` tests the rules of the house itself. In reading order:
//!
//! - [`need`]: tools and data that a test needs, and what happens where they are missing;
//! - [`binary`]: the binaries under test, built once;
//! - [`process`]: a process with its output, its end and its memory;
//! - [`world`]: `tern up` on a loopback network of its own, so that worlds run side by side;
//! - [`files`]: a world's directory without anybody who runs it;
//! - [`dig`]: what `dig` says, taken apart;
//! - [`packet`]: packets by hand, and raw exchanges over UDP and TCP;
//! - [`metrics`]: what `/metrics` says, taken apart;
//! - [`load`]: full speed, by `dnsperf` and by a sender of random client subnets;
//! - [`source`]: the project's own files, for the rules of the house.
//!
//! A harness panics where a test should fail: that is its error handling.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod binary;
pub mod dig;
pub mod files;
pub mod load;
pub mod metrics;
pub mod need;
pub mod packet;
pub mod process;
pub mod source;
pub mod world;
