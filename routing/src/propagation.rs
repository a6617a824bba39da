//! How a route spreads over the AS graph, after Gao and Rexford.
//!
//! An AS prefers a route of a customer to one of a peer to one of a provider (each earns more than
//! the next), then the shorter AS path, then the neighbour of the lowest AS number. Customers'
//! routes are given to every neighbour, all others to customers only. So no path has a valley, and
//! three sweeps find every AS's choice in O(V + E):
//!
//! 1. customers' routes climb from provider to provider, shortest first;
//! 2. they cross one peering each, to ASes without one;
//! 3. whatever an AS has chosen descends to its customers, shortest first, to ASes without either.
//!
//! A sweep settles lengths in ascending order, and each hop adds one, so every offer of a length is
//! known before that length is settled.

use crate::graph::AsGraph;
use crate::topology::Asn;

/// An announcement of an origin to one of its neighbours. Several origins make an anycast prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seed {
    /// Who originates the prefix; it takes no other's route to it.
    pub origin: Asn,
    /// The neighbour that hears it; without a link to it in the graph the seed is void.
    pub to: Asn,
    /// How many extra times the origin stands on the path.
    pub prepend: u8,
}

/// From whom an AS has its route; the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// It is the origin.
    Own,
    /// From a customer.
    Customer,
    /// From a peer.
    Peer,
    /// From a provider.
    Provider,
}

#[derive(Clone, Copy)]
struct Route {
    class: Class,
    /// Of the AS path, prepends included; 0 at the origin.
    length: usize,
    /// The neighbour that it was heard from; the AS itself at the origin.
    via: u32,
}

/// The route that every AS has chosen.
pub struct Routes<'g> {
    graph: &'g AsGraph,
    routes: Vec<Option<Route>>,
}

impl Routes<'_> {
    fn route(&self, asn: Asn) -> Option<Route> {
        self.routes[self.graph.index(asn)? as usize]
    }

    /// From whom this AS has its route; None without one.
    pub fn class(&self, asn: Asn) -> Option<Class> {
        Some(self.route(asn)?.class)
    }

    /// The AS path in this AS's table: the next hop first, the origin last, prepends included, the
    /// AS itself not. None without a route; empty at an origin.
    pub fn path(&self, asn: Asn) -> Option<Vec<Asn>> {
        let mut route = self.route(asn)?;
        let mut path = Vec::with_capacity(route.length);
        while route.class != Class::Own {
            let left = route.length;
            let via = route.via;
            route = self.routes[via as usize]?;
            // The last hop is the origin, as often as it put itself there.
            path.extend((route.length..left).map(|_| self.graph.asn(via)));
        }
        Some(path)
    }
}

/// The route of every AS to a prefix that is announced by `seeds`.
pub fn propagate<'g>(graph: &'g AsGraph, seeds: &[Seed]) -> Routes<'g> {
    let mut routes = vec![None; graph.len()];
    let (mut climbing, mut crossing, mut descending) =
        (Offers::default(), Offers::default(), Offers::default());
    for seed in seeds {
        let (Some(origin), Some(to)) = (graph.index(seed.origin), graph.index(seed.to)) else {
            continue;
        };
        routes[origin as usize] = Some(Route { class: Class::Own, length: 0, via: origin });
        let length = 1 + usize::from(seed.prepend);
        for (neighbours, offers) in [
            (graph.providers(origin), &mut climbing),
            (graph.peers(origin), &mut crossing),
            (graph.customers(origin), &mut descending),
        ] {
            if neighbours.binary_search(&to).is_ok() {
                offers.push(length, to, origin);
            }
        }
    }

    climbing.settle(&mut routes, Class::Customer, |of| graph.providers(of));
    crossing.export(&routes, graph, |of| graph.peers(of));
    crossing.settle(&mut routes, Class::Peer, |_| &[]);
    descending.export(&routes, graph, |of| graph.customers(of));
    descending.settle(&mut routes, Class::Provider, |of| graph.customers(of));
    Routes { graph, routes }
}

/// Routes on offer, by the length of their path: (who may take it, from whom).
#[derive(Default)]
struct Offers(Vec<Vec<(u32, u32)>>);

impl Offers {
    fn push(&mut self, length: usize, to: u32, via: u32) {
        if self.0.len() <= length {
            self.0.resize_with(length + 1, Vec::new);
        }
        self.0[length].push((to, via));
    }

    /// Every route chosen so far is offered on; an origin's is offered by its seeds alone.
    fn export<'g>(
        &mut self,
        routes: &[Option<Route>],
        graph: &'g AsGraph,
        neighbours: impl Fn(u32) -> &'g [u32],
    ) {
        for from in graph.indices() {
            match routes[from as usize] {
                Some(route) if route.class != Class::Own => {
                    self.pass_on(routes, from, route.length, neighbours(from));
                }
                _ => {}
            }
        }
    }

    fn pass_on(&mut self, routes: &[Option<Route>], from: u32, length: usize, neighbours: &[u32]) {
        for &to in neighbours {
            if routes[to as usize].is_none() {
                self.push(length + 1, to, from);
            }
        }
    }

    /// Gives every AS without a route the best that it is offered, shortest first; a route taken is
    /// offered to the `neighbours` of who took it.
    fn settle<'g>(
        mut self,
        routes: &mut [Option<Route>],
        class: Class,
        neighbours: impl Fn(u32) -> &'g [u32],
    ) {
        let mut length = 0;
        while length < self.0.len() {
            for (to, via) in std::mem::take(&mut self.0[length]) {
                match &mut routes[to as usize] {
                    // Heard at this length before: the lower AS number wins.
                    Some(route) if route.class == class && route.length == length => {
                        route.via = route.via.min(via);
                    }
                    Some(_) => {}
                    none => {
                        *none = Some(Route { class, length, via });
                        self.pass_on(routes, to, length, neighbours(to));
                    }
                }
            }
            length += 1;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;
