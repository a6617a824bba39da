//! Questions to answers: a service's name is steered, every other name comes from the zone.

use std::sync::Arc;

use arc_swap::ArcSwap;
use arc_swap::cache::Cache;
use serve::{Answer, Client, Outcome, OwnedPacket, Service, Sink};
use steering::{Engine, Family, Reader};
use wire::{Class, Query, Rcode, Reply};
use zones::Found;

use crate::config::ServiceZone;

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

    /// Serves another zone from now on.
    pub fn set_zone(&self, zone: ServiceZone) {
        self.zone.store(Arc::new(zone));
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
        if query.question.class != Class::IN {
            reply.set_rcode(Rcode::REFUSED);
            return Outcome::Done;
        }
        let world = self.world.load();
        let zone = self.zone.load();
        let Some(service) = world.layout.find(&query.question.name) else {
            answer_from_zone(zone, query, reply);
            return Outcome::Done;
        };
        reply.set_authoritative();
        let Some(family) = Family::asked_by(query.question.rtype) else {
            reply.template(zone.zone.negative(), 0);
            return Outcome::Done;
        };
        // A subnet of source 0 asks that it not be used (RFC 7871 §7.1.2): then the resolver's own
        // address decides, and the scope stays 0.
        let subnet = query.edns.and_then(|edns| edns.client_subnet?.address());
        let (group, scope) = world.layout.locate(subnet.unwrap_or(client.address.ip()));
        if subnet.is_some() {
            reply.set_scope(scope);
        }
        let answer = world.answer(service, group, family);
        if answer.choice.picks.is_empty() {
            reply.template(zone.zone.negative(), 0);
        } else {
            reply.template(answer.template.as_ref(), 0);
        }
        Outcome::Done
    }
}

/// Answers what is no service. The same for every client: an echoed subnet keeps its scope of 0.
fn answer_from_zone(zone: &ServiceZone, query: &Query<'_>, reply: &mut Reply<'_>) {
    let name = &query.question.name;
    if !name.is_at_or_below(zone.zone.apex()) {
        reply.set_rcode(Rcode::REFUSED);
        reply.omit_client_subnet();
        return;
    }
    let found = match zone.zone.find(name, query.question.rtype) {
        Found::NxDomain(soa) if zone.above_services.contains(name) => Found::NoData(soa),
        found => found,
    };
    if !found.write(reply) {
        // Zones with a DNAME are refused when they are read.
        reply.set_rcode(Rcode::SERVFAIL);
    }
}
