//! A worker's own table of answers: one probe, nothing shared written.

use std::sync::Arc;

use super::{Answer, AnswerKey, Seeded};

/// Larger answers stay in the shared cache alone: the table holds on to what it points to, and its
/// memory is bounded by this times its slots.
const MAX_OCTETS: usize = 1024;

/// The hash of a question, and its answer.
type Slot = Option<(u64, Arc<Answer>)>;

/// A direct-mapped table: each question has one slot, the latest answer takes it.
pub struct FirstLevel {
    slots: Box<[Slot]>,
    seed: Seeded,
}

impl FirstLevel {
    /// A table of at least `slots` slots, rounded up to a power of two.
    pub fn new(slots: usize) -> Self {
        let slots = vec![None; slots.max(1).next_power_of_two()];
        Self { slots: slots.into(), seed: Seeded::new() }
    }

    /// The hash by which [`FirstLevel::find`] and [`FirstLevel::put`] know a question.
    pub fn hash(&self, key: AnswerKey<'_>) -> u64 {
        let rest = u64::from(key.rtype.0) << 8 | u64::from(key.flags);
        self.seed.hash_with(key.name, rest)
    }

    /// The answer in the question's slot, where it is this question's and may still be given at `now`,
    /// in seconds of the clock.
    pub fn find(&self, hash: u64, key: AnswerKey<'_>, now: u32) -> Option<&Answer> {
        match &self.slots[self.slot(hash)] {
            Some((there, answer)) if *there == hash && answer.is_for(key) && answer.is_live(now) => {
                Some(answer)
            }
            _ => None,
        }
    }

    /// Puts an answer into its question's slot.
    pub fn put(&mut self, hash: u64, answer: Arc<Answer>) {
        if answer.size() <= MAX_OCTETS {
            let slot = self.slot(hash);
            self.slots[slot] = Some((hash, answer));
        }
    }

    fn slot(&self, hash: u64) -> usize {
        hash as usize & (self.slots.len() - 1)
    }
}
