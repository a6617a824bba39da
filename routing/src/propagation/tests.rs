use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;

use super::*;
use crate::topology::Relation;

fn transit(provider: Asn, customer: Asn) -> Relation {
    Relation::Transit { provider, customer }
}

fn seed(origin: Asn, to: Asn, prepend: u8) -> Seed {
    Seed { origin, to, prepend }
}

#[test]
fn a_customer_beats_a_peer_beats_a_provider_however_long() {
    // 1 hears the origin (9) from customer 2 over 3, from peer 4 and from provider 5 directly.
    let graph = AsGraph::new([
        transit(1, 2),
        transit(2, 3),
        transit(3, 9),
        Relation::Peers(1, 4),
        transit(4, 9),
        transit(5, 1),
        transit(5, 9),
    ]);
    let all = [seed(9, 3, 0), seed(9, 4, 0), seed(9, 5, 0)];
    let routes = propagate(&graph, &all);
    assert_eq!(routes.path(1), Some(vec![2, 3, 9]));
    assert_eq!(routes.class(1), Some(Class::Customer));
    let routes = propagate(&graph, &all[1..]);
    assert_eq!(routes.path(1), Some(vec![4, 9]));
    assert_eq!(routes.class(1), Some(Class::Peer));
    let routes = propagate(&graph, &all[2..]);
    assert_eq!(routes.path(1), Some(vec![5, 9]));
    assert_eq!(routes.class(1), Some(Class::Provider));
}

#[test]
fn prepends_lengthen_and_the_lower_number_breaks_ties() {
    let graph = AsGraph::new([transit(1, 3), transit(1, 2), transit(2, 9), transit(3, 9)]);
    let routes = propagate(&graph, &[seed(9, 3, 0), seed(9, 2, 0)]);
    assert_eq!(routes.path(1), Some(vec![2, 9]));
    let routes = propagate(&graph, &[seed(9, 3, 0), seed(9, 2, 2)]);
    assert_eq!(routes.path(1), Some(vec![3, 9]));
    assert_eq!(routes.path(2), Some(vec![9, 9, 9]));
    assert_eq!(routes.path(9), Some(vec![]));
    assert_eq!(routes.path(7), None);
}

#[test]
fn a_peers_route_goes_to_customers_only() {
    let graph = AsGraph::new([
        transit(1, 9),
        Relation::Peers(1, 2),
        Relation::Peers(2, 3),
        transit(4, 2),
        transit(2, 5),
    ]);
    let routes = propagate(&graph, &[seed(9, 1, 0)]);
    assert_eq!(routes.path(2), Some(vec![1, 9]));
    assert_eq!(routes.path(5), Some(vec![2, 1, 9]));
    assert_eq!(routes.path(3), None);
    assert_eq!(routes.path(4), None);
}

/// A random Internet: transit only from the lower to the higher node, so that no provider is its
/// customer's customer; AS numbers in another order than the nodes.
#[derive(Clone, Debug)]
struct World {
    relations: Vec<Relation>,
    seeds: Vec<Seed>,
}

fn world() -> impl Strategy<Value = World> {
    (2u32..24).prop_flat_map(|nodes| {
        let asns = Just((1..=nodes).collect::<Vec<_>>()).prop_shuffle();
        let edge = (0..nodes, 0..nodes, prop::bool::weighted(0.3));
        let edges = prop::collection::vec(edge, 1..60);
        let seeds = prop::collection::vec((any::<prop::sample::Index>(), any::<bool>(), 0u8..4), 1..5);
        (asns, edges, seeds).prop_map(|(asns, edges, seeds)| {
            let asn = |node: u32| asns[node as usize];
            let mut pairs = BTreeMap::new();
            for (a, b, peers) in edges.into_iter().filter(|(a, b, _)| a != b) {
                let (up, down) = (asn(a.min(b)), asn(a.max(b)));
                let relation = match peers {
                    true => Relation::Peers(up, down),
                    false => transit(up, down),
                };
                pairs.entry((up, down)).or_insert(relation);
            }
            let links: Vec<_> = pairs.keys().copied().collect();
            let seeds = seeds.into_iter().filter(|_| !links.is_empty());
            World {
                seeds: seeds
                    .map(|(link, up, prepend)| match (link.get(&links), up) {
                        ((a, b), true) => seed(*b, *a, prepend),
                        ((a, b), false) => seed(*a, *b, prepend),
                    })
                    .collect(),
                relations: pairs.into_values().collect(),
            }
        })
    })
}

