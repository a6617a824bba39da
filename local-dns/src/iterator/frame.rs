//! One question on the iterator's stack: how far along its aliases it is, and whom it may ask.

use std::net::IpAddr;
use std::sync::Arc;

use rand::RngExt;
use wire::{Name, Rtype};

use super::servers::{self, Stat};
use super::{Failure, Resolution, World};
use crate::cache::{Credibility, Delegation, Known};
use crate::clock::Moment;
use crate::rrset::Rrset;

/// How often one server is asked for one question; a benched one less often.
const TRIES: u8 = 5;
const TRIES_BENCHED: u8 = 2;

/// What an answer is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The asker's own question, or the address of a name server for the question below on the stack.
    Resolve,
    /// The root's servers (RFC 8109).
    Priming,
}

/// Where a question stands.
#[derive(Debug)]
pub(super) enum State {
    /// The current name must be looked up in the cache, and the closest zone found.
    Begin,
    /// Servers of a zone are being asked.
    Asking(Arc<Delegation>),
    /// It has ended.
    Finished(Resolution),
}

/// A server that may be asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub(super) server: IpAddr,
    /// How often it was asked for this question.
    pub(super) tries: u8,
    /// It is lame or broken for this question.
    pub(super) out: bool,
    /// Its answer did not fit into a datagram.
    pub(super) tcp: bool,
}

/// One question.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) purpose: Purpose,
    /// The question as it was first.
    pub(super) question: Name,
    /// The name that the aliases have led to.
    pub(super) name: Name,
    pub(super) rtype: Rtype,
    /// The aliases so far.
    chain: Vec<Arc<Rrset>>,
    pub(super) state: State,
    pub(super) candidates: Vec<Candidate>,
    /// Name servers whose addresses are not known, the next to look up last.
    pub(super) unresolved: Vec<(Name, Rtype)>,
    /// The candidate to ask again at once: over TCP, or without EDNS.
    pub(super) again: Option<usize>,
}

impl Frame {
    pub(super) fn new(name: Name, rtype: Rtype) -> Self {
        Self {
            purpose: Purpose::Resolve,
            question: name.clone(),
            name,
            rtype,
            chain: Vec::new(),
            state: State::Begin,
            candidates: Vec::new(),
            unresolved: Vec::new(),
            again: None,
        }
    }

    /// The question for the root's servers, to be asked of those that are known by now.
    pub(super) fn priming(world: &mut World<'_>) -> Self {
        let mut frame = Self::new(Name::root(), Rtype::NS);
        frame.purpose = Purpose::Priming;
        frame.enter(world.records.root(), world);
        frame
    }

    /// Ends the question.
    pub(super) fn fail(&mut self, failure: Failure) {
        self.state = State::Finished(Resolution::failed(failure));
    }

    /// Ends the question with the chain so far.
    fn finish(&mut self, nx_domain: bool, soa: Option<Arc<Rrset>>) {
        let answer = std::mem::take(&mut self.chain);
        self.state = State::Finished(Resolution { answer, soa, nx_domain, failure: None });
    }

    /// Goes as far as the cache leads. Afterwards it is finished, or the cache has nothing of its name.
    pub(super) fn follow_cache(&mut self, world: &World<'_>) {
        while matches!(self.state, State::Begin) {
            match world.records.find(&self.name, self.rtype, world.now) {
                Some(Known::Records(set)) => {
                    self.chain.push(set);
                    self.finish(false, None);
                }
                Some(Known::Alias(set)) => {
                    let Some(target) = set.target() else { return };
                    self.chain.push(set);
                    self.alias(target, world);
                }
                Some(Known::NoData(soa)) => self.finish(false, Some(soa)),
                Some(Known::NxDomain(soa)) => self.finish(true, Some(soa)),
                None => return,
            }
        }
    }

    /// Goes on at the target of the alias that now ends the chain.
    fn alias(&mut self, target: Name, world: &World<'_>) {
        self.state = State::Begin;
        if self.chain.iter().any(|set| set.owner == target) {
            self.fail(Failure::AliasLoop);
        } else if self.chain.len() > world.limits.restarts {
            self.fail(Failure::LongChain);
        }
        self.name = target;
    }

    /// Keeps what a server answered, and appends it to the chain.
    fn adopt(&mut self, chain: Vec<Rrset>, authoritative: bool, world: &World<'_>) {
        for (index, set) in chain.into_iter().enumerate() {
            // AA speaks for the first name of an answer only (RFC 2181 §5.4.1).
            let credibility = match authoritative && index == 0 {
                true => Credibility::Authoritative,
                false => Credibility::Answer,
            };
            let set = Arc::new(set);
            world.records.put(set.clone(), credibility, world.now);
            self.chain.push(set);
        }
    }

