//! The crate against hickory-proto, which shares no line with it, and against its own laws: what is
//! written is what is read, at every size; damaged packets get the protocol's error or silence.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod damage;
mod messages;
mod queries;
mod replies;
mod round_trip;
mod samples;
