//! The resolver's iterator: from the root to the answer (RFC 1034 §5.3.3), as a pure state machine.
//!
//! It holds no socket, reads no clock and draws no number of its own: an [`Iteration`] is stepped with an
//! [`Event`] and says by an [`Action`] what to do next, over a [`World`] of caches, limits, the moment and
//! a source of randomness. So tests run it against scripted servers on a scripted clock.
//!
//! What a server says is believed only as far as it can know: records at or below the zone that it was
//! asked for, along the chain of aliases from the question; referrals that lead down towards the name;
//! glue for servers inside the zone, and that only to ask them. The final question is sent whole, with no
//! QNAME minimisation.
//!
//! In reading order:
//!
//! - [`machine`]: [`Iteration`]: the stack of questions, and what each event changes;
//! - `frame`: one question on that stack: where it stands, whom it may ask;
//! - `response`: what a packet says, once everything unbelievable is left out;
//! - [`servers`]: round-trip times, losses and the bench, by address.

mod frame;
pub mod machine;
mod response;
pub mod servers;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rand::Rng;
use serde::Deserialize;
use serve::Transport;
use wire::Rcode;

use crate::cache::Records;
use crate::clock::Moment;
use crate::rrset::Rrset;
pub use machine::Iteration;
pub use servers::Servers;

/// How much one question may cost, and how long what it brings may be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Limits {
    /// Packets that one question may send upstream, its sub-questions included.
    pub packets: u32,
    /// Aliases that one answer may pass through.
    pub restarts: usize,
    /// Questions for name servers' addresses inside one another.
    pub depth: usize,
    /// Questions for name servers' addresses in all, for one question (NXNS).
    pub address_lookups: u32,
    /// Milliseconds after which a question has failed.
    pub deadline_ms: u64,
    /// Seconds that anything may be kept at the most.
    pub max_ttl: u32,
    /// Seconds that a negative answer may be kept at the most (RFC 2308 §5).
    pub max_negative_ttl: u32,
    /// Seconds that a failure is kept (RFC 9520); 0 keeps none.
    pub failure_ttl: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            packets: 64,
            restarts: 11,
            depth: 7,
            address_lookups: 12,
            deadline_ms: 10_000,
            max_ttl: 86_400,
            max_negative_ttl: 3600,
            failure_ttl: 5,
        }
    }
}

/// Address families that questions may leave by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Families {
    /// IPv4.
    pub v4: bool,
    /// IPv6.
    pub v6: bool,
}

impl Families {
    /// Whether a server at `address` may be asked: of a family in use, and an address of one host.
    pub(crate) fn reach(self, address: IpAddr) -> bool {
        let family = if address.is_ipv4() { self.v4 } else { self.v6 };
        let broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
        family && !address.is_unspecified() && !address.is_multicast() && !broadcast
    }
}

/// All that a step may look at and write to.
pub struct World<'a> {
    /// The cache.
    pub records: &'a Records,
    /// What is known of servers.
    pub servers: &'a Servers,
    /// The limits.
    pub limits: &'a Limits,
    /// Address families in use.
    pub families: Families,
    /// The moment.
    pub now: Moment,
    /// Where ids and choices come from; unpredictable outside of tests (RFC 5452 §9.2).
    pub rng: &'a mut dyn Rng,
}

/// What happened.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// Nothing yet: the first step.
    Start,
    /// A packet came from the server that was asked, over the transport that it was asked by.
    Response(&'a [u8]),
    /// The timeout passed.
    Timeout,
    /// The server can't be reached at all: no route, nobody there, the connection broke.
    Unreachable,
    /// The packet did not leave, for want of a socket here: nothing is said of the server.
    Unsent,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send a packet from a fresh port and come back with what happens; the wait for the last is over.
    Ask {
        /// To whom.
        server: IpAddr,
        /// How.
        transport: Transport,
        /// The packet.
        packet: Vec<u8>,
        /// How long to wait.
        timeout: Duration,
    },
    /// That was not the answer to the last packet: wait on, no longer than was said.
    Wait,
    /// The end.
    Done(Resolution),
}

/// How a question ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolution {
    /// The records, aliases first in the order in which they lead on.
    pub answer: Vec<Arc<Rrset>>,
    /// The SOA of a negative answer, its TTL already what the answer may be kept for (RFC 2308 §3).
    pub soa: Option<Arc<Rrset>>,
    /// Whether the name at the end of the aliases does not exist.
    pub nx_domain: bool,
    /// Why there is no answer, where there is none.
    pub failure: Option<Failure>,
}

impl Resolution {
    fn failed(failure: Failure) -> Self {
        Self { failure: Some(failure), ..Self::default() }
    }

    /// The response code.
    pub fn rcode(&self) -> Rcode {
        match self.failure {
            Some(_) => Rcode::SERVFAIL,
            None if self.nx_domain => Rcode::NXDOMAIN,
            None => Rcode::NOERROR,
        }
    }

    /// How long it may be kept, in seconds: until the first of its RRsets goes. A negative answer
    /// without SOA is not kept (RFC 2308 §5).
    pub fn ttl(&self, now: Moment, limits: &Limits) -> u32 {
        let negative = self.nx_domain || self.answer.is_empty();
        match (self.failure, &self.soa) {
            (Some(_), _) => limits.failure_ttl,
            (None, None) if negative => 0,
            _ => self.answer.iter().chain(&self.soa).map(|set| set.ttl(now)).min().unwrap_or(0),
        }
    }
}

/// Why a question has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Failure {
    /// Every server was asked in vain, or none has an address.
    #[error("no server of the zone gives an answer")]
    NoServer,
    /// Aliases lead in a circle.
    #[error("the aliases lead in a circle")]
    AliasLoop,
    /// More aliases than [`Limits::restarts`].
    #[error("too many aliases")]
    LongChain,
    /// More packets than [`Limits::packets`].
    #[error("too many packets")]
    TooMuchWork,
    /// Longer than [`Limits::deadline_ms`].
    #[error("too late")]
    Deadline,
}

impl Failure {
    /// One word for it.
    pub fn label(self) -> &'static str {
        match self {
            Self::NoServer => "no-server",
            Self::AliasLoop => "alias-loop",
            Self::LongChain => "long-chain",
            Self::TooMuchWork => "too-much-work",
            Self::Deadline => "deadline",
        }
    }
}