    /// The answer is here.
    pub(super) fn answered(&mut self, chain: Vec<Rrset>, authoritative: bool, world: &World<'_>) {
        self.adopt(chain, authoritative, world);
        self.finish(false, None);
        if let State::Finished(resolution) = &self.state
            && resolution.answer.len() > world.limits.restarts + 1
        {
            self.fail(Failure::LongChain);
        }
    }

    /// The answer is an alias.
    pub(super) fn aliased(
        &mut self,
        chain: Vec<Rrset>,
        authoritative: bool,
        target: Name,
        world: &World<'_>,
    ) {
        self.adopt(chain, authoritative, world);
        self.alias(target, world);
    }

    /// There is no such name or no such data.
    pub(super) fn denied(
        &mut self,
        (chain, authoritative): (Vec<Rrset>, bool),
        (name, nx_domain): (&Name, bool),
        soa: Option<Rrset>,
        world: &World<'_>,
    ) {
        self.adopt(chain, authoritative, world);
        let soa = soa.map(Arc::new);
        match &soa {
            Some(soa) if nx_domain => world.records.put_nx_domain(name, soa.clone(), world.now),
            Some(soa) => world.records.put_no_data(name, self.rtype, soa.clone(), world.now),
            None => {}
        }
        self.finish(nx_domain, soa);
    }

    /// Begins to ask the servers of a zone.
    pub(super) fn enter(&mut self, cut: Arc<Delegation>, world: &mut World<'_>) {
        self.candidates.clear();
        self.unresolved.clear();
        let servers = &cut.servers;
        let start = if servers.is_empty() { 0 } else { world.rng.random_range(0..servers.len()) };
        for server in servers[start..].iter().chain(&servers[..start]) {
            let before = self.candidates.len();
            self.add_addresses(server.addresses.iter().copied(), world);
            if self.candidates.len() == before {
                self.find_addresses(&server.name, world);
            }
        }
        self.state = State::Asking(cut);
    }

    /// The addresses of a name server that came without usable glue, as far as the cache has them.
    fn find_addresses(&mut self, name: &Name, world: &World<'_>) {
        // The last is looked up first: A before AAAA.
        for (rtype, wanted) in [(Rtype::AAAA, world.families.v6), (Rtype::A, world.families.v4)] {
            if !wanted {
                continue;
            }
            match world.records.find(name, rtype, world.now) {
                Some(Known::Records(set)) => self.add_addresses(set.addresses(), world),
                Some(Known::NoData(_) | Known::NxDomain(_)) => {}
                Some(Known::Alias(_)) | None => self.unresolved.push((name.clone(), rtype)),
            }
        }
    }

    /// Takes servers' addresses, each once and only where it can be reached.
    fn add_addresses(&mut self, addresses: impl Iterator<Item = IpAddr>, world: &World<'_>) {
        for server in addresses.filter(|address| world.families.reach(*address)) {
            if self.candidates.iter().all(|candidate| candidate.server != server) {
                self.candidates.push(Candidate { server, tries: 0, out: false, tcp: false });
            }
        }
    }

    /// Takes what a question for a name server's address brought.
    pub(super) fn take_addresses(&mut self, found: (&Name, &Resolution), world: &World<'_>) {
        let (name, resolution) = found;
        if resolution.nx_domain {
            self.unresolved.retain(|(other, _)| other != name);
        }
        if let Some(set) = resolution.answer.last() {
            self.add_addresses(set.addresses(), world);
        }
    }

    /// Chooses the candidate to ask next.
    pub(super) fn choose(&mut self, world: &mut World<'_>) -> Option<usize> {
        if let Some(again) = self.again.take() {
            return Some(again);
        }
        let may = |candidate: &Candidate, stat: &Stat, now: Moment| {
            let tries = if stat.is_benched(now) { TRIES_BENCHED } else { TRIES };
            !candidate.out && candidate.tries < tries
        };
        let usable: Vec<(usize, Stat)> = self
            .candidates
            .iter()
            .enumerate()
            .map(|(index, candidate)| (index, candidate, world.servers.stat(candidate.server)))
            .filter(|(_, candidate, stat)| may(candidate, stat, world.now))
            .map(|(index, _, stat)| (index, stat))
            .collect();
        servers::choose(&usable, world.now, world.rng)
    }
}
