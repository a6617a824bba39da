//! What a packet says to the question that was asked, once everything that its sender can't know is
//! left out.

use wire::{Class, Message, Name, NameError, Opcode, Rcode, Record, Rtype, Section};

use super::Limits;
use crate::cache::{Delegation, NameServer};
use crate::clock::Moment;
use crate::rrset::{self, Rrset};

/// Name servers of a referral that are looked at, and that are kept.
const LOOK_AT: usize = 100;
const KEEP: usize = 20;
/// Addresses of one name server that are kept.
const ADDRESSES: usize = 16;

/// The question on the wire.
pub(super) struct Asked<'a> {
    /// Its id.
    pub(super) id: u16,
    /// Its name.
    pub(super) name: &'a Name,
    /// Its type.
    pub(super) rtype: Rtype,
    /// Whether it had an OPT record.
    pub(super) edns: bool,
    /// The zone whose server was asked.
    pub(super) zone: &'a Name,
    /// When that zone's own delegation expires; none for the root, which does not.
    pub(super) zone_expires: Option<Moment>,
}

/// What it says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// It is malformed, or answers another question: the real answer may still come.
    NotOurs,
    /// There is more over TCP.
    Truncated,
    /// The server does not know EDNS.
    NoEdns,
    /// The server does not serve the zone, or fails: ask another.
    Lame,
    /// The RRset asked for ends the chain.
    Answer { chain: Vec<Rrset>, authoritative: bool },
    /// The chain leads to a name that this server can't or did not speak of.
    Alias { chain: Vec<Rrset>, authoritative: bool, target: Name },
    /// The name at the end of the chain has nothing of the type, or does not exist.
    Negative { chain: Vec<Rrset>, authoritative: bool, name: Name, nx_domain: bool, soa: Option<Rrset> },
    /// The zone further down knows.
    Referral(Delegation),
}

/// Reads a packet.
pub(super) fn read(packet: &[u8], asked: &Asked<'_>, now: Moment, limits: &Limits) -> Reading {
    let Some(message) = Message::parse(packet).ok().filter(|message| is_ours(message, asked)) else {
        return Reading::NotOurs;
    };
    if message.is_truncated() {
        return Reading::Truncated;
    }
    let Ok(contents) = Contents::read(&message) else { return Reading::NotOurs };
    match contents.rcode {
        Rcode::NOERROR | Rcode::NXDOMAIN => contents.judge(&message, asked, now, limits),
        Rcode::FORMERR | Rcode::NOTIMP | Rcode::BADVERS if asked.edns => Reading::NoEdns,
        _ => Reading::Lame,
    }
}

/// Reads the answer to a priming query (RFC 8109 §3.3): the root's servers, with what addresses came.
pub(super) fn read_priming(packet: &[u8], now: Moment, limits: &Limits) -> Option<Delegation> {
    let message = Message::parse(packet).ok()?;
    let contents = Contents::read(&message).ok()?;
    contents.delegation(&contents.answer, &Name::root(), &Name::root(), now, limits)
}

/// RFC 5452 §9.1: id and question must match; the socket saw to address and port.
fn is_ours(message: &Message<'_>, asked: &Asked<'_>) -> bool {
    let matching = match &message.question {
        Some((name, rtype, class)) => name == asked.name && *rtype == asked.rtype && *class == Class::IN,
        // Who can't read the question may send an error without it.
        None => matches!(message.header_rcode(), Rcode::FORMERR | Rcode::NOTIMP | Rcode::SERVFAIL),
    };
    message.is_response() && message.id == asked.id && message.opcode() == Opcode::QUERY && matching
}

/// The records by section, class IN only.
struct Contents {
    rcode: Rcode,
    answer: Vec<Record>,
    authority: Vec<Record>,
    additional: Vec<Record>,
}

impl Contents {
    fn read(message: &Message<'_>) -> Result<Self, NameError> {
        let mut contents = Self {
            rcode: message.header_rcode(),
            answer: Vec::new(),
            authority: Vec::new(),
            additional: Vec::new(),
        };
        for record in message.records() {
            let (section, record) = record?;
            if record.rtype == Rtype::OPT {
                contents.rcode.0 |= (record.ttl >> 24 << 4) as u16;
            }
            if record.class != Class::IN || record.rtype.is_meta() {
                continue;
            }
            check_rdata(&record)?;
            match section {
                Section::Answer => contents.answer.push(record),
                Section::Authority => contents.authority.push(record),
                Section::Additional => contents.additional.push(record),
            }
        }
        Ok(contents)
    }

    fn judge(&self, message: &Message<'_>, asked: &Asked<'_>, now: Moment, limits: &Limits) -> Reading {
        let authoritative = message.is_authoritative();
        // A resolver's opinion is no server's answer.
        let hearsay = !authoritative && message.recursion_available();
        let (chain, name, complete) = self.chain(asked, now, limits);
        let in_zone = name.is_at_or_below(asked.zone);
        let soa = if in_zone { self.soa(asked.zone, &name, now, limits) } else { None };
        let nx_domain = self.rcode == Rcode::NXDOMAIN;
        if hearsay && (!chain.is_empty() || nx_domain || soa.is_some()) {
            return Reading::Lame;
        }
        if complete {
            return Reading::Answer { chain, authoritative };
        }
        let mut negative = in_zone && (nx_domain || soa.is_some());
        if !negative && !chain.is_empty() {
            return Reading::Alias { chain, authoritative, target: name };
        }
        if !negative && let Some(delegation) = self.referral(asked, now, limits) {
            if asked.rtype != Rtype::DS || delegation.zone != *asked.name {
                return Reading::Referral(delegation);
            }
            // Who knows nothing of DS refers to the very name: there is none.
            negative = true;
        }
        // RFC 2308 §2.2, type 3: an authoritative answer with nothing in it.
        negative |= authoritative && !self.refers_elsewhere(asked);
        match negative {
            true => Reading::Negative { chain, authoritative, name, nx_domain, soa },
            false => Reading::Lame,
        }
    }

