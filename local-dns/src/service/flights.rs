//! Identical questions in flight are asked once: the first leads, the others wait for its answer.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

/// Where the answer of one flight will be.
type Flight<T> = watch::Receiver<Option<T>>;

/// Questions in flight, by key.
pub(super) struct Flights<T> {
    flying: Mutex<HashMap<Box<[u8]>, Flight<T>>>,
}

/// The part that a question has.
pub(super) enum Boarding<'a, T> {
    /// It is the first: it must find the answer.
    Lead(Leader<'a, T>),
    /// Another is at it.
    Follow(Follower<T>),
}

/// Whoever finds the answer. Dropped without one, it lets the followers know, and one of them leads.
pub(super) struct Leader<'a, T> {
    flights: &'a Flights<T>,
    key: Box<[u8]>,
    landing: watch::Sender<Option<T>>,
}

/// Whoever waits.
pub(super) struct Follower<T>(Flight<T>);

impl<T: Clone> Flights<T> {
    pub(super) fn new() -> Self {
        Self { flying: Mutex::default() }
    }

    /// Joins the flight for `key`, or begins it.
    pub(super) fn board(&self, key: Box<[u8]>) -> Boarding<'_, T> {
        match self.flying.lock().unwrap_or_else(PoisonError::into_inner).entry(key) {
            Entry::Occupied(flight) => Boarding::Follow(Follower(flight.get().clone())),
            Entry::Vacant(vacant) => {
                let (landing, receiver) = watch::channel(None);
                let key = vacant.key().clone();
                vacant.insert(receiver);
                Boarding::Lead(Leader { flights: self, key, landing })
            }
        }
    }

    /// How many are in flight.
    pub(super) fn len(&self) -> usize {
        self.flying.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl<T> Leader<'_, T> {
    /// Gives the answer to everybody who waits; who comes later begins anew.
    pub(super) fn land(self, answer: T) {
        self.landing.send_replace(Some(answer));
    }
}

impl<T> Drop for Leader<'_, T> {
    fn drop(&mut self) {
        self.flights.flying.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

impl<T: Clone> Follower<T> {
    /// The answer; none where the leader died without.
    pub(super) async fn answer(mut self) -> Option<T> {
        self.0.wait_for(Option::is_some).await.ok().and_then(|answer| answer.clone())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    fn key() -> Box<[u8]> {
        Box::from(*b"key")
    }

    #[tokio::test]
    async fn followers_get_the_leaders_answer() {
        let flights = Flights::new();
        let Boarding::Lead(leader) = flights.board(key()) else { panic!("the first leads") };
        let Boarding::Follow(follower) = flights.board(key()) else { panic!("the second follows") };
        assert!(matches!(flights.board(Box::from(*b"other")), Boarding::Lead(_)));
        leader.land(7);
        assert_eq!(follower.answer().await, Some(7));
        assert_eq!(flights.len(), 0);
        assert!(matches!(flights.board(key()), Boarding::Lead(_)), "landed: a new flight");
    }

    #[tokio::test]
    async fn a_leader_that_dies_strands_nobody() {
        let flights = Flights::<u8>::new();
        let Boarding::Lead(leader) = flights.board(key()) else { panic!("the first leads") };
        let Boarding::Follow(follower) = flights.board(key()) else { panic!("the second follows") };
        drop(leader);
        assert_eq!(follower.answer().await, None);
        assert!(matches!(flights.board(key()), Boarding::Lead(_)));
    }
}
