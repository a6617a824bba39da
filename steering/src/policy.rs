//! How an answer's load balancers are chosen. This file is the specification; it is pure.
//!
//! 1. [`rank`] orders all addresses by [`Terms::cost`], blind to health, reachability and load.
//!    Equal costs form a *tie*.
//! 2. Filter: an address is out if an operator drains or forces down its SLB ([`SlbState`]), if health
//!    says that the SLB is down, or if BGP says that the client's carrier cannot reach it.
//! 3. [`choose`] takes the wanted number from the top. For one SLB only its cheapest usable address
//!    counts. Inside a tie: distinct zones first, then weighted rendezvous hashing over (service,
//!    group, SLB), so that an SLB that leaves moves only the groups that used it (Thaler and
//!    Ravishankar 1998; weights as in Schindelhauer and Schomaker 2005).
//! 4. Never empty: none usable → ignore health, then reachability, at the very last the operators,
//!    and flag it.

use std::net::IpAddr;

use routing::topology::{SlbId, ZoneId};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::ids::ClassId;

mod verdict;

pub use verdict::{Observer, Verdict};

/// Light travels through fibre at so many km in a ms.
const KM_PER_MS: f64 = 200.0;

/// How a cost is estimated.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Coefficients {
    /// How much longer fibre is than the great circle.
    pub stretch: f64,
    /// What each AS hop beyond a direct session adds to the round trip, in ms.
    pub hop_penalty_ms: f64,
}

impl Default for Coefficients {
    fn default() -> Self {
        Self { stretch: 1.5, hop_penalty_ms: 30.0 }
    }
}

/// What the cost of an address for a client is made of.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Terms {
    /// Great-circle distance; none where the client's place is unknown.
    pub distance_km: Option<f64>,
    /// Where the client's place is unknown: the region's position in the service's default order.
    pub region_order: Option<usize>,
    /// AS hops beyond a direct session, with everything up; none where the client's carrier is unknown.
    pub hops: Option<u32>,
    /// Whether the topology has no path at all from the client's carrier, even with everything up.
    pub no_path: bool,
    /// The operator's correction, in ms.
    pub bias_ms: f64,
}

impl Terms {
    /// The round trip over the distance, in ms.
    pub fn distance_ms(&self, coefficients: &Coefficients) -> f64 {
        self.distance_km.map_or(0.0, |km| 2.0 * km * coefficients.stretch / KM_PER_MS)
    }

    /// What the AS hops add, in ms.
    pub fn hops_ms(&self, coefficients: &Coefficients) -> f64 {
        f64::from(self.hops.unwrap_or(0)) * coefficients.hop_penalty_ms
    }

    /// The estimated round trip. An address without any path ranks behind all that have one; an unknown
    /// place ranks by region first.
    pub fn cost(&self, coefficients: &Coefficients) -> Cost {
        let ms = self.distance_ms(coefficients) + self.hops_ms(coefficients) + self.bias_ms;
        Cost {
            no_path: self.no_path,
            region_order: self.region_order.unwrap_or(0),
            micros: (ms * 1000.0).round() as i64,
        }
    }
}

/// An estimated round trip. Whole µs, so that equal means equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cost {
    no_path: bool,
    region_order: usize,
    /// The round trip in µs; negative only by an operator's bias.
    pub micros: i64,
}

/// A class of addresses (one region's on one prefix) in a client group's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ranked {
    /// The class.
    pub class: ClassId,
    /// Its position; classes of equal cost share one.
    pub tie: u32,
}

/// Step 1: classes by cost; within a tie in the order given.
pub fn rank(costs: impl IntoIterator<Item = (ClassId, Cost)>) -> Vec<Ranked> {
    let mut costs: Vec<_> = costs.into_iter().collect();
    costs.sort_by_key(|&(_, cost)| cost);
    let ties = costs.chunk_by(|a, b| a.1 == b.1).zip(0..);
    ties.flat_map(|(tie, position)| tie.iter().map(move |&(class, _)| Ranked { class, tie: position }))
        .collect()
}

/// One address of one SLB, as a candidate for a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// The SLB.
    pub slb: SlbId,
    /// The address.
    pub address: IpAddr,
    /// Where the SLB stands.
    pub zone: ZoneId,
    /// Its share among equals, at least 1.
    pub weight: u32,
    /// A hash of the SLB's name: the same on every node and in every configuration.
    pub hash: u64,
}

/// What operators and health say of an SLB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SlbState {
    /// The operators' word.
    pub operator: OperatorState,
    /// Health says that it is down; unknown counts as usable.
    pub unhealthy: bool,
}

/// The operators' word on an SLB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OperatorState {
    /// Nothing special.
    #[default]
    InService,
    /// No new clients.
    Draining,
    /// Forced down.
    Down,
    /// Forced up: health is not asked.
    Up,
}

/// What the filter and the taking look at.
pub trait Pool {
    /// The service's addresses of a class.
    fn members(&self, class: ClassId) -> &[Member];
    /// Whether the client's carrier reaches the class's prefix.
    fn reachable(&self, class: ClassId) -> bool;
    /// The state of an SLB.
    fn state(&self, slb: SlbId) -> SlbState;
}

