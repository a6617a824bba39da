//! One RRset as the caches hold it: records of one name and type, which live and die together
//! (RFC 2181 §5).

use std::collections::HashSet;
use std::net::IpAddr;

use wire::{Name, Record, Rtype};

use crate::clock::Moment;

/// The records of one name and type, class IN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rrset {
    /// Whose records they are.
    pub owner: Name,
    /// Their type.
    pub rtype: Rtype,
    /// When they may no longer be used.
    pub expires: Moment,
    /// Each record's data in wire form, names uncompressed, behind two octets of length.
    data: Box<[u8]>,
}

impl Rrset {
    /// Takes records of one name and type, each datum once; their lowest TTL counts (RFC 2181 §5.2),
    /// capped at `max_ttl` seconds. None without records.
    pub fn new<'a>(records: impl IntoIterator<Item = &'a Record>, now: Moment, max_ttl: u32) -> Option<Self> {
        let mut records = records.into_iter();
        let first = records.next()?;
        let (mut data, mut ttl) = (Vec::with_capacity(2 + first.rdata.len()), max_ttl);
        let mut seen = HashSet::new();
        push(&mut data, &first.rdata);
        ttl = ttl.min(sane(first.ttl));
        for record in records {
            ttl = ttl.min(sane(record.ttl));
            if seen.is_empty() {
                seen.insert(&*first.rdata);
            }
            if seen.insert(&record.rdata) {
                push(&mut data, &record.rdata);
            }
        }
        Some(Self {
            owner: first.owner.clone(),
            rtype: first.rtype,
            expires: now.plus_secs(ttl),
            data: data.into(),
        })
    }

    /// Seconds that it may still be kept, rounded up.
    pub fn ttl(&self, now: Moment) -> u32 {
        now.secs_until(self.expires)
    }

    /// The same RRset, to expire no later than in `secs` from `now`.
    pub fn capped(mut self, now: Moment, secs: u32) -> Self {
        self.expires = self.expires.min(now.plus_secs(secs));
        self
    }

    /// The records' data.
    pub fn rdatas(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = &*self.data;
        std::iter::from_fn(move || {
            let (length, tail) = rest.split_first_chunk::<2>()?;
            let (rdata, tail) = tail.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
            rest = tail;
            Some(rdata)
        })
    }

    /// The name that the first record's data is: where an alias points.
    pub fn target(&self) -> Option<Name> {
        self.rdatas().next().and_then(|rdata| Name::from_wire(rdata).ok())
    }

    /// The addresses of A and AAAA records.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.rdatas().filter_map(|rdata| address(self.rtype, rdata))
    }

    /// The last field of an SOA record: how long a negative answer holds, in seconds (RFC 2308 §4).
    pub fn soa_minimum(&self) -> Option<u32> {
        let rdata = self.rdatas().next()?;
        rdata.last_chunk::<4>().map(|octets| sane(u32::from_be_bytes(*octets)))
    }

    /// Octets that it holds in memory.
    pub fn size(&self) -> usize {
        size_of::<Self>() + self.owner.as_wire().len() + self.data.len()
    }
}

/// The address that an A or AAAA record's data is.
pub(crate) fn address(rtype: Rtype, rdata: &[u8]) -> Option<IpAddr> {
    match rtype {
        Rtype::A => <[u8; 4]>::try_from(rdata).ok().map(IpAddr::from),
        Rtype::AAAA => <[u8; 16]>::try_from(rdata).ok().map(IpAddr::from),
        _ => None,
    }
}

/// A TTL with its highest bit set counts as zero (RFC 2181 §8).
fn sane(ttl: u32) -> u32 {
    if ttl > i32::MAX as u32 { 0 } else { ttl }
}

fn push(data: &mut Vec<u8>, rdata: &[u8]) {
    // Data came out of a message: its length has two octets. Decompressed it may be longer; such a
    // record could not be served, and is left out.
    if let Ok(length) = u16::try_from(rdata.len()) {
        data.extend_from_slice(&length.to_be_bytes());
        data.extend_from_slice(rdata);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn a(last: u8, ttl: u32) -> Record {
        Record {
            owner: "www.example.".parse().unwrap(),
            rtype: Rtype::A,
            class: wire::Class::IN,
            ttl,
            rdata: Box::new([192, 0, 2, last]),
        }
    }

    #[test]
    fn records_come_once_with_the_lowest_ttl() {
        let records = [a(1, 300), a(2, 60), a(1, 300)];
        let set = Rrset::new(&records, Moment::from_millis(500), 86_400).unwrap();
        assert_eq!(set.addresses().map(|ip| ip.to_string()).collect::<Vec<_>>(), ["192.0.2.1", "192.0.2.2"]);
        assert_eq!(set.expires, Moment::from_millis(60_500));
        assert_eq!(set.ttl(Moment::from_millis(900)), 60, "rounded up");
        assert_eq!(set.ttl(Moment::from_millis(60_500)), 0);
    }

    #[test]
    fn ttls_are_capped_and_the_highest_bit_means_zero() {
        let now = Moment::START;
        assert_eq!(Rrset::new(&[a(1, 1_000_000)], now, 86_400).unwrap().ttl(now), 86_400);
        assert_eq!(Rrset::new(&[a(1, 0x8000_0000)], now, 86_400).unwrap().ttl(now), 0);
        assert_eq!(Rrset::new(&[], now, 86_400), None);
    }
}