impl World {
    /// What `from` is to `to`: its own, customer, peer or provider.
    fn class(&self, to: Asn, from: Asn) -> Option<Class> {
        self.relations.iter().find_map(|&relation| match relation {
            Relation::Peers(a, b) if (a, b) == (to, from) || (b, a) == (to, from) => Some(Class::Peer),
            Relation::Transit { provider, customer } if (provider, customer) == (to, from) => {
                Some(Class::Customer)
            }
            Relation::Transit { provider, customer } if (customer, provider) == (to, from) => {
                Some(Class::Provider)
            }
            _ => None,
        })
    }

    fn asns(&self) -> Vec<Asn> {
        let mut asns: Vec<_> = self
            .relations
            .iter()
            .flat_map(|&relation| match relation {
                Relation::Peers(a, b) => [a, b],
                Relation::Transit { provider, customer } => [provider, customer],
            })
            .collect();
        asns.sort_unstable();
        asns.dedup();
        asns
    }

    /// BGP as routers do it: everyone offers what it has chosen and chooses again, until nobody
    /// changes.
    fn converge(&self) -> HashMap<Asn, (Class, Vec<Asn>)> {
        let asns = self.asns();
        let mut chosen = HashMap::new();
        for seed in &self.seeds {
            chosen.insert(seed.origin, (Class::Own, Vec::new()));
        }
        loop {
            let mut next = chosen.clone();
            next.retain(|_, (class, _)| *class == Class::Own);
            for &to in asns.iter().filter(|asn| !next.contains_key(asn)).collect::<Vec<_>>() {
                let best = self
                    .offers(to, &chosen)
                    .into_iter()
                    .min_by_key(|(class, path)| (*class, path.len(), path[0]));
                next.extend(best.map(|best| (to, best)));
            }
            if next == chosen {
                return chosen;
            }
            chosen = next;
        }
    }

    fn offers(&self, to: Asn, chosen: &HashMap<Asn, (Class, Vec<Asn>)>) -> Vec<(Class, Vec<Asn>)> {
        let mut offers = Vec::new();
        for (&from, (its_class, its_path)) in chosen {
            let Some(class) = self.class(to, from) else {
                continue;
            };
            let exported = *its_class == Class::Customer || class == Class::Provider;
            if *its_class != Class::Own && exported && !its_path.contains(&to) {
                offers.push((class, [&[from], its_path.as_slice()].concat()));
            }
        }
        for seed in self.seeds.iter().filter(|seed| seed.to == to) {
            let path = vec![seed.origin; 1 + usize::from(seed.prepend)];
            offers.extend(self.class(to, seed.origin).map(|class| (class, path)));
        }
        offers
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn agrees_with_routers_that_converge(world in world()) {
        let graph = AsGraph::new(world.relations.iter().copied());
        let routes = propagate(&graph, &world.seeds);
        let chosen = world.converge();
        for asn in world.asns() {
            let got = routes.class(asn).zip(routes.path(asn));
            prop_assert_eq!(got.as_ref(), chosen.get(&asn), "at AS {}", asn);
        }
    }

    #[test]
    fn paths_have_no_loop_and_no_valley(world in world()) {
        let graph = AsGraph::new(world.relations.iter().copied());
        let routes = propagate(&graph, &world.seeds);
        for asn in world.asns() {
            let Some(mut path) = routes.path(asn) else { continue };
            path.dedup();
            let mut once = path.clone();
            once.sort_unstable();
            once.dedup();
            prop_assert_eq!(once.len(), path.len(), "a loop in {:?}", &path);
            prop_assert!(!path.contains(&asn));
            // From the origin outwards: up to providers, across at most one peering, then down.
            path.insert(0, asn);
            let steps: Vec<_> = path.windows(2).rev().map(|pair| world.class(pair[0], pair[1])).collect();
            prop_assert!(steps.iter().all(Option::is_some), "no such link: {:?}", &path);
            prop_assert!(steps.is_sorted(), "a valley in {:?}: {:?}", &path, &steps);
            let crossed = steps.iter().filter(|step| **step == Some(Class::Peer)).count();
            prop_assert!(crossed <= 1, "two peerings in {:?}", &path);
        }
    }
}
