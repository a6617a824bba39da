//! The seam between sockets and what answers: implemented by every DNS service of the suite.

use std::net::{IpAddr, SocketAddr};

use wire::{Malformed, Query, Reply};

pub use crate::sink::Sink;

/// How a query came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// A datagram.
    Udp,
    /// A message of a stream (RFC 7766).
    Tcp,
}

/// Who asks, and which of our addresses was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// The asker.
    pub address: SocketAddr,
    /// The address that was asked, and that the answer comes from.
    pub local: IpAddr,
    /// How.
    pub transport: Transport,
}

/// What came of a query on the fast path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The reply is written: send it.
    Done,
    /// Say nothing.
    Drop,
    /// Not here: the slow path takes it; what the reply holds is thrown away.
    Slow,
}

/// A DNS service: what `serve` needs to know of it.
///
/// Only queries of class IN and CH reach it; the others are refused before.
pub trait Service: Send + Sync + 'static {
    /// What answers on one worker thread.
    type Worker: Answer + Send + 'static;

    /// Makes the worker of one core of one listener: its own caches, counters, limiter.
    fn worker(&self, core: usize) -> Self::Worker;

    /// Answers what the worker would not: recursion, transfers, anything unusual. Runs on tokio behind a
    /// bounded queue, for packets that [`Query::parse`] accepts.
    fn slow(&self, packet: OwnedPacket, client: Client, sink: Sink) -> impl Future<Output = ()> + Send;

    /// Whether a query that finds the slow path's queue full gets SERVFAIL; else it gets silence.
    fn servfail_when_full(&self) -> bool {
        true
    }
}

/// The fast path of one worker.
pub trait Answer {
    /// Answers one query. No lock, no allocation, no system call.
    fn answer(&mut self, query: &Query<'_>, client: &Client, reply: &mut Reply<'_>) -> Outcome;
}

/// A packet that outlives the worker's buffer.
#[derive(Clone, Debug)]
pub struct OwnedPacket(pub Box<[u8]>);

impl OwnedPacket {
    /// Reads it again.
    ///
    /// # Errors
    /// As [`Query::parse`]; a packet that came through [`Outcome::Slow`] has none.
    pub fn query(&self) -> Result<Query<'_>, Malformed<'_>> {
        Query::parse(&self.0)
    }
}
