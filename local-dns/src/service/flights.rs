//! Identical questions in flight are asked once: the first asker leads, the others wait for its answer.
//!
//! Who waits is kept here and holds no place on the slow path: thousands who want one slow name must not
//! keep the others from theirs.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Askers that may wait, of all flights together.
const MAX_WAITING: usize = 16_384;

/// Questions in flight, by key, and who waits for each.
pub(super) struct Flights<T>(Mutex<State<T>>);

struct State<T> {
    flying: HashMap<Box<[u8]>, Vec<T>>,
    waiting: usize,
}

/// The part that an asker has.
pub(super) enum Boarding<'a, T> {
    /// It is the first: it must find the answer.
    Lead(Leader<'a, T>, T),
    /// Another is at it, and will be given this asker.
    Waits,
    /// Another is at it, and too many wait already.
    Full(T),
}

/// Whoever finds the answer. Dropped without one, it drops all who wait for it.
pub(super) struct Leader<'a, T> {
    flights: &'a Flights<T>,
    /// None once it has landed: the key may be another flight's by then.
    key: Option<Box<[u8]>>,
}

impl<T> Flights<T> {
    pub(super) fn new() -> Self {
        Self(Mutex::new(State { flying: HashMap::new(), waiting: 0 }))
    }

    /// Joins the flight for `key`, or begins it.
    pub(super) fn board(&self, key: Box<[u8]>, asker: T) -> Boarding<'_, T> {
        let mut state = self.state();
        let room = state.waiting < MAX_WAITING;
        match state.flying.get_mut(&key) {
            Some(waiting) if room => {
                waiting.push(asker);
                state.waiting += 1;
                Boarding::Waits
            }
            Some(_) => Boarding::Full(asker),
            None => {
                state.flying.insert(key.clone(), Vec::new());
                Boarding::Lead(Leader { flights: self, key: Some(key) }, asker)
            }
        }
    }

    /// How many are in flight.
    pub(super) fn len(&self) -> usize {
        self.state().flying.len()
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Leader<'_, T> {
    /// Ends the flight and returns who waits for the answer; who comes later begins anew.
    pub(super) fn land(mut self) -> Vec<T> {
        self.end()
    }

    fn end(&mut self) -> Vec<T> {
        let Some(key) = self.key.take() else { return Vec::new() };
        let mut state = self.flights.state();
        let waiting = state.flying.remove(&key).unwrap_or_default();
        state.waiting -= waiting.len();
        waiting
    }
}

impl<T> Drop for Leader<'_, T> {
    fn drop(&mut self) {
        drop(self.end());
    }
}

#[cfg(test)]
#[allow(clippy::panic)]
mod tests {
    use super::*;

    fn key() -> Box<[u8]> {
        Box::from(*b"key")
    }

    #[test]
    fn the_first_leads_and_is_given_the_others() {
        let flights = Flights::new();
        let Boarding::Lead(leader, 1) = flights.board(key(), 1) else { panic!("the first leads") };
        assert!(matches!(flights.board(key(), 2), Boarding::Waits));
        assert!(matches!(flights.board(Box::from(*b"other"), 3), Boarding::Lead(_, 3)));
        assert!(matches!(flights.board(key(), 4), Boarding::Waits));
        assert_eq!(leader.land(), [2, 4]);
        assert_eq!(flights.len(), 0);
        assert!(matches!(flights.board(key(), 5), Boarding::Lead(_, 5)), "landed: a new flight");
    }

    #[test]
    fn a_leader_that_dies_leaves_nothing_behind() {
        let flights = Flights::new();
        let Boarding::Lead(leader, _) = flights.board(key(), 1) else { panic!("the first leads") };
        assert!(matches!(flights.board(key(), 2), Boarding::Waits));
        drop(leader);
        assert_eq!((flights.len(), flights.state().waiting), (0, 0));
        assert!(matches!(flights.board(key(), 3), Boarding::Lead(..)));
    }

    #[test]
    fn not_more_wait_than_there_is_room_for() {
        let flights = Flights::new();
        let Boarding::Lead(leader, _) = flights.board(key(), 0) else { panic!("the first leads") };
        assert!((0..MAX_WAITING).all(|_| matches!(flights.board(key(), 1), Boarding::Waits)));
        assert!(matches!(flights.board(key(), 2), Boarding::Full(2)));
        assert!(matches!(flights.board(Box::from(*b"other"), 3), Boarding::Lead(_, 3)));
        assert_eq!(leader.land().len(), MAX_WAITING);
    }
}
