//! Questions to answers: a service's name is steered, every other name comes from the zone.

use std::sync::Arc;

use arc_swap::ArcSwap;
use arc_swap::cache::Cache;
use serve::{Answer, Client, Outcome, OwnedPacket, Service, Sink};
use steering::{Engine, Family, Reader};
use wire::{Class, Query, Rcode, Reply, Rtype};
use zones::Found;

use crate::zone::ServiceZone;

/// The GSLB as a [`Service`].
pub struct Gslb {
    engine: Arc<Engine>,
    zone: Arc<ArcSwap<ServiceZone>>,
}

impl Gslb {
    /// Answers from `engine` for services and from `zone` for the rest.
    pub fn new(engine: Arc<Engine>, zone: ServiceZone) -> Self {
        Self { engine, zone: Arc::new(ArcSwap::from_pointee(zone)) }
    }

    /// Serves another zone from now on; returns the one before, which no worker should be the last to drop.
    pub fn publish(&self, zone: ServiceZone) -> Arc<ServiceZone> {
        self.zone.swap(Arc::new(zone))
    }
}

impl Service for Gslb {
    type Worker = Worker;

    fn worker(&self, _core: usize) -> Worker {
        Worker { world: self.engine.reader(), zone: Cache::new(Arc::clone(&self.zone)) }
    }

    async fn slow(&self, _packet: OwnedPacket, _client: Client, _sink: Sink) {
        // Every answer stands ready: no worker sends anything here.
    }
}

/// One worker's view of world and zone.
pub struct Worker {
    world: Reader,
    zone: Cache<Arc<ArcSwap<ServiceZone>>, Arc<ServiceZone>>,
}

impl Answer for Worker {
    fn answer(&mut self, query: &Query<'_>, client: &Client, reply: &mut Reply<'_>) -> Outcome {
        let question = &query.question;
        if question.class != Class::IN || matches!(question.rtype, Rtype::AXFR | Rtype::IXFR) {
            reply.set_rcode(Rcode::REFUSED);
            return Outcome::Done;
        }
        let world = self.world.load();
        let zone = self.zone.load();
        let families = Family::asked_by(question.rtype);
        let service = if families.is_empty() { None } else { world.layout.find(&question.name) };
        let Some(service) = service else {
            answer_from_zone(zone, query, reply);
            return Outcome::Done;
        };
        reply.set_authoritative();
        // A subnet of source 0 asks that it not be used (RFC 7871 §7.1.2): then the resolver's own
        // address decides, and the scope stays 0.
        let subnet = query.edns.and_then(|edns| edns.client_subnet?.address());
        let (group, scope) = world.layout.locate(subnet.unwrap_or(client.address.ip()));
        if subnet.is_some() {
            reply.set_scope(scope);
        }
        let mut answers = families.iter().map(|&family| world.answer(service, group, family));
        match answers.find(|answer| !answer.choice.picks.is_empty()) {
            Some(answer) => reply.template(answer.template.as_ref(), 0),
            None => reply.template(zone.zone.negative(), 0),
        }
        Outcome::Done
    }
}

/// Answers what is not steered. The same for every client: an echoed subnet keeps its scope of 0.
fn answer_from_zone(zone: &ServiceZone, query: &Query<'_>, reply: &mut Reply<'_>) {
    let name = &query.question.name;
    if !name.is_at_or_below(zone.zone.apex()) {
        reply.set_rcode(Rcode::REFUSED);
        reply.omit_client_subnet();
        return;
    }
    let found = match zone.zone.find(name, query.question.rtype) {
        Found::NxDomain(soa) if zone.steered.contains(name) => Found::NoData(soa),
        found => found,
    };
    if !found.write(reply) {
        // Zones with a DNAME are refused when they are read.
        reply.set_rcode(Rcode::SERVFAIL);
    }
}
