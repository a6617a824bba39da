//! DNS messages on the hot path: a borrowed [`Query`] over the packet, a [`Reply`] written into the
//! caller's buffer. No I/O, no `unsafe`; reading a query and writing a reply from a [`Template`]
//! allocates nothing.
//!
//! In reading order:
//!
//! - [`name`]: [`Name`], owned and case-preserving, and [`Folded`], the lower-cased form on the stack
//!   that look-ups use;
//! - [`types`]: [`Rtype`], [`Class`], [`Rcode`], [`Opcode`] and their mnemonics;
//! - [`edns`]: the OPT record and its options: client subnet (RFC 7871), cookie (RFC 7873);
//! - [`query`]: one question, read and checked; everything else is a [`Fault`] or silence;
//! - [`rdata`]: where names stand in RDATA, and so what may be compressed (RFC 3597 §4);
//! - [`template`]: an answer that stands ready in wire form;
//! - [`reply`]: header, question, template, OPT: what leaves the server;
//! - [`message`]: reading whole responses, names decompressed;
//! - [`ask`]: writing a question to an upstream server.

pub mod ask;
pub mod edns;
pub mod message;
pub mod name;
pub mod query;
pub mod rdata;
pub mod reply;
pub mod template;
pub mod types;

pub use ask::Ask;
pub use edns::{ClientSubnet, Cookie, Edns, Family};
pub use message::{Message, Record, Section};
pub use name::{Folded, Name, NameError};
pub use query::{Fault, Malformed, Query, Question};
pub use reply::Reply;
pub use template::{Owner, Template, TemplateBuilder, TemplateRef, TooLong};
pub use types::{Class, Opcode, Rcode, Rtype};

/// Octets of a DNS header (RFC 1035 §4.1.1).
pub const HEADER: usize = 12;

/// The UDP payload that we advertise and fill at the most: it crosses any path unfragmented
/// (RFC 9715, DNS Flag Day 2020).
pub const UDP_PAYLOAD: u16 = 1232;

/// Reads a big-endian `u16` at `at`, or nothing where the packet ends.
pub(crate) fn u16_at(packet: &[u8], at: usize) -> Option<u16> {
    let octets = packet.get(at..at.checked_add(2)?)?;
    Some(u16::from_be_bytes([octets[0], octets[1]]))
}

/// Reads a big-endian `u32` at `at`, or nothing where the packet ends.
pub(crate) fn u32_at(packet: &[u8], at: usize) -> Option<u32> {
    let octets = packet.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes([octets[0], octets[1], octets[2], octets[3]]))
}
