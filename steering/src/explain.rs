//! Why an answer is what it is: the policy run once more, on the world that answers, with an
//! observer that writes everything down.

use std::collections::HashMap;
use std::net::IpAddr;

use geo::Place;
use ipnet::IpNet;
use jiff::Timestamp;
use routing::topology::ServiceId;
use serde::Serialize;

use crate::engine::Refused;
use crate::ids::{ClassId, Family};
use crate::layout::Client;
use crate::policy::{Fallback, Member, Observer, Terms, Verdict};
use crate::world::World;

/// An answer, explained.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// The service's DNS name.
    pub service: String,
    /// The client, or its subnet's first address.
    pub address: IpAddr,
    /// The scope: every address of this prefix always gets the same answer.
    pub prefix: IpNet,
    /// Where the map puts the client.
    pub place: Place,
    /// Its carrier, by the topology.
    pub carrier: Option<String>,
    /// Its group; numbers are of this world's map and configuration only.
    pub group: usize,
    /// The addresses, best first.
    pub answers: Vec<IpAddr>,
    /// TTL of the answer, seconds.
    pub ttl: u32,
    /// What had to be ignored to answer at all.
    pub fallback: Fallback,
    /// What else is worth knowing of the answer, in words.
    pub notes: Vec<String>,
    /// Every candidate, cheapest first.
    pub candidates: Vec<Candidate>,
    /// The world that answers.
    pub world: WorldFacts,
}

/// A candidate of an explained answer.
#[derive(Clone, Debug, Serialize)]
pub struct Candidate {
    /// The SLB.
    pub slb: String,
    /// Where it stands.
    pub region: String,
    /// Where it stands.
    pub zone: String,
    /// The line of the address.
    pub line: String,
    /// The address.
    pub address: IpAddr,
    /// What the cost is made of.
    #[serde(flatten)]
    pub terms: Terms,
    /// The round trip over the distance, in ms.
    pub distance_ms: f64,
    /// What the AS hops add, in ms.
    pub hops_ms: f64,
    /// The estimated round trip, in ms.
    pub cost_ms: f64,
    /// In, or why not.
    pub verdict: Verdict,
    /// The AS path from the client's carrier, where there is one.
    pub as_path: Vec<u32>,
    /// Since when the carrier reaches the address, or does not.
    pub reach_since: Option<Timestamp>,
}

/// The world that an explanation is of.
#[derive(Clone, Debug, Serialize)]
pub struct WorldFacts {
    /// Counts the worlds of this process.
    pub serial: u64,
    /// The hash of its inputs, in hexadecimal.
    pub id: String,
    /// When it was built.
    pub built: Timestamp,
}

impl Explanation {
    /// Notes, first of all, that the world is not by the operators' file as it is now.
    pub fn note_refused(&mut self, refused: &Refused) {
        let Refused { since, error } = refused;
        self.notes.insert(0, format!("stale: the operators' file is refused since {since:.0}: {error}"));
    }
}

impl WorldFacts {
    /// The facts of a world.
    pub fn of(world: &World) -> Self {
        Self { serial: world.serial, id: format!("{:032x}", world.id), built: world.built }
    }
}

/// Keeps the last verdict on each address, of the round that counted.
#[derive(Default)]
struct Collector(HashMap<IpAddr, (ClassId, Member, Verdict)>);

impl Observer for Collector {
    const CURIOUS: bool = true;

    fn round(&mut self, _: Fallback) {
        self.0.clear();
    }

    fn see(&mut self, class: ClassId, member: &Member, verdict: Verdict) {
        self.0.insert(member.address, (class, *member, verdict));
    }
}

/// Explains the answer of `service` to `address`.
pub fn explain(world: &World, service: ServiceId, address: IpAddr, family: Family) -> Explanation {
    let layout = &world.layout;
    let located = layout.map.locate(address);
    let client = Client::at(located.place, &layout.topology);
    let (group, scope) = layout.locate(address);
    let mut collector = Collector::default();
    let choice = world.choose(service, group, family, &mut collector);
    let mut candidates: Vec<_> = collector
        .0
        .into_values()
        .map(|(class, member, verdict)| {
            let terms = layout.terms_for(client, class, service, family);
            (terms.cost(&layout.coefficients), candidate(world, client, class, &member, terms, verdict))
        })
        .collect();
    let position = |address| choice.picks.iter().position(|pick| pick.1 == address).unwrap_or(usize::MAX);
    candidates.sort_by_key(|(cost, candidate)| (*cost, position(candidate.address), candidate.address));
    let candidates: Vec<_> = candidates.into_iter().map(|(_, candidate)| candidate).collect();
    let wanted = layout.service(service);
    Explanation {
        service: wanted.name.to_string().trim_end_matches('.').to_owned(),
        address,
        prefix: IpNet::new(address, scope).map_or(address.into(), |prefix| prefix.trunc()),
        place: located.place.clone(),
        carrier: client.carrier.map(|carrier| layout.topology.carriers()[carrier].name.to_string()),
        group: group.index(),
        notes: notes(&candidates, client, choice.picks.len(), wanted.answers, choice.fallback),
        answers: choice.picks.iter().map(|pick| pick.1).collect(),
        ttl: wanted.ttl,
        fallback: choice.fallback,
        candidates,
        world: WorldFacts::of(world),
    }
}

fn candidate(
    world: &World,
    client: Client,
    class: ClassId,
    member: &Member,
    terms: Terms,
    verdict: Verdict,
) -> Candidate {
    let topology = &world.layout.topology;
    let class = &world.layout.classes()[class.index()];
    let reach = client.carrier.map(|carrier| world.snapshot.reach(carrier, class.prefix));
    let coefficients = &world.layout.coefficients;
    Candidate {
        slb: topology.slbs()[member.slb].name.to_string(),
        region: topology.regions()[class.region].name.to_string(),
        zone: topology.zones()[member.zone].name.to_string(),
        line: topology.prefixes()[class.prefix].line.to_string(),
        address: member.address,
        distance_ms: terms.distance_ms(coefficients),
        hops_ms: terms.hops_ms(coefficients),
        cost_ms: terms.cost(coefficients).micros as f64 / 1000.0,
        terms,
        verdict,
        as_path: reach.map(|reach| reach.path.to_vec()).unwrap_or_default(),
        reach_since: reach.map(|reach| reach.since),
    }
}

fn notes(
    candidates: &[Candidate],
    client: Client,
    taken: usize,
    wanted: usize,
    fallback: Fallback,
) -> Vec<String> {
    let mut notes = Vec::new();
    if client.point.is_none() {
        notes.push("the client's place is unknown: regions in the service's default order".to_owned());
    }
    if client.carrier.is_none() {
        notes.push(
            "the client's carrier is unknown: no hop term; reachable if any carrier reaches it".to_owned(),
        );
    }
    if fallback != Fallback::None {
        notes.push(format!("nothing was usable: {} and what comes before it were ignored", fallback.name()));
    }
    if taken < wanted {
        notes.push(format!("{taken} of {wanted}: no more are usable"));
    }
    let nearest = candidates.first().map(|candidate| &candidate.region);
    let backfilled = |c: &&Candidate| c.verdict == Verdict::Taken && Some(&c.region) != nearest;
    if let Some(from) = candidates.iter().find(backfilled) {
        notes.push(format!("backfilled from {}: the nearest region has not enough usable", from.region));
    }
    notes
}
