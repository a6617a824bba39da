//! Questions to answers.

use std::sync::Arc;

use arc_swap::ArcSwap;
use arc_swap::cache::Cache;
use serve::{Answer, Client, Outcome, OwnedPacket, Service, Sink};
use wire::{Class, Query, Rcode, Reply, Rtype};
use zones::ZoneSet;

/// The server as a [`Service`].
pub struct Authoritative {
    zones: Arc<ArcSwap<ZoneSet>>,
}

impl Authoritative {
    /// Answers from `zones`.
    pub fn new(zones: Arc<ZoneSet>) -> Self {
        Self { zones: Arc::new(ArcSwap::new(zones)) }
    }

    /// Answers from other zones from now on; returns those before. They are large: whoever gets them
    /// should be the last to drop them, not a worker.
    pub fn publish(&self, zones: Arc<ZoneSet>) -> Arc<ZoneSet> {
        self.zones.swap(zones)
    }

    /// The zones that it answers from.
    pub fn zones(&self) -> Arc<ZoneSet> {
        self.zones.load_full()
    }
}

impl Service for Authoritative {
    type Worker = Worker;

    fn worker(&self, _core: usize) -> Worker {
        Worker { zones: Cache::new(Arc::clone(&self.zones)) }
    }

    /// Answers below a DNAME: they depend on the whole question, so none stands ready.
    async fn slow(&self, packet: OwnedPacket, _client: Client, mut sink: Sink) {
        let message = {
            let Ok(query) = packet.query() else { return };
            let mut buffer = vec![0; sink.limit()];
            let mut reply = Reply::to(&query, &mut buffer, sink.limit());
            let zones = self.zones();
            if answer(&zones, &query, &mut reply) == Outcome::Slow {
                compose(&zones, &query, &mut reply);
            }
            let length = reply.finish();
            buffer.truncate(length);
            buffer
        };
        if let Err(error) = sink.send(&message).await {
            tracing::debug!(%error, "an answer that nobody took");
        }
    }
}

/// One worker's view of the zones.
pub struct Worker {
    zones: Cache<Arc<ArcSwap<ZoneSet>>, Arc<ZoneSet>>,
}

impl Answer for Worker {
    fn answer(&mut self, query: &Query<'_>, _client: &Client, reply: &mut Reply<'_>) -> Outcome {
        answer(self.zones.load(), query, reply)
    }
}

/// Answers a question from what stands ready.
fn answer(zones: &ZoneSet, query: &Query<'_>, reply: &mut Reply<'_>) -> Outcome {
    // The answer is the same for all, so the subnet goes unused and unsaid (RFC 7871 §7.2.1).
    reply.omit_client_subnet();
    let question = &query.question;
    let transfer = matches!(question.rtype, Rtype::AXFR | Rtype::IXFR);
    let zone = match zones.find(&question.name, question.rtype) {
        Some(zone) if question.class == Class::IN && !transfer => zone,
        _ => {
            reply.set_rcode(Rcode::REFUSED);
            return Outcome::Done;
        }
    };
    if zone.find(&question.name, question.rtype).write(reply) { Outcome::Done } else { Outcome::Slow }
}

/// Answers a question for a name below a DNAME.
fn compose(zones: &ZoneSet, query: &Query<'_>, reply: &mut Reply<'_>) {
    let question = &query.question;
    let composed = zones
        .find(&question.name, question.rtype)
        .map(|zone| zone.compose(&question.name.to_name(), question.rtype));
    match composed {
        Some(Ok((rcode, template))) => {
            reply.set_rcode(rcode);
            reply.set_authoritative();
            reply.template(template.as_ref(), 0);
        }
        _ => reply.set_rcode(Rcode::SERVFAIL),
    }
}