    /// Follows the aliases from the question as far as the zone reaches. Returns them, the name that
    /// they lead to, and whether the RRset asked for ends them.
    fn chain(&self, asked: &Asked<'_>, now: Moment, limits: &Limits) -> (Vec<Rrset>, Name, bool) {
        let (mut chain, mut name) = (Vec::new(), asked.name.clone());
        while name.is_at_or_below(asked.zone) && chain.len() <= limits.restarts {
            let of = |rtype| {
                let name = &name;
                self.answer.iter().filter(move |record| record.rtype == rtype && record.owner == *name)
            };
            if let Some(set) = Rrset::new(of(asked.rtype), now, limits.max_ttl) {
                chain.push(set);
                return (chain, name, true);
            }
            // Of two aliases for one name, which no zone may have, the first counts.
            let alias = Rrset::new(of(Rtype::CNAME).take(1), now, limits.max_ttl);
            let Some((alias, target)) = alias.and_then(|set| set.target().map(|target| (set, target))) else {
                break;
            };
            chain.push(alias);
            name = target;
            if chain.iter().any(|set: &Rrset| set.owner == name) {
                break;
            }
        }
        (chain, name, false)
    }

    /// The SOA of a negative answer: of a zone that this server may speak of and that the name is in.
    fn soa(&self, zone: &Name, name: &Name, now: Moment, limits: &Limits) -> Option<Rrset> {
        let record = self.authority.iter().find(|record| {
            record.rtype == Rtype::SOA
                && record.owner.is_at_or_below(zone)
                && name.is_at_or_below(&record.owner)
        })?;
        let soa = Rrset::new([record], now, limits.max_ttl)?;
        let minimum = soa.soa_minimum().unwrap_or(0);
        Some(soa.capped(now, minimum.min(limits.max_negative_ttl)))
    }

    /// A referral that leads from the zone down towards the name; none else.
    fn referral(&self, asked: &Asked<'_>, now: Moment, limits: &Limits) -> Option<Delegation> {
        let child = self.authority.iter().find(|record| {
            record.rtype == Rtype::NS
                && record.owner != *asked.zone
                && record.owner.is_at_or_below(asked.zone)
                && asked.name.is_at_or_below(&record.owner)
        })?;
        let mut delegation = self.delegation(&self.authority, &child.owner, asked.zone, now, limits)?;
        if let Some(end) = asked.zone_expires {
            delegation.expires = delegation.expires.min(end);
        }
        Some(delegation)
    }

    /// Whether NS records point up or sideways: the server does not serve the zone.
    fn refers_elsewhere(&self, asked: &Asked<'_>) -> bool {
        self.authority
            .iter()
            .any(|record| record.rtype == Rtype::NS && !record.owner.is_at_or_below(asked.zone))
    }

    /// The delegation that the NS records of `child` make, with glue for servers inside `parent`.
    fn delegation(
        &self,
        section: &[Record],
        child: &Name,
        parent: &Name,
        now: Moment,
        limits: &Limits,
    ) -> Option<Delegation> {
        let ours = section.iter().filter(|record| record.rtype == Rtype::NS && record.owner == *child);
        let expires = Rrset::new(ours.clone(), now, limits.max_ttl)?.expires;
        let mut servers: Vec<NameServer> = Vec::new();
        for name in ours.take(LOOK_AT).filter_map(Record::target) {
            if servers.iter().any(|server| server.name == name) {
                continue;
            }
            let inside = name.is_at_or_below(parent);
            let glue = self.additional.iter().filter(|record| inside && record.owner == name);
            let addresses = glue.filter_map(|record| rrset::address(record.rtype, &record.rdata));
            let addresses = addresses.take(ADDRESSES).collect();
            servers.push(NameServer { name, addresses });
        }
        servers.sort_by_key(|server| server.addresses.is_empty());
        servers.truncate(KEEP);
        Some(Delegation { zone: child.clone(), servers, expires })
    }
}

/// Data that the resolver itself reads must be whole.
fn check_rdata(record: &Record) -> Result<(), NameError> {
    let whole = match record.rtype {
        Rtype::A => record.rdata.len() == 4,
        Rtype::AAAA => record.rdata.len() == 16,
        Rtype::NS | Rtype::CNAME => Name::from_wire(&record.rdata).is_ok(),
        // Two names, five numbers: the last says how long a negative answer holds.
        Rtype::SOA => {
            let names = Name::read(&record.rdata, 0).and_then(|(_, at)| Name::read(&record.rdata, at));
            names.is_ok_and(|(_, at)| record.rdata.len() == at + 20)
        }
        _ => true,
    };
    if whole { Ok(()) } else { Err(NameError::Truncated) }
}