/// What was ignored because nothing was usable. Each one ignores what those before it do, too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fallback {
    /// Nothing: the answer is sound.
    #[default]
    None,
    /// Health.
    Health,
    /// BGP reachability.
    Reachability,
    /// The operators' drains and forced downs.
    Operators,
}

impl Fallback {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "nothing",
            Self::Health => "health",
            Self::Reachability => "reachability",
            Self::Operators => "the operators",
        }
    }
}

/// What was chosen, best first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Choice {
    /// The SLBs and their addresses.
    pub picks: Vec<(SlbId, IpAddr)>,
    /// What had to be ignored.
    pub fallback: Fallback,
    /// How many ties of the ranking were looked at: what is behind them had no say.
    pub depth: u32,
}

/// Steps 2 to 4: at the most `count` of what is ranked. `seed` stands for the service and the group.
pub fn choose<P: Pool, O: Observer>(
    pool: &P,
    ranking: &[Ranked],
    seed: u64,
    count: usize,
    observer: &mut O,
) -> Choice {
    let mut choice = Choice::default();
    for fallback in [Fallback::None, Fallback::Health, Fallback::Reachability, Fallback::Operators] {
        observer.round(fallback);
        let (picks, depth) = take(pool, ranking, seed, count, fallback, observer);
        let depth = if fallback == Fallback::None { depth } else { u32::MAX };
        choice = Choice { picks, fallback, depth };
        if !choice.picks.is_empty() {
            break;
        }
    }
    choice
}

/// A candidate that competes within a tie.
struct Bid {
    class: ClassId,
    member: Member,
    score: f64,
}

fn take<P: Pool, O: Observer>(
    pool: &P,
    ranking: &[Ranked],
    seed: u64,
    count: usize,
    fallback: Fallback,
    observer: &mut O,
) -> (Vec<(SlbId, IpAddr)>, u32) {
    let mut picks: Vec<(SlbId, IpAddr)> = Vec::with_capacity(count);
    let mut depth = 0;
    let mut zones: Vec<ZoneId> = Vec::with_capacity(count);
    let mut bids: Vec<Bid> = Vec::new();
    for tie in ranking.chunk_by(|a, b| a.tie == b.tie) {
        let full = picks.len() >= count;
        if full && !O::CURIOUS {
            break;
        }
        depth += u32::from(!full);
        for &Ranked { class, .. } in tie {
            for member in pool.members(class) {
                let known = picks.iter().any(|pick| pick.0 == member.slb)
                    || bids.iter().any(|bid| bid.member.slb == member.slb);
                match obstacle(pool, class, member.slb, fallback) {
                    Some(verdict) => observer.see(class, member, verdict),
                    None if known => observer.see(class, member, Verdict::OtherAddress),
                    None if full => observer.see(class, member, Verdict::Dearer),
                    None => bids.push(Bid { class, member: *member, score: score(member, seed) }),
                }
            }
        }
        while picks.len() < count && !bids.is_empty() {
            let bid = bids.swap_remove(best(&bids, &zones));
            observer.see(bid.class, &bid.member, Verdict::Taken);
            picks.push((bid.member.slb, bid.member.address));
            zones.push(bid.member.zone);
        }
        for bid in bids.drain(..) {
            observer.see(bid.class, &bid.member, Verdict::LostTie);
        }
    }
    (picks, depth)
}

/// Step 2: why an address is not usable.
fn obstacle<P: Pool>(pool: &P, class: ClassId, slb: SlbId, fallback: Fallback) -> Option<Verdict> {
    let state = pool.state(slb);
    match state.operator {
        OperatorState::Down if fallback < Fallback::Operators => return Some(Verdict::ForcedDown),
        OperatorState::Draining if fallback < Fallback::Operators => return Some(Verdict::Draining),
        _ => {}
    }
    if fallback < Fallback::Reachability && !pool.reachable(class) {
        return Some(Verdict::Unreachable);
    }
    let unhealthy = state.unhealthy && state.operator != OperatorState::Up;
    (fallback < Fallback::Health && unhealthy).then_some(Verdict::Unhealthy)
}

/// The bid whose zone the answer has least of, and among those the highest score.
fn best(bids: &[Bid], zones: &[ZoneId]) -> usize {
    let served = |bid: &Bid| zones.iter().filter(|&&zone| zone == bid.member.zone).count();
    let better = |a: &Bid, b: &Bid| {
        served(b).cmp(&served(a)).then(a.score.total_cmp(&b.score)).then(a.member.hash.cmp(&b.member.hash))
    };
    (0..bids.len()).max_by(|&a, &b| better(&bids[a], &bids[b])).unwrap_or(0)
}

/// Weighted rendezvous: −weight ÷ ln u, where u in (0, 1) is the hash of group, service and SLB.
fn score(member: &Member, seed: u64) -> f64 {
    let hash = xxh3_64_with_seed(&member.hash.to_le_bytes(), seed);
    let uniform = ((hash >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
    -f64::from(member.weight) / uniform.ln()
}

#[cfg(test)]
mod tests;
