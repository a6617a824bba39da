//! The policy's laws, on invented pools.
#![allow(clippy::unwrap_used)]

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr};

use proptest::prelude::*;
use routing::topology::{Id, SlbId, ZoneId};
use xxhash_rust::xxh3::xxh3_64;

use super::*;
use crate::ids::ClassId;

/// SLBs that each have an address in some classes; states; which classes are reachable.
#[derive(Clone, Debug)]
struct Invented {
    members: Vec<Vec<Member>>,
    reachable: Vec<bool>,
    states: HashMap<SlbId, SlbState>,
}

impl Pool for Invented {
    fn members(&self, class: ClassId) -> &[Member] {
        &self.members[class.index()]
    }
    fn reachable(&self, class: ClassId) -> bool {
        self.reachable[class.index()]
    }
    fn state(&self, slb: SlbId) -> SlbState {
        self.states.get(&slb).copied().unwrap_or_default()
    }
}

impl Invented {
    /// `slbs` SLBs over `zones` zones, every one with an address in each of `classes` classes.
    fn new(slbs: usize, zones: usize, classes: usize, weight: impl Fn(usize) -> u32) -> Self {
        let member = |class: usize, slb: usize| Member {
            slb: SlbId::from_index(slb),
            address: IpAddr::V4(Ipv4Addr::from((class * 65536 + slb) as u32)),
            zone: ZoneId::from_index(slb % zones),
            weight: weight(slb),
            hash: xxh3_64(&slb.to_le_bytes()),
        };
        let members = (0..classes).map(|class| (0..slbs).map(|slb| member(class, slb)).collect()).collect();
        Self { members, reachable: vec![true; classes], states: HashMap::new() }
    }

    fn usable(&self, class: usize, slb: SlbId) -> bool {
        let state = self.state(slb);
        self.reachable[class] && state.operator == OperatorState::InService && !state.unhealthy
    }
}

fn ranking(ties: &[u32]) -> Vec<Ranked> {
    let mut ranking: Vec<_> = ties
        .iter()
        .enumerate()
        .map(|(class, &tie)| Ranked { class: ClassId::from_index(class), tie })
        .collect();
    ranking.sort_by_key(|ranked| ranked.tie);
    ranking
}

fn slbs(choice: &Choice) -> HashSet<SlbId> {
    choice.picks.iter().map(|pick| pick.0).collect()
}

prop_compose! {
    fn pools()(
        slbs in 1usize..9,
        zones in 1usize..4,
        ties in prop::collection::vec(0u32..3, 1..5),
        reachable in prop::collection::vec(any::<bool>(), 5),
        states in prop::collection::vec((0u8..6, any::<bool>()), 9),
    ) -> (Invented, Vec<Ranked>) {
        let mut pool = Invented::new(slbs, zones, ties.len(), |slb| 1 + slb as u32 % 3);
        pool.reachable = reachable[..ties.len()].to_vec();
        for (slb, (operator, unhealthy)) in states.into_iter().enumerate() {
            let operator = match operator {
                0 => OperatorState::Draining,
                1 => OperatorState::Down,
                _ => OperatorState::InService,
            };
            pool.states.insert(SlbId::from_index(slb), SlbState { operator, unhealthy });
        }
        (pool, ranking(&ties))
    }
}

