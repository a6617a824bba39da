//! The names of a zone as a tree: which exist, which only because something is below them (empty
//! non-terminals), which are cuts, and which lie below one. What `check` and `compile` work on.

use std::collections::HashSet;

use wire::Rtype;
use wire::name::MAX_NAME;

use crate::rdata::{Field, fields};
use crate::table::Table;
use crate::zone::{Zone, ZoneRecord};

/// How a name stands in its zone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The zone answers for it.
    #[default]
    Ours,
    /// Another zone begins here (RFC 1034 §4.2.1).
    Cut,
    /// It lies below a cut or a DNAME: no answer, though perhaps glue.
    Occluded,
}

/// A name that exists in the zone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    name_at: u32,
    /// The node above; the apex is its own.
    pub(crate) parent: u32,
    rrsets_at: u32,
    rrsets: u16,
    pub(crate) standing: Standing,
    /// Whether a `*` stands right below it (RFC 4592 §2.1.1).
    pub(crate) has_wildcard: bool,
}

/// Records of one owner and type (RFC 2181 §5), in the order of the file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rrset {
    pub(crate) rtype: Rtype,
    /// The lowest TTL of its records, in seconds.
    pub(crate) ttl: u32,
    at: u32,
    len: u32,
}

/// Index of the apex among the nodes; parents stand before what is below them.
pub(crate) const APEX: u32 = 0;

pub(crate) struct Tree<'z> {
    pub(crate) zone: &'z Zone,
    pub(crate) nodes: Vec<Node>,
    /// Folded names. A name shares the end of a longer one.
    names: Vec<u8>,
    table: Table<u32>,
    rrsets: Vec<Rrset>,
    /// Entries by node and type.
    order: Vec<u32>,
    /// Entries whose owner is not in the zone.
    pub(crate) outside: Vec<u32>,
    /// Entries that repeat one before them.
    pub(crate) repeated: Vec<u32>,
}

impl<'z> Tree<'z> {
    pub(crate) fn of(zone: &'z Zone) -> Self {
        let mut tree = Self {
            zone,
            nodes: Vec::with_capacity(zone.len() + 1),
            names: Vec::with_capacity(zone.octets.len()),
            table: Table::with_capacity(zone.len()),
            rrsets: Vec::with_capacity(zone.len()),
            order: Vec::new(),
            outside: Vec::new(),
            repeated: Vec::new(),
        };
        let apex = zone.apex.folded();
        tree.names.extend_from_slice(apex.as_wire());
        tree.add_node(0, apex.as_wire().len(), APEX);
        let node_of = tree.add_names();
        tree.sort(&node_of);
        tree.group();
        tree.judge();
        tree
    }

    pub(crate) fn node(&self, node: u32) -> &Node {
        &self.nodes[node as usize]
    }

    /// The folded name of a node, in wire form.
    pub(crate) fn name(&self, node: u32) -> &[u8] {
        let rest = self.names.get(self.node(node).name_at as usize..).unwrap_or_default();
        let length = crate::rdata::name_length(rest).unwrap_or(0);
        &rest[..length]
    }

    /// The node of a folded name.
    pub(crate) fn find(&self, name: &[u8]) -> Option<u32> {
        self.table.get(&self.names, name)
    }

    /// The RRsets of a node, by type.
    pub(crate) fn rrsets(&self, node: u32) -> &[Rrset] {
        let node = self.node(node);
        let at = node.rrsets_at as usize;
        &self.rrsets[at..at + usize::from(node.rrsets)]
    }

    pub(crate) fn rrset(&self, node: u32, rtype: Rtype) -> Option<&Rrset> {
        self.rrsets(node).iter().find(|rrset| rrset.rtype == rtype)
    }

