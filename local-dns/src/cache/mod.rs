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

use xxhash_rust::xxh3::xxh3_64_with_seed;

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
