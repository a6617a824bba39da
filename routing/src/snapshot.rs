//! Who reaches what: the one thing that every source of reachability produces.

use std::sync::Arc;

use jiff::Timestamp;
use xxhash_rust::xxh3::Xxh3;

use crate::topology::{Asn, CarrierId, Id, PrefixId, Topology};

/// How one carrier reaches one prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Whether the carrier has a route.
    pub reachable: bool,
    /// The AS path in the carrier's table: its next hop first, the origin last, prepends included,
    /// the carrier itself not. Empty if unreachable.
    pub path: Arc<[Asn]>,
    /// When `reachable` or `path` last changed.
    pub since: Timestamp,
}

impl Reach {
    /// A carrier without a route.
    pub fn unreachable(since: Timestamp) -> Self {
        Self { reachable: false, path: Arc::default(), since }
    }

    /// A carrier with this route.
    pub fn by(path: Arc<[Asn]>, since: Timestamp) -> Self {
        Self { reachable: true, path, since }
    }

    /// Whether the route is the same, whenever it began.
    pub fn same_route(&self, other: &Self) -> bool {
        self.reachable == other.reachable && self.path == other.path
    }

    /// ASes on the path beyond the first: 0 over a direct session, 1 when a peer of ours stands
    /// between. An AS counts once however often it is prepended: prepending steers the choice of
    /// path, it adds no distance. 0 if unreachable.
    pub fn hops_beyond_direct(&self) -> u32 {
        let hops = self.path.windows(2).filter(|pair| pair[0] != pair[1]);
        u32::try_from(hops.count()).unwrap_or(u32::MAX)
    }
}

/// The reach of every carrier to every prefix of one [`Topology`]. Immutable; ids of another
/// topology have no meaning in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    prefixes: usize,
    reaches: Vec<Reach>,
}

impl Snapshot {
    /// Asks `reach` once for every carrier and prefix.
    pub fn build(topology: &Topology, mut reach: impl FnMut(CarrierId, PrefixId) -> Reach) -> Self {
        let prefixes = topology.prefixes();
        let mut reaches = Vec::with_capacity(topology.carriers().len() * prefixes.len());
        for carrier in topology.carriers().ids() {
            reaches.extend(prefixes.ids().map(|prefix| reach(carrier, prefix)));
        }
        Self { prefixes: prefixes.len(), reaches }
    }

    /// How this carrier reaches this prefix.
    pub fn reach(&self, carrier: CarrierId, prefix: PrefixId) -> &Reach {
        &self.reaches[carrier.index() * self.prefixes + prefix.index()]
    }

    /// Whether any carrier reaches this prefix: what a client of an unknown carrier is judged by.
    pub fn reachable_by_any(&self, prefix: PrefixId) -> bool {
        self.reaches.iter().skip(prefix.index()).step_by(self.prefixes.max(1)).any(|reach| reach.reachable)
    }

    /// A hash of who reaches what by which path, without since when: equal on every node that sees
    /// the same routes. Part of a world's id.
    pub fn digest(&self) -> u128 {
        let mut hash = Xxh3::new();
        for reach in &self.reaches {
            hash.update(&[u8::from(reach.reachable)]);
            hash.update(&(reach.path.len() as u64).to_le_bytes());
            for asn in reach.path.iter() {
                hash.update(&asn.to_le_bytes());
            }
        }
        hash.digest128()
    }
}
