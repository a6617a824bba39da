//! From a packet to the reply's octets: what UDP and TCP have in common, without a system call.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::sync::mpsc;
use wire::{Class, Fault, Malformed, Opcode, Query, Rcode, Reply};

use crate::acl::{Acl, Otherwise};
use crate::counters::{Counters, Dropped, ServerCounters};
use crate::service::{Answer, Client, Outcome, OwnedPacket, Service, Transport};
use crate::sink::{Job, Sink, SinkTo};

/// The longest query that is taken over UDP, in octets. No client sends a longer one that means well.
pub(crate) const UDP_QUERY: usize = 4096;

/// What all workers of a server share.
pub(crate) struct Shared<S> {
    pub(crate) service: Arc<S>,
    pub(crate) acl: Acl,
    pub(crate) counters: Arc<ServerCounters>,
    /// The longest reply over UDP, in octets, where the asker takes as much.
    pub(crate) udp_payload: u16,
}

/// What turns packets into replies on one thread.
pub(crate) struct Worker<S: Service> {
    shared: Arc<Shared<S>>,
    core: usize,
    answer: S::Worker,
    counters: Arc<Counters>,
    slow_queue: mpsc::Sender<Job>,
}

impl<S: Service> Worker<S> {
    pub(crate) fn new(shared: &Arc<Shared<S>>, core: usize, slow_queue: mpsc::Sender<Job>) -> Self {
        Self {
            core,
            answer: shared.service.worker(core),
            counters: shared.counters.worker(),
            slow_queue,
            shared: Arc::clone(shared),
        }
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Handles one packet. Returns the length in octets of the reply that is now in `buffer`, or nothing
    /// where there is none (yet): `sink_to` then leads the slow path's answer out.
    pub(crate) fn handle(
        &mut self,
        packet: &[u8],
        client: &Client,
        buffer: &mut [u8],
        sink_to: impl FnOnce() -> SinkTo,
    ) -> Option<usize> {
        self.counters.queries(client.transport).bump();
        let verdict = self.shared.acl.verdict(client.address.ip());
        if verdict == Some(Otherwise::Silence) {
            return self.silence(Dropped::Acl);
        }
        let query = match Query::parse(packet) {
            Ok(query) if client.transport == Transport::Udp && packet.len() > UDP_QUERY => {
                return self.fault(&too_long(&query), buffer);
            }
            Ok(query) => query,
            Err(Malformed::Answer(fault)) => return self.fault(&fault, buffer),
            Err(Malformed::Silent) => return self.silence(Dropped::Malformed),
        };
        let limit = match client.transport {
            Transport::Udp => query.udp_payload().min(self.shared.udp_payload),
            Transport::Tcp => u16::MAX,
        };
        let limit = usize::from(limit);
        if verdict.is_some() || !matches!(query.question.class, Class::IN | Class::CH) {
            return self.error(&query, buffer, limit, Rcode::REFUSED);
        }
        let mut reply = Reply::to(&query, buffer, limit);
        // The worker is made anew after a panic, so nothing half-changed is seen again.
        match catch_unwind(AssertUnwindSafe(|| self.answer.answer(&query, client, &mut reply))) {
            Ok(Outcome::Done) => self.finish(reply),
            Ok(Outcome::Drop) => self.silence(Dropped::Service),
            Ok(Outcome::Slow) => {
                let taken = self.enqueue(packet, client, limit, sink_to);
                if taken {
                    None
                } else if self.shared.service.servfail_when_full() {
                    self.error(&query, buffer, limit, Rcode::SERVFAIL)
                } else {
                    self.silence(Dropped::QueueFull)
                }
            }
            Err(_) => {
                self.counters.panics.bump();
                if let Ok(answer) = catch_unwind(AssertUnwindSafe(|| self.shared.service.worker(self.core))) {
                    self.answer = answer;
                }
                self.error(&query, buffer, limit, Rcode::SERVFAIL)
            }
        }
    }

    /// Hands the packet to the slow path, unless its queue is full.
    fn enqueue(&self, packet: &[u8], client: &Client, limit: usize, to: impl FnOnce() -> SinkTo) -> bool {
        let Ok(place) = self.slow_queue.try_reserve() else {
            self.counters.slow_full.bump();
            return false;
        };
        self.counters.slow.bump();
        place.send(Job {
            packet: OwnedPacket(packet.into()),
            client: *client,
            sink: Sink::new(to(), limit, Arc::clone(&self.shared.counters.shared)),
        });
        true
    }

    fn finish(&self, reply: Reply<'_>) -> Option<usize> {
        self.counters.response(reply.rcode()).bump();
        Some(reply.finish())
    }

    fn error(&self, query: &Query<'_>, buffer: &mut [u8], limit: usize, rcode: Rcode) -> Option<usize> {
        let mut reply = Reply::to(query, buffer, limit);
        reply.set_rcode(rcode);
        self.finish(reply)
    }

    fn fault(&self, fault: &Fault<'_>, buffer: &mut [u8]) -> Option<usize> {
        self.counters.response(fault.rcode).bump();
        Some(Reply::fault(fault, buffer))
    }

    fn silence(&self, reason: Dropped) -> Option<usize> {
        self.counters.dropped(reason).bump();
        None
    }
}

/// FORMERR for a query that filled the buffer: it may have been longer, so it was not read whole.
fn too_long<'a>(query: &Query<'a>) -> Fault<'a> {
    Fault {
        id: query.id,
        opcode: Opcode::QUERY,
        recursion_desired: query.recursion_desired,
        rcode: Rcode::FORMERR,
        question: Some(query.question.wire),
        edns: query.edns.is_some(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
pub(crate) mod tests;