proptest! {
    #[test]
    fn never_empty_never_unusable_while_a_usable_one_exists((pool, ranking) in pools(), seed: u64) {
        let choice = choose(&pool, &ranking, seed, 3, &mut ());
        prop_assert!(!choice.picks.is_empty());
        prop_assert_eq!(slbs(&choice).len(), choice.picks.len(), "each SLB once");
        let usable: HashSet<_> = (0..pool.members.len())
            .flat_map(|class| pool.members[class].iter().map(move |member| (class, member.slb)))
            .filter(|&(class, slb)| pool.usable(class, slb))
            .map(|(_, slb)| slb)
            .collect();
        if usable.is_empty() {
            prop_assert_ne!(choice.fallback, Fallback::None);
        } else {
            prop_assert_eq!(choice.fallback, Fallback::None);
            prop_assert!(slbs(&choice).is_subset(&usable));
            prop_assert_eq!(choice.picks.len(), usable.len().min(3), "as many as there are");
        }
    }

    #[test]
    fn an_slb_that_leaves_moves_only_who_used_it((pool, ranking) in pools(), seed: u64, leaver in 0usize..9) {
        let before = choose(&pool, &ranking, seed, 3, &mut ());
        let leaver = SlbId::from_index(leaver);
        let mut without = pool.clone();
        without.members.iter_mut().for_each(|members| members.retain(|member| member.slb != leaver));
        let after = choose(&without, &ranking, seed, 3, &mut ());
        if !slbs(&before).contains(&leaver) {
            prop_assert_eq!(before, after);
        }
    }

    #[test]
    fn an_observer_changes_nothing((pool, ranking) in pools(), seed: u64) {
        struct Count(HashMap<IpAddr, Verdict>);
        impl Observer for Count {
            const CURIOUS: bool = true;
            fn round(&mut self, _: Fallback) { self.0.clear(); }
            fn see(&mut self, _: ClassId, member: &Member, verdict: Verdict) { self.0.insert(member.address, verdict); }
        }
        let mut seen = Count(HashMap::new());
        let choice = choose(&pool, &ranking, seed, 3, &mut seen);
        prop_assert_eq!(&choice, &choose(&pool, &ranking, seed, 3, &mut ()));
        let taken: HashSet<_> = seen.0.iter().filter(|(_, v)| **v == Verdict::Taken).map(|(a, _)| *a).collect();
        prop_assert_eq!(taken, choice.picks.iter().map(|pick| pick.1).collect::<HashSet<_>>());
        prop_assert_eq!(seen.0.len(), pool.members.iter().map(Vec::len).sum::<usize>(), "every candidate is judged");
    }
}

#[test]
fn cheaper_ties_come_first_and_zones_are_spread() {
    let pool = Invented::new(6, 3, 2, |_| 1);
    for seed in 0..200 {
        let choice = choose(&pool, &ranking(&[1, 0]), seed, 3, &mut ());
        assert!(
            choice.picks.iter().all(|pick| pick.1 >= IpAddr::V4(Ipv4Addr::new(0, 1, 0, 0))),
            "class 1 is cheaper"
        );
        let zones: HashSet<_> = choice.picks.iter().map(|pick| pick.0.index() % 3).collect();
        assert_eq!(zones.len(), 3);
    }
}

#[test]
fn shares_follow_weights() {
    // One zone, one pick: the share of an SLB is its weight's; 3σ of the binomial over 10⁵ groups.
    let pool = Invented::new(4, 1, 1, |slb| slb as u32 + 1);
    let groups = 100_000u64;
    let mut taken = [0u32; 4];
    for group in 0..groups {
        let seed = xxh3_64(&group.to_le_bytes());
        taken[choose(&pool, &ranking(&[0]), seed, 1, &mut ()).picks[0].0.index()] += 1;
    }
    for (slb, &count) in taken.iter().enumerate() {
        let share = (slb as f64 + 1.0) / 10.0;
        let sigma = (groups as f64 * share * (1.0 - share)).sqrt();
        assert!((f64::from(count) - groups as f64 * share).abs() < 3.0 * sigma, "SLB {slb}: {count}");
    }
}

#[test]
fn costs_are_as_the_design_says() {
    let coefficients = Coefficients::default();
    let near =
        Terms { distance_km: Some(1067.0), region_order: None, hops: Some(0), no_path: false, bias_ms: 0.0 };
    let across = Terms { distance_km: Some(0.0), hops: Some(1), ..near };
    // 2 × 1067 km × 1.5 ÷ 200 km per ms = 16 ms; one hop = 30 ms.
    assert_eq!(near.cost(&coefficients).micros, 16_005);
    assert_eq!(across.cost(&coefficients).micros, 30_000);
    let unknown = Terms { distance_km: None, region_order: Some(1), ..near };
    assert!(unknown.cost(&coefficients) > across.cost(&coefficients), "an unknown place ranks by region");
    let no_path = Terms { no_path: true, distance_km: Some(0.0), ..near };
    assert!(no_path.cost(&coefficients) > near.cost(&coefficients));
}
