//! The AS graph: who is whose provider, customer or peer.

use std::collections::BTreeSet;

use crate::topology::{Asn, Relation, Topology};

/// An AS graph. Inside it an AS is its rank among the numbers, so that the lower index is the lower
/// AS number.
#[derive(Clone, Debug, Default)]
pub struct AsGraph {
    asns: Vec<Asn>,
    providers: Vec<Vec<u32>>,
    customers: Vec<Vec<u32>>,
    peers: Vec<Vec<u32>>,
}

impl AsGraph {
    /// The graph of these relations. An AS's relation to itself is left out; of several between two
    /// ASes all are kept.
    pub fn new(relations: impl IntoIterator<Item = Relation>) -> Self {
        let relations: Vec<Relation> = relations.into_iter().collect();
        let mut asns: Vec<Asn> = Vec::with_capacity(2 * relations.len());
        for relation in &relations {
            asns.extend(<[Asn; 2]>::from(relation.ends()));
        }
        asns.sort_unstable();
        asns.dedup();
        let empty = vec![Vec::new(); asns.len()];
        let mut graph = Self { asns, providers: empty.clone(), customers: empty.clone(), peers: empty };
        for relation in relations {
            graph.add(relation);
        }
        for lists in [&mut graph.providers, &mut graph.customers, &mut graph.peers] {
            for list in lists {
                list.sort_unstable();
                list.dedup();
            }
        }
        graph
    }

    fn add(&mut self, relation: Relation) {
        let (a, b) = relation.ends();
        let (Some(a), Some(b)) = (self.index(a), self.index(b)) else {
            return;
        };
        match relation {
            _ if a == b => {}
            Relation::Peers(..) => {
                self.peers[a as usize].push(b);
                self.peers[b as usize].push(a);
            }
            Relation::Transit { .. } => {
                self.customers[a as usize].push(b);
                self.providers[b as usize].push(a);
            }
        }
    }

    /// The graph around us: the topology's relations, and we as a customer of every carrier that we
    /// have a session with; without the links that are `down`.
    pub fn of(topology: &Topology, down: &BTreeSet<(Asn, Asn)>) -> Self {
        let ours = topology.sessions().iter().map(|session| Relation::Transit {
            provider: topology.carriers()[session.carrier].asn,
            customer: topology.asn(),
        });
        let all = topology.relations().iter().copied().chain(ours);
        Self::new(all.filter(|&relation| {
            let (a, b) = relation.ends();
            !down.contains(&link(a, b))
        }))
    }

    /// How many ASes it has.
    pub fn len(&self) -> usize {
        self.asns.len()
    }

    /// Whether it has no AS.
    pub fn is_empty(&self) -> bool {
        self.asns.is_empty()
    }

    pub(crate) fn index(&self, asn: Asn) -> Option<u32> {
        let index = self.asns.binary_search(&asn).ok()?;
        u32::try_from(index).ok()
    }

    pub(crate) fn asn(&self, index: u32) -> Asn {
        self.asns[index as usize]
    }

    pub(crate) fn indices(&self) -> impl Iterator<Item = u32> + use<> {
        0..u32::try_from(self.asns.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn providers(&self, of: u32) -> &[u32] {
        &self.providers[of as usize]
    }

    pub(crate) fn customers(&self, of: u32) -> &[u32] {
        &self.customers[of as usize]
    }

    pub(crate) fn peers(&self, of: u32) -> &[u32] {
        &self.peers[of as usize]
    }
}

/// The name of a link, the same from both ends.
pub(crate) fn link(a: Asn, b: Asn) -> (Asn, Asn) {
    (a.min(b), a.max(b))
}
