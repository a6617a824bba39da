//! The OPT record (RFC 6891) and the options that Tern reads: client subnet, cookie, NSID.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::types::Rcode;
use crate::u16_at;

/// Option codes (IANA "DNS EDNS0 Option Codes").
pub mod option {
    /// Name server identifier (RFC 5001).
    pub const NSID: u16 = 3;
    /// Client subnet (RFC 7871).
    pub const CLIENT_SUBNET: u16 = 8;
    /// Cookies (RFC 7873).
    pub const COOKIE: u16 = 10;
    /// TCP keepalive (RFC 7828).
    pub const TCP_KEEPALIVE: u16 = 11;
    /// Padding (RFC 7830).
    pub const PADDING: u16 = 12;
    /// Extended DNS errors (RFC 8914).
    pub const EXTENDED_ERROR: u16 = 15;
}

/// What a query's OPT record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edns<'a> {
    /// The version; anything above 0 is answered with BADVERS (RFC 6891 §6.1.3).
    pub version: u8,
    /// The UDP payload that the asker can take, in octets; values below 512 count as 512.
    pub udp_payload: u16,
    /// The DO bit: the asker wants DNSSEC records (RFC 3225).
    pub dnssec_ok: bool,
    /// The client subnet, where one is given.
    pub client_subnet: Option<ClientSubnet>,
    /// The cookie, where one is given.
    pub cookie: Option<Cookie<'a>>,
    /// Whether the server's identifier is asked for (RFC 5001).
    pub nsid: bool,
}

impl<'a> Edns<'a> {
    /// Reads an OPT record's class, TTL and RDATA.
    ///
    /// # Errors
    /// FORMERR for options that overrun the record, for a malformed client subnet or cookie and for two
    /// client subnets. Of several cookies the first counts (RFC 7873 §5.2). The options of a later version
    /// are not looked at.
    pub(crate) fn parse(class: u16, ttl: u32, rdata: &'a [u8]) -> Result<Self, Rcode> {
        let [_, version, flags, _] = ttl.to_be_bytes();
        let mut edns = Self {
            version,
            udp_payload: class.max(512),
            dnssec_ok: flags & 0x80 != 0,
            client_subnet: None,
            cookie: None,
            nsid: false,
        };
        if version > 0 {
            return Ok(edns);
        }
        for option in options(rdata) {
            let (code, data) = option?;
            match code {
                option::CLIENT_SUBNET if edns.client_subnet.is_some() => return Err(Rcode::FORMERR),
                option::CLIENT_SUBNET => edns.client_subnet = Some(ClientSubnet::parse_query(data)?),
                option::COOKIE if edns.cookie.is_none() => edns.cookie = Some(Cookie::parse(data)?),
                option::NSID => edns.nsid = true,
                _ => {}
            }
        }
        Ok(edns)
    }
}

/// The options of an OPT record's RDATA, in order; FORMERR where one overruns it.
pub fn options(rdata: &[u8]) -> impl Iterator<Item = Result<(u16, &[u8]), Rcode>> {
    let mut rest = rdata;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let header = u16_at(rest, 0).zip(u16_at(rest, 2));
        let taken = header.and_then(|(code, length)| {
            let end = 4 + usize::from(length);
            Some((code, rest.get(4..end)?, end))
        });
        match taken {
            Some((code, data, end)) => {
                rest = &rest[end..];
                Some(Ok((code, data)))
            }
            None => {
                rest = &[];
                Some(Err(Rcode::FORMERR))
            }
        }
    })
}

/// The address family of a client subnet (RFC 7871 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// Family 0 with no address: the asker wants no client subnet used (what `dig +subnet=0` sends).
    None,
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// Bits of an address.
    pub(crate) fn bits(self) -> u8 {
        match self {
            Self::None => 0,
            Self::V4 => 32,
            Self::V6 => 128,
        }
    }
}

/// A client subnet option (RFC 7871 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientSubnet {
    /// The address family.
    pub family: Family,
    /// Bits of the address that the asker gives.
    pub source: u8,
    /// Bits of the address for which the answer holds; 0 in queries.
    pub scope: u8,
    octets: [u8; 16],
}