    pub(crate) fn records(&self, rrset: &Rrset) -> impl Iterator<Item = ZoneRecord<'z>> {
        let zone = self.zone;
        let range = rrset.at as usize..(rrset.at + rrset.len) as usize;
        self.order[range].iter().map(move |&index| zone.record(&zone.entries[index as usize]))
    }

    /// This node, then each above it, to the apex.
    pub(crate) fn upwards(&self, node: u32) -> impl Iterator<Item = u32> {
        std::iter::successors(Some(node), |&at| (at != APEX).then(|| self.node(at).parent))
    }

    /// Gives each entry's owner a node, and each name between it and the apex; returns them by entry.
    fn add_names(&mut self) -> Vec<u32> {
        let mut node_of = Vec::with_capacity(self.zone.len());
        let mut last = (u32::MAX, u32::MAX);
        for (index, entry) in self.zone.entries.iter().enumerate() {
            if entry.owner_at != last.0 {
                let owner = self.zone.record(entry).owner;
                let mut folded = [0; MAX_NAME];
                let folded = &mut folded[..owner.len().min(MAX_NAME)];
                folded.copy_from_slice(&owner[..folded.len()]);
                folded.make_ascii_lowercase();
                last = (entry.owner_at, self.add_name(folded).unwrap_or(u32::MAX));
            }
            if last.1 == u32::MAX {
                self.outside.push(index as u32);
            }
            node_of.push(last.1);
        }
        node_of
    }

    /// The node of a name, made if need be; none outside the zone.
    fn add_name(&mut self, name: &[u8]) -> Option<u32> {
        if let Some(node) = self.find(name) {
            return Some(node);
        }
        let begin = self.names.len();
        let mut rest = name;
        let mut missing = Vec::new();
        let mut parent = loop {
            missing.push(rest.len());
            rest = rest.get(1 + usize::from(*rest.first()?)..)?;
            if let Some(node) = self.find(rest) {
                break node;
            }
        };
        self.names.extend_from_slice(name);
        for len in missing.into_iter().rev() {
            let name_at = begin + name.len() - len;
            if self.names[name_at..].starts_with(b"\x01*") {
                self.nodes[parent as usize].has_wildcard = true;
            }
            parent = self.add_node(name_at as u32, len, parent);
        }
        Some(parent)
    }

    fn add_node(&mut self, name_at: u32, len: usize, parent: u32) -> u32 {
        let index = self.nodes.len() as u32;
        self.nodes.push(Node {
            name_at,
            parent,
            rrsets_at: 0,
            rrsets: 0,
            standing: Standing::Ours,
            has_wildcard: false,
        });
        self.table.insert(&self.names, name_at, len, index);
        index
    }

    /// Sorts the entries by node, then type; within an RRset they keep the order of the file.
    fn sort(&mut self, node_of: &[u32]) {
        let mut ends = vec![0u32; self.nodes.len()];
        for &node in node_of.iter().filter(|&&node| node != u32::MAX) {
            ends[node as usize] += 1;
        }
        let mut begin = 0;
        for end in &mut ends {
            (begin, *end) = (begin + *end, begin);
        }
        self.order = vec![0; begin as usize];
        for (index, &node) in node_of.iter().enumerate().filter(|&(_, &node)| node != u32::MAX) {
            let at = &mut ends[node as usize];
            self.order[*at as usize] = index as u32;
            *at += 1;
        }
        let mut begin = 0;
        for end in ends {
            let entries = &self.zone.entries;
            self.order[begin..end as usize].sort_by_key(|&index| entries[index as usize].rtype);
            begin = end as usize;
        }
        // Where each node's entries begin is known by walking: keep the count in the node for now.
        for &node in node_of.iter().filter(|&&node| node != u32::MAX) {
            self.nodes[node as usize].rrsets_at += 1;
        }
    }

    /// Cuts the sorted entries into RRsets, without what is repeated.
    fn group(&mut self) {
        let order = std::mem::take(&mut self.order);
        self.order.reserve_exact(order.len());
        let mut rest = order.as_slice();
        for index in 0..self.nodes.len() {
            let (own, tail) = rest.split_at(self.nodes[index].rrsets_at as usize);
            rest = tail;
            self.nodes[index].rrsets_at = self.rrsets.len() as u32;
            let zone = self.zone;
            let rtype = |index: u32| zone.entries[index as usize].rtype;
            for run in own.chunk_by(|&a, &b| rtype(a) == rtype(b)) {
                self.nodes[index].rrsets += 1;
                self.add_rrset(rtype(run[0]), run);
            }
        }
    }

    fn add_rrset(&mut self, rtype: Rtype, run: &[u32]) {
        let at = self.order.len();
        let ttl = run.iter().map(|&index| self.zone.entries[index as usize].ttl).min().unwrap_or(0);
        if let [only] = run {
            self.order.push(*only);
        } else {
            let folds = fields(rtype) == Some(&[Field::Name]);
            let mut seen = HashSet::with_capacity(run.len());
            for &index in run {
                let rdata = self.zone.record(&self.zone.entries[index as usize]).rdata;
                let key = if folds { rdata.to_ascii_lowercase() } else { rdata.to_vec() };
                if seen.insert(key) { self.order.push(index) } else { self.repeated.push(index) }
            }
        }
        let len = (self.order.len() - at) as u32;
        self.rrsets.push(Rrset { rtype, ttl, at: at as u32, len });
    }

    /// Finds the cuts and what they hide.
    fn judge(&mut self) {
        for index in 1..self.nodes.len() as u32 {
            let parent = self.node(index).parent;
            let hidden =
                self.node(parent).standing != Standing::Ours || self.rrset(parent, Rtype::DNAME).is_some();
            let cut = || self.rrset(index, Rtype::NS).is_some();
            self.nodes[index as usize].standing = match hidden {
                true => Standing::Occluded,
                false if cut() => Standing::Cut,
                false => Standing::Ours,
            };
        }
    }
}
