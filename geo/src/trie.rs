//! A poptrie: the longest-prefix match of one address family, read-only.
//!
//! After Asai and Ohara, *Poptrie* (SIGCOMM 2015), in index form. The first bits of a key pick
//! an entry of a plain array; below it every node spends six bits. A node is 24 octets: a bit
//! set of the slots that have a node below, a bit set of the slots where the leaf changes, and
//! where its children and its leaves begin; counting bits turns a slot into an index. Leaves are
//! `(value, prefix length)`, each distinct one kept once.

use std::collections::HashMap;
use std::hash::Hash;

use crate::segments::Segments;

/// Marks an entry of the root that is a leaf.
const LEAF: u32 = 1 << 31;

/// Bits that a node spends.
const STRIDE: u32 = 6;

#[derive(Clone, Copy, Debug, Default)]
struct Node {
    children: u64,
    changes: u64,
    first_child: u32,
    first_slot: u32,
}

/// The longest-prefix match over 128-bit keys.
#[derive(Clone, Debug)]
pub(crate) struct Trie<V> {
    root_bits: u32,
    /// Per value of the first bits: a leaf with [`LEAF`] set, or a node.
    root: Vec<u32>,
    nodes: Vec<Node>,
    /// Leaves in the order of the nodes' slots.
    slots: Vec<u32>,
    leaves: Vec<(V, u8)>,
}

impl<V: Copy> Trie<V> {
    /// The value at `key`, and the length of the shortest prefix around `key` that has no other.
    #[inline]
    pub(crate) fn get(&self, key: u128) -> (V, u8) {
        let mut entry = self.root[(key >> (128 - self.root_bits)) as usize];
        let mut rest = key << self.root_bits;
        while entry & LEAF == 0 {
            let node = &self.nodes[entry as usize];
            let slot = (rest >> (128 - STRIDE)) as u32;
            let up_to = u64::MAX >> (63 - slot);
            if node.children >> slot & 1 == 0 {
                let nth = (node.changes & up_to).count_ones() - 1;
                entry = LEAF | self.slots[(node.first_slot + nth) as usize];
            } else {
                entry = node.first_child + (node.children & up_to).count_ones() - 1;
                rest <<= STRIDE;
            }
        }
        self.leaves[(entry & !LEAF) as usize]
    }

    /// Every prefix in order: first key, length, value.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u128, u8, V)> {
        let mut next = Some(0_u128);
        std::iter::from_fn(move || {
            let first = next?;
            let (value, length) = self.get(first);
            next = crate::segments::last_key(first, length).checked_add(1);
            Some((first, length, value))
        })
    }

    /// Octets on the heap.
    pub(crate) fn memory(&self) -> usize {
        self.root.len() * size_of::<u32>()
            + self.nodes.len() * size_of::<Node>()
            + self.slots.len() * size_of::<u32>()
            + self.leaves.len() * size_of::<(V, u8)>()
    }
}

impl<V: Copy + Eq + Hash> Trie<V> {
    /// From the value of every key. `128 - root_bits` is a multiple of six, or no run has a
    /// border beyond the last whole node (true of IPv4 with 18).
    pub(crate) fn build(root_bits: u32, segments: &Segments<V>) -> Self {
        let mut builder = Builder {
            segments,
            known: HashMap::new(),
            trie: Self {
                root_bits,
                root: Vec::with_capacity(1 << root_bits),
                nodes: Vec::new(),
                slots: Vec::new(),
                leaves: Vec::new(),
            },
        };
        builder.root();
        let mut trie = builder.trie;
        trie.nodes.shrink_to_fit();
        trie.slots.shrink_to_fit();
        trie
    }
}

struct Builder<'a, V> {
    segments: &'a Segments<V>,
    known: HashMap<(V, u8), u32>,
    trie: Trie<V>,
}

impl<V: Copy + Eq + Hash> Builder<'_, V> {
    fn root(&mut self) {
        let size = 128 - self.trie.root_bits;
        let mut at = 0;
        while self.trie.root.len() < 1 << self.trie.root_bits {
            let first = (self.trie.root.len() as u128) << size;
            at = self.run_of(at, first);
            if self.is_uniform(at, first, size) {
                // The prefix of the leaf may be wider than one entry.
                let entries = 1 << (self.trie.root_bits - u32::from(self.segments.prefix_len(at, first)));
                let leaf = LEAF | self.leaf(at, first);
                self.trie.root.resize(self.trie.root.len() + entries, leaf);
            } else {
                let node = self.trie.nodes.len();
                self.trie.nodes.push(Node::default());
                self.node(node, at, first, size);
                self.trie.root.push(index(node));
            }
        }
    }

    /// Fills the node for the `2^size` keys from `first`, which lies in the run `at`.
    fn node(&mut self, node: usize, mut at: usize, first: u128, size: u32) {
        let size = size - STRIDE;
        let first_slot = self.trie.slots.len();
        let (mut children, mut changes) = (0_u64, 0_u64);
        let mut below = Vec::new();
        let mut current = None;
        for slot in 0..1_u32 << STRIDE {
            let first = first | u128::from(slot) << size;
            at = self.run_of(at, first);
            if self.is_uniform(at, first, size) {
                let leaf = self.leaf(at, first);
                if current.replace(leaf) != Some(leaf) {
                    changes |= 1 << slot;
                    self.trie.slots.push(leaf);
                }
            } else {
                children |= 1 << slot;
                below.push((at, first));
            }
        }
        let first_child = self.trie.nodes.len();
        self.trie.nodes.resize(first_child + below.len(), Node::default());
        self.trie.nodes[node] =
            Node { children, changes, first_child: index(first_child), first_slot: index(first_slot) };
        for (child, (at, first)) in (first_child..).zip(below) {
            self.node(child, at, first, size);
        }
    }

    /// The run that `key` is in, searched from the run `at` on.
    fn run_of(&self, mut at: usize, key: u128) -> usize {
        while self.segments.last(at) < key {
            at += 1;
        }
        at
    }

    /// Whether the `2^size` keys from `first` on all lie in the run `at`.
    fn is_uniform(&self, at: usize, first: u128, size: u32) -> bool {
        first | ((1 << size) - 1) <= self.segments.last(at)
    }

    fn leaf(&mut self, at: usize, key: u128) -> u32 {
        let leaf = (self.segments.value(at), self.segments.prefix_len(at, key));
        *self.known.entry(leaf).or_insert_with(|| {
            self.trie.leaves.push(leaf);
            index(self.trie.leaves.len() - 1)
        })
    }
}

/// An index as the trie keeps it. No table comes near 2³¹ entries: that would be 48 GiB of
/// nodes.
fn index(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