impl ClientSubnet {
    /// The subnet of the first `source` bits of `address`, scope 0; longer than the family clamps.
    pub fn new(address: IpAddr, source: u8) -> Self {
        let (family, mut octets) = match address {
            IpAddr::V4(v4) => {
                let mut octets = [0; 16];
                octets[..4].copy_from_slice(&v4.octets());
                (Family::V4, octets)
            }
            IpAddr::V6(v6) => (Family::V6, v6.octets()),
        };
        let source = source.min(family.bits());
        zero_beyond(&mut octets, source);
        Self { family, source, scope: 0, octets }
    }

    /// The address, zero beyond `source`; none for source 0, by which the asker declines (RFC 7871 §7.1.2).
    pub fn address(&self) -> Option<IpAddr> {
        if self.source == 0 {
            return None;
        }
        match self.family {
            Family::None => None,
            Family::V4 => {
                let [a, b, c, d, ..] = self.octets;
                Some(Ipv4Addr::new(a, b, c, d).into())
            }
            Family::V6 => Some(Ipv6Addr::from(self.octets).into()),
        }
    }

    /// Reads the option of a query.
    ///
    /// # Errors
    /// FORMERR where the family is unknown, the source longer than the family, the address not exactly
    /// as many octets as the source takes, a bit set beyond the source, or the scope not 0.
    fn parse_query(data: &[u8]) -> Result<Self, Rcode> {
        Self::parse(data).filter(|subnet| subnet.scope == 0).ok_or(Rcode::FORMERR)
    }

    /// Reads the option of a query or a response; nothing where it is malformed.
    pub fn parse(data: &[u8]) -> Option<Self> {
        let (head, address) = data.split_at_checked(4)?;
        let (source, scope) = (head[2], head[3]);
        let family = match u16_at(head, 0)? {
            0 => Family::None,
            1 => Family::V4,
            2 => Family::V6,
            _ => return None,
        };
        if source.max(scope) > family.bits() || address.len() != usize::from(source.div_ceil(8)) {
            return None;
        }
        let mut octets = [0; 16];
        octets[..address.len()].copy_from_slice(address);
        let mut zeroed = octets;
        zero_beyond(&mut zeroed, source);
        (octets == zeroed).then_some(Self { family, source, scope, octets })
    }

    /// Octets that the option takes in an OPT record, its code and length included.
    pub(crate) fn wire_len(&self) -> usize {
        8 + usize::from(self.source.min(self.family.bits()).div_ceil(8))
    }

    /// The option's data: family, source, scope, address. The first [`Self::wire_len`] − 4 octets count.
    pub(crate) fn data(&self) -> [u8; 20] {
        let family = match self.family {
            Family::None => 0,
            Family::V4 => 1,
            Family::V6 => 2,
        };
        let mut data = [0; 20];
        data[1] = family;
        data[2] = self.source;
        data[3] = self.scope;
        data[4..].copy_from_slice(&self.octets);
        data
    }
}

fn zero_beyond(octets: &mut [u8; 16], bits: u8) {
    let kept = u128::from_be_bytes(*octets) & !u128::MAX.checked_shr(u32::from(bits)).unwrap_or(0);
    *octets = kept.to_be_bytes();
}

/// A cookie option (RFC 7873 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cookie<'a> {
    /// The client's eight octets.
    pub client: [u8; 8],
    /// The server's 8 to 32 octets, empty where the client has none yet.
    pub server: &'a [u8],
}

impl<'a> Cookie<'a> {
    /// Reads the option.
    ///
    /// # Errors
    /// FORMERR for a length that is neither 8 nor 16 to 40 octets (RFC 7873 §5.2.2).
    fn parse(data: &'a [u8]) -> Result<Self, Rcode> {
        match data.split_first_chunk() {
            Some((client, server)) if matches!(server.len(), 0 | 8..=32) => {
                Ok(Self { client: *client, server })
            }
            _ => Err(Rcode::FORMERR),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;
