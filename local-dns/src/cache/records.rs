//! RRsets, negative answers and delegations.
//!
//! Delegations are kept apart from answers. What a parent says of a child (NS names and glue) only ever
//! tells where to ask, never answers a question (RFC 2181 §5.4.1); and the child's own NS RRset is an
//! answer like any other and never prolongs the delegation: a name that the parent removed is gone when
//! the parent's TTL has run out (ghost domains). For the same reason a delegation never outlives the one
//! above it.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use wire::{Folded, Name, Rtype};

use super::{Bounded, Usage};
use crate::clock::Moment;
use crate::rrset::Rrset;

/// How long one priming query has the field for itself.
const PRIMING_LEASE_MS: u64 = 5000;

/// How far data is believed (RFC 2181 §5.4.1); less never replaces more while that lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Credibility {
    /// From an answer without AA.
    Answer,
    /// From an answer with AA.
    Authoritative,
}

/// Where a zone's servers are, as its parent says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delegation {
    /// The zone's apex.
    pub zone: Name,
    /// Its servers.
    pub servers: Vec<NameServer>,
    /// When the parent must be asked again.
    pub expires: Moment,
}

/// A name server of a delegation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameServer {
    /// Its name.
    pub name: Name,
    /// Its addresses as glue gives them; none for a server outside the parent's zone.
    pub addresses: Vec<IpAddr>,
}

impl Delegation {
    fn size(&self) -> usize {
        let server = |server: &NameServer| {
            size_of::<NameServer>()
                + server.name.as_wire().len()
                + server.addresses.len() * size_of::<IpAddr>()
        };
        size_of::<Self>() + self.servers.iter().map(server).sum::<usize>()
    }
}

/// What the cache knows of a name and type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// The records asked for.
    Records(Arc<Rrset>),
    /// The name is an alias: its CNAME.
    Alias(Arc<Rrset>),
    /// The name exists without records of the type; the SOA that said so.
    NoData(Arc<Rrset>),
    /// The name does not exist; the SOA that said so.
    NxDomain(Arc<Rrset>),
}

#[derive(Clone, Debug)]
enum Entry {
    Records(Arc<Rrset>, Credibility),
    /// NODATA or NXDOMAIN, by the key it stands under.
    Negative(Arc<Rrset>),
    Delegation(Arc<Delegation>),
}

impl Entry {
    fn size(&self) -> usize {
        match self {
            Self::Records(set, _) | Self::Negative(set) => set.size(),
            Self::Delegation(delegation) => delegation.size(),
        }
    }

    fn expires(&self) -> Moment {
        match self {
            Self::Records(set, _) | Self::Negative(set) => set.expires,
            Self::Delegation(delegation) => delegation.expires,
        }
    }
}

/// What an entry is of: three key spaces that never meet.
#[derive(Clone, Copy)]
enum Space {
    /// A name and type: its RRset, or that there is none.
    Data(Rtype),
    /// A name that does not exist, whatever the type.
    NxDomain,
    /// A zone's delegation.
    Delegation,
}

/// A key on the stack: the folded name and three octets for the space and type.
struct Key {
    octets: [u8; 258],
    len: usize,
}

impl Key {
    fn new(folded: &[u8], space: Space) -> Self {
        let (tag, rtype) = match space {
            Space::Data(rtype) => (0, rtype.0),
            Space::NxDomain => (1, 0),
            Space::Delegation => (2, 0),
        };
        let (mut octets, end) = ([0; 258], folded.len().min(255));
        octets[..end].copy_from_slice(&folded[..end]);
        let [high, low] = rtype.to_be_bytes();
        octets[end..end + 3].copy_from_slice(&[tag, high, low]);
        Self { octets, len: end + 3 }
    }

    fn as_slice(&self) -> &[u8] {
        &self.octets[..self.len]
    }
}

/// The cache of records, bounded in octets, shared by everything that resolves.
pub struct Records {
    entries: Bounded<Entry>,
    root: ArcSwap<Delegation>,
    /// Until when a priming query is under way, in milliseconds.
    priming_until: AtomicU64,
}

impl Records {
    /// An empty cache of at most `capacity` octets that finds the root by `hints`.
    pub fn new(capacity: u64, hints: Vec<NameServer>) -> Self {
        Self {
            entries: Bounded::new(capacity, Entry::size),
            root: ArcSwap::from_pointee(unprimed(hints)),
            priming_until: AtomicU64::new(0),
        }
    }

