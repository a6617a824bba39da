//! The embedded source of reachability: the topology's own announcements, spread over its AS graph,
//! with what has happened since.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::event::Event;
use crate::graph::{AsGraph, link};
use crate::propagation::{Seed, propagate};
use crate::snapshot::{Reach, Snapshot};
use crate::topology::{Asn, CarrierId, Id, PrefixId, RouterId, SessionId, Topology};

/// A network that follows [`Event`]s and says at any time who reaches what.
#[derive(Clone)]
pub struct Simulation {
    topology: Arc<Topology>,
    state: State,
    routes: RouteCache,
    snapshot: Arc<Snapshot>,
}

impl Simulation {
    /// Everything up, since `now`.
    pub fn new(topology: Arc<Topology>, now: Timestamp) -> Self {
        let state = State::default();
        let mut routes = RouteCache::new(&topology, &state);
        let paths = routes.paths(&topology, &state);
        let snapshot = Arc::new(snapshot(&topology, &paths, now, None));
        Self { topology, state, routes, snapshot }
    }

    /// Who reaches what with everything up: what ranking counts AS hops by. Since the epoch.
    pub fn baseline(topology: &Topology) -> Snapshot {
        let state = State::default();
        let paths = RouteCache::new(topology, &state).paths(topology, &state);
        snapshot(topology, &paths, Timestamp::UNIX_EPOCH, None)
    }

    /// Takes `events`, in order, for all that ever happened: whatever they do not name is up. Of
    /// what does not change by that, `since` stays. Returns whether anything changed.
    pub fn replay(&mut self, events: &[Event], now: Timestamp) -> bool {
        let mut state = State::default();
        for event in events {
            state.apply(&self.topology, event);
        }
        self.become_state(state, now)
    }

    /// Adds one event. Returns whether it changed who reaches what, or how.
    pub fn apply(&mut self, event: &Event, now: Timestamp) -> bool {
        let mut state = self.state.clone();
        state.apply(&self.topology, event);
        self.become_state(state, now)
    }

    /// Takes over from the simulation of the topology before since when the routes are as they are, where
    /// they are the same: a reload is no event.
    pub fn take_over(&mut self, before: &Self) {
        let (new, old) = (&self.topology, &before.topology);
        let carriers: Vec<_> = new.carriers().iter().map(|row| old.carriers().find(&row.name)).collect();
        let prefixes: Vec<_> =
            new.prefixes().iter().map(|row| old.prefixes().find(&row.cidr.to_string())).collect();
        self.snapshot = Arc::new(Snapshot::build(new, |carrier, prefix| {
            let reach = self.snapshot.reach(carrier, prefix);
            let known = carriers[carrier.index()].zip(prefixes[prefix.index()]);
            let known = known.map(|(carrier, prefix)| before.snapshot.reach(carrier, prefix));
            known.filter(|known| known.same_route(reach)).unwrap_or(reach).clone()
        }));
    }

    /// Who reaches what.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.clone()
    }

    fn become_state(&mut self, state: State, now: Timestamp) -> bool {
        if state.links_down != self.state.links_down {
            self.routes = RouteCache::new(&self.topology, &state);
        }
        self.state = state;
        let paths = self.routes.paths(&self.topology, &self.state);
        let next = snapshot(&self.topology, &paths, now, Some(&self.snapshot));
        let changed = next != *self.snapshot;
        if changed {
            self.snapshot = Arc::new(next);
        }
        changed
    }
}

/// What is not as the topology has it.
#[derive(Clone, Default)]
struct State {
    withdrawn: HashSet<(SessionId, PrefixId)>,
    sessions_down: HashSet<SessionId>,
    links_down: BTreeSet<(Asn, Asn)>,
}

