//! One question, borrowed from its packet and checked whole before anything answers it.

use crate::edns::Edns;
use crate::name::{self, Folded, MAX_NAME};
use crate::types::{Class, Opcode, Rcode, Rtype};
use crate::{HEADER, u16_at, u32_at};

/// Header bits (RFC 1035 §4.1.1, RFC 4035 §3).
pub(crate) mod flag {
    pub(crate) const QR: u16 = 0x8000;
    pub(crate) const AA: u16 = 0x0400;
    pub(crate) const TC: u16 = 0x0200;
    pub(crate) const RD: u16 = 0x0100;
    pub(crate) const RA: u16 = 0x0080;
    pub(crate) const CD: u16 = 0x0010;
}

/// The question of a query: its name folded for look-ups; its wire form, case kept, for the reply.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Name, type and class as they stand in the packet.
    pub wire: &'a [u8],
    /// The name, folded.
    pub name: Folded,
    /// The type asked for.
    pub rtype: Rtype,
    /// The class asked for.
    pub class: Class,
}

/// A standard query (opcode QUERY), read and checked.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// The asker's id.
    pub id: u16,
    /// RD: the asker wants recursion.
    pub recursion_desired: bool,
    /// CD: the asker validates by itself (RFC 4035 §3.2.2).
    pub checking_disabled: bool,
    /// The one question.
    pub question: Question<'a>,
    /// The OPT record, where there is one; its version is 0.
    pub edns: Option<Edns<'a>>,
    /// The packet whole.
    pub packet: &'a [u8],
}

/// Why a packet is no query that anything could answer.
#[derive(Clone, Copy, Debug)]
pub enum Malformed<'a> {
    /// Shorter than a header, or a response: silence, or two servers could answer each other for ever.
    Silent,
    /// The protocol's own error, to be sent by [`Reply::fault`](crate::Reply::fault).
    Answer(Fault<'a>),
}

/// An error answer to a packet that is no good query.
#[derive(Clone, Copy, Debug)]
pub struct Fault<'a> {
    /// The packet's id.
    pub id: u16,
    /// The packet's opcode, sent back with the error.
    pub opcode: Opcode,
    /// RD, sent back with the error.
    pub recursion_desired: bool,
    /// The error.
    pub rcode: Rcode,
    /// The question, where it could be read.
    pub question: Option<&'a [u8]>,
    /// Whether to send an OPT record: the packet had one, as far as it could be read.
    pub edns: bool,
}

impl<'a> Query<'a> {
    /// Reads a packet.
    ///
    /// # Errors
    /// Silence for what is shorter than a header and for responses; NOTIMP for an opcode other than
    /// QUERY; BADVERS for an EDNS version above 0 (RFC 6891 §6.1.3); FORMERR for anything but exactly one
    /// question (RFC 9619), for records where a query has none, for records or options that overrun, for
    /// a malformed client subnet or cookie, for a second OPT and for octets behind the message.
    pub fn parse(packet: &'a [u8]) -> Result<Self, Malformed<'a>> {
        let word = |index: usize| u16_at(packet, 2 * index).ok_or(Malformed::Silent);
        let (id, flags) = (word(0)?, word(1)?);
        let counts = [word(2)?, word(3)?, word(4)?, word(5)?];
        if flags & flag::QR != 0 {
            return Err(Malformed::Silent);
        }
        let mut fault = Fault {
            id,
            opcode: Opcode((flags >> 11) as u8 & 0xF),
            recursion_desired: flags & flag::RD != 0,
            rcode: Rcode::FORMERR,
            question: None,
            edns: false,
        };
        if fault.opcode != Opcode::QUERY {
            fault.rcode = Rcode::NOTIMP;
            return Err(Malformed::Answer(fault));
        }
        let question = question(packet).filter(|_| counts[0] == 1).ok_or(Malformed::Answer(fault))?;
        fault.question = Some(question);
        let (name, [a, b, c, d]) = question.split_last_chunk().ok_or(Malformed::Answer(fault))?;
        let (rtype, class) = (Rtype(u16::from_be_bytes([*a, *b])), Class(u16::from_be_bytes([*c, *d])));
        // Only an incremental transfer brings a record of its own: the SOA it has (RFC 1995 §3).
        let authority = u16::from(rtype == Rtype::IXFR);
        if counts[1] != 0 || counts[2] > authority {
            return Err(Malformed::Answer(fault));
        }
        let at = HEADER + question.len();
        let edns = read_records(packet, at, counts[2], counts[3], &mut fault)
            .map_err(|rcode| Malformed::Answer(Fault { rcode, ..fault }))?;
        Ok(Self {
            id,
            recursion_desired: fault.recursion_desired,
            checking_disabled: flags & flag::CD != 0,
            // Folded last: a packet that is refused does not pay for it.
            question: Question { wire: question, name: Folded::of(name), rtype, class },
            edns,
            packet,
        })
    }

    /// The UDP payload that the asker can take, in octets.
    pub fn udp_payload(&self) -> u16 {
        self.edns.map_or(512, |edns| edns.udp_payload)
    }

    /// Whether the asker wants DNSSEC records.
    pub fn dnssec_ok(&self) -> bool {
        self.edns.is_some_and(|edns| edns.dnssec_ok)
    }
}

/// The question behind the header. Its name can't be compressed: nothing stands before it.
fn question(packet: &[u8]) -> Option<&[u8]> {
    let length = name::check(packet.get(HEADER..)?).ok()?;
    packet.get(HEADER..HEADER + length + 4)
}

/// Walks the records behind the question and finds the OPT record.
fn read_records<'a>(
    packet: &'a [u8],
    mut at: usize,
    authority: u16,
    additional: u16,
    fault: &mut Fault<'a>,
) -> Result<Option<Edns<'a>>, Rcode> {
    let mut edns = None;
    for index in 0..u32::from(authority) + u32::from(additional) {
        let owner_is_root = packet.get(at) == Some(&0);
        at = match owner_is_root {
            true => at + 1,
            false => name::expand(packet, at, &mut [0; MAX_NAME]).map_err(|_| Rcode::FORMERR)?.1,
        };
        let (rtype, class) = u16_at(packet, at).zip(u16_at(packet, at + 2)).ok_or(Rcode::FORMERR)?;
        let (ttl, length) = u32_at(packet, at + 4).zip(u16_at(packet, at + 8)).ok_or(Rcode::FORMERR)?;
        let rdata = packet.get(at + 10..at + 10 + usize::from(length)).ok_or(Rcode::FORMERR)?;
        at += 10 + rdata.len();
        if rtype == Rtype::OPT.0 {
            fault.edns = true;
            if !owner_is_root || edns.is_some() || index < u32::from(authority) {
                return Err(Rcode::FORMERR);
            }
            edns = Some(Edns::parse(class, ttl, rdata)?);
        }
    }
    match edns {
        _ if at != packet.len() => Err(Rcode::FORMERR),
        Some(Edns { version: 1.., .. }) => Err(Rcode::BADVERS),
        edns => Ok(edns),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;