    /// What is known of `name` and `rtype`: records, else an alias, else that there is nothing.
    pub fn find(&self, name: &Name, rtype: Rtype, now: Moment) -> Option<Known> {
        let folded = name.folded();
        match self.get(folded.as_wire(), Space::Data(rtype), now) {
            Some(Entry::Records(set, _)) => return Some(Known::Records(set)),
            Some(Entry::Negative(soa)) => return Some(Known::NoData(soa)),
            _ => {}
        }
        if rtype != Rtype::CNAME
            && let Some(Entry::Records(set, _)) = self.get(folded.as_wire(), Space::Data(Rtype::CNAME), now)
        {
            return Some(Known::Alias(set));
        }
        match self.get(folded.as_wire(), Space::NxDomain, now) {
            Some(Entry::Negative(soa)) => Some(Known::NxDomain(soa)),
            _ => None,
        }
    }

    /// The delegation closest to `name` that is still good, the root's aside.
    pub fn closest(&self, name: &Folded, now: Moment) -> Option<Arc<Delegation>> {
        name.ancestors().filter(|zone| zone.len() > 1).find_map(|zone| {
            match self.get(zone, Space::Delegation, now) {
                Some(Entry::Delegation(delegation)) => Some(delegation),
                _ => None,
            }
        })
    }

    /// The root's servers: primed, or as the hints have them (then already expired).
    pub fn root(&self) -> Arc<Delegation> {
        self.root.load_full()
    }

    /// Takes what a priming query brought (RFC 8109).
    pub fn set_root(&self, root: Delegation) {
        self.root.store(Arc::new(root));
    }

    /// Begins anew with other hints.
    pub fn set_hints(&self, hints: Vec<NameServer>) {
        self.set_root(unprimed(hints));
    }

    /// Whether the caller is the one to prime now: the root's servers are due, and nobody else is at it.
    pub fn may_prime(&self, now: Moment) -> bool {
        if self.root.load().expires > now {
            return false;
        }
        let until = self.priming_until.load(Ordering::Relaxed);
        let lease = now.as_millis() + PRIMING_LEASE_MS;
        let order = (Ordering::Relaxed, Ordering::Relaxed);
        until <= now.as_millis()
            && self.priming_until.compare_exchange(until, lease, order.0, order.1).is_ok()
    }

    /// Keeps an RRset; one that lives and is more credible stays. What has expired is not kept.
    pub fn put(&self, set: Arc<Rrset>, credibility: Credibility, now: Moment) {
        let key = Key::new(set.owner.folded().as_wire(), Space::Data(set.rtype));
        if credibility < Credibility::Authoritative
            && let Some(Entry::Records(old, rank)) = self.entries.get(key.as_slice())
            && old.expires > now
            && rank > credibility
        {
            return;
        }
        self.insert(key, Entry::Records(set, credibility), now);
    }

    /// Keeps that `name` has no records of `rtype`, as long as `soa` lives (RFC 2308 §5).
    pub fn put_no_data(&self, name: &Name, rtype: Rtype, soa: Arc<Rrset>, now: Moment) {
        self.insert(Key::new(name.folded().as_wire(), Space::Data(rtype)), Entry::Negative(soa), now);
    }

    /// Keeps that `name` does not exist, as long as `soa` lives (RFC 2308 §5).
    pub fn put_nx_domain(&self, name: &Name, soa: Arc<Rrset>, now: Moment) {
        self.insert(Key::new(name.folded().as_wire(), Space::NxDomain), Entry::Negative(soa), now);
    }

    /// Keeps a delegation.
    pub fn put_delegation(&self, delegation: Arc<Delegation>, now: Moment) {
        let key = Key::new(delegation.zone.folded().as_wire(), Space::Delegation);
        self.insert(key, Entry::Delegation(delegation), now);
    }

    /// How full it is.
    pub fn usage(&self) -> Usage {
        self.entries.usage()
    }

    fn get(&self, folded: &[u8], space: Space, now: Moment) -> Option<Entry> {
        self.entries.get(Key::new(folded, space).as_slice()).filter(|entry| entry.expires() > now)
    }

    fn insert(&self, key: Key, entry: Entry, now: Moment) {
        if entry.expires() > now {
            self.entries.insert(key.as_slice().into(), entry);
        }
    }
}

/// The root as hints have it: good enough to ask, and to be asked for.
fn unprimed(hints: Vec<NameServer>) -> Delegation {
    Delegation { zone: Name::root(), servers: hints, expires: Moment::START }
}

#[cfg(test)]
mod tests;