impl State {
    fn apply(&mut self, topology: &Topology, event: &Event) {
        match *event {
            Event::Withdraw { router, carrier, prefix } => {
                self.withdrawn.extend(announcements(topology, router, carrier, prefix))
            }
            Event::Announce { router, carrier, prefix } => {
                for announcement in announcements(topology, router, carrier, prefix) {
                    self.withdrawn.remove(&announcement);
                }
            }
            Event::SessionDown(session) => {
                self.sessions_down.insert(session);
            }
            Event::SessionUp(session) => {
                self.sessions_down.remove(&session);
            }
            Event::LinkDown(a, b) => {
                self.links_down.insert(link(a, b));
            }
            Event::LinkUp(a, b) => {
                self.links_down.remove(&link(a, b));
            }
        }
    }

    /// What the carriers hear of a prefix, in one form, so that equal lists mean equal routes.
    fn seeds(&self, topology: &Topology, prefix: PrefixId) -> Vec<Seed> {
        let up = topology.prefixes()[prefix].announcements.iter().filter(|hop| {
            !self.sessions_down.contains(&hop.session) && !self.withdrawn.contains(&(hop.session, prefix))
        });
        let mut seeds: Vec<_> = up
            .map(|hop| Seed {
                origin: topology.asn(),
                to: topology.carriers()[topology.sessions()[hop.session].carrier].asn,
                prepend: hop.prepend,
            })
            .collect();
        // Over several sessions a carrier takes the one with the fewest prepends.
        seeds.sort_unstable();
        seeds.dedup_by_key(|seed| seed.to);
        seeds
    }
}

/// The topology's announcements that pass a filter.
fn announcements(
    topology: &Topology,
    router: Option<RouterId>,
    carrier: Option<CarrierId>,
    prefix: Option<PrefixId>,
) -> impl Iterator<Item = (SessionId, PrefixId)> {
    let prefixes = topology.prefixes().entries();
    let prefixes = prefixes.filter(move |(id, _)| prefix.is_none_or(|wanted| wanted == *id));
    let all = prefixes.flat_map(|(id, row)| row.announcements.iter().map(move |hop| (hop.session, id)));
    all.filter(move |(session, _)| {
        let session = &topology.sessions()[*session];
        router.is_none_or(|wanted| wanted == session.router)
            && carrier.is_none_or(|wanted| wanted == session.carrier)
    })
}

/// The AS path of every carrier, None where it has no route; shared by prefixes with equal seeds.
type Paths = Arc<[Option<Arc<[Asn]>>]>;

/// Routes over one graph by their seeds: prefixes with equal seeds form a group, and a group is
/// computed when its seeds are new.
#[derive(Clone)]
struct RouteCache {
    graph: AsGraph,
    groups: HashMap<Vec<Seed>, Paths>,
}

impl RouteCache {
    fn new(topology: &Topology, state: &State) -> Self {
        Self { graph: AsGraph::of(topology, &state.links_down), groups: HashMap::new() }
    }

    /// The paths to every prefix.
    fn paths(&mut self, topology: &Topology, state: &State) -> Vec<Paths> {
        let mut known = std::mem::take(&mut self.groups);
        let group = |prefix| {
            let seeds = state.seeds(topology, prefix);
            let old = known.remove_entry(&seeds);
            let entry = self.groups.entry(seeds);
            entry
                .or_insert_with_key(|seeds| match old {
                    Some((_, paths)) => paths,
                    None => spread(topology, &self.graph, seeds),
                })
                .clone()
        };
        topology.prefixes().ids().map(group).collect()
    }
}

fn spread(topology: &Topology, graph: &AsGraph, seeds: &[Seed]) -> Paths {
    let routes = propagate(graph, seeds);
    let carriers = topology.carriers().iter();
    carriers.map(|carrier| routes.path(carrier.asn).map(Arc::from)).collect()
}

/// A snapshot of these paths as of `now`; entries that are as they were `before` are kept.
fn snapshot(topology: &Topology, paths: &[Paths], now: Timestamp, before: Option<&Snapshot>) -> Snapshot {
    Snapshot::build(topology, |carrier, prefix| {
        let path = &paths[prefix.index()][carrier.index()];
        let next = match path {
            Some(path) => Reach::by(path.clone(), now),
            None => Reach::unreachable(now),
        };
        match before.map(|snapshot| snapshot.reach(carrier, prefix)) {
            Some(old) if old.same_route(&next) => old.clone(),
            _ => next,
        }
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;
