//! What the resolver remembers, in three layers.
//!
//! - [`records`]: RRsets, negative answers and delegations, apart from each other: what the iterator
//!   reads and fills;
//! - [`answers`]: whole answers in wire form, shared by all workers;
//! - [`first`]: a worker's own small table before the shared one, so that a hot answer touches nothing
//!   that another worker writes.

pub mod answers;
pub mod first;
pub mod records;

pub use answers::{Answer, AnswerKey, Answers};
pub use first::FirstLevel;
pub use records::{Credibility, Delegation, Known, NameServer, Records};

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use moka::notification::RemovalCause;
use moka::sync::Cache;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// What a cache itself spends on an entry, in octets, by estimate.
const OVERHEAD: usize = 200;

/// A cache bounded in octets, keyed by octets, that counts what had to make room.
pub(crate) struct Bounded<V: Clone + Send + Sync + 'static> {
    entries: Cache<Box<[u8]>, V, Seeded>,
    evicted: Arc<AtomicU64>,
}

impl<V: Clone + Send + Sync + 'static> Bounded<V> {
    /// An empty cache of at most `capacity` octets; `size` is what a value takes.
    fn new(capacity: u64, size: fn(&V) -> usize) -> Self {
        let evicted = Arc::new(AtomicU64::new(0));
        let counter = evicted.clone();
        let entries = Cache::builder().max_capacity(capacity).weigher(move |key: &Box<_>, value| {
            let key: &[u8] = key;
            u32::try_from(key.len() + size(value) + OVERHEAD).unwrap_or(u32::MAX)
        });
        let entries = entries.eviction_listener(move |_, _, cause| {
            if cause == RemovalCause::Size {
                counter.fetch_add(1, Ordering::Relaxed);
            }
        });
        Self { entries: entries.build_with_hasher(Seeded::new()), evicted }
    }

    fn get(&self, key: &[u8]) -> Option<V> {
        self.entries.get(key)
    }

    fn insert(&self, key: Box<[u8]>, value: V) {
        self.entries.insert(key, value);
    }

    /// How full it is, its books settled first.
    fn usage(&self) -> Usage {
        self.entries.run_pending_tasks();
        Usage {
            entries: self.entries.entry_count(),
            octets: self.entries.weighted_size(),
            evicted: self.evicted.load(Ordering::Relaxed),
        }
    }
}

/// How full a cache is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Entries that it holds.
    pub entries: u64,
    /// Octets that it holds.
    pub octets: u64,
    /// Entries that had to make room since the beginning.
    pub evicted: u64,
}

/// Hashes keys in one go, seeded anew by each process, so that nobody outside can aim at a slot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seeded(u64);

impl Seeded {
    pub(crate) fn new() -> Self {
        Self(rand::random())
    }

    /// The hash of octets and a number.
    pub(crate) fn hash_with(self, octets: &[u8], number: u64) -> u64 {
        xxh3_64_with_seed(octets, self.0 ^ number)
    }
}

impl BuildHasher for Seeded {
    type Hasher = State;

    fn build_hasher(&self) -> State {
        State(self.0)
    }
}

/// The hasher of [`Seeded`].
pub(crate) struct State(u64);

impl Hasher for State {
    fn write(&mut self, octets: &[u8]) {
        self.0 = xxh3_64_with_seed(octets, self.0);
    }

    // The length that slices put before their octets: a cheap mix is enough.
    fn write_usize(&mut self, value: usize) {
        self.0 ^= value as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests;
