//! Whole messages, read record by record, names decompressed: responses on the slow path.

use std::fmt;

use crate::name::{Name, NameError};
use crate::query::flag;
use crate::types::{Class, Opcode, Rcode, Rtype};
use crate::{HEADER, rdata, u16_at, u32_at};

/// The sections behind the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Section {
    /// What was asked for.
    Answer = 0,
    /// Who is responsible: delegations, the SOA of a negative answer.
    Authority = 1,
    /// What may help: glue, OPT.
    Additional = 2,
}

/// A record, names uncompressed and case kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// Whose record it is.
    pub owner: Name,
    /// Its type.
    pub rtype: Rtype,
    /// Its class.
    pub class: Class,
    /// How long it may be kept, in seconds.
    pub ttl: u32,
    /// Its data, in wire form, names uncompressed.
    pub rdata: Box<[u8]>,
}

impl Record {
    /// The name that its data is (NS, CNAME, PTR, DNAME), or begins with.
    pub fn target(&self) -> Option<Name> {
        match rdata::parts(self.rtype) {
            [rdata::Part::Name, ..] => Name::read(&self.rdata, 0).ok().map(|(name, _)| name),
            _ => None,
        }
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {} {:02x?}", self.owner, self.ttl, self.class, self.rtype, self.rdata)
    }
}

/// A message with its header and question read; records are read by [`Message::records`].
#[derive(Clone, Debug)]
pub struct Message<'a> {
    packet: &'a [u8],
    flags: u16,
    counts: [u16; 3],
    records_at: usize,
    /// The id.
    pub id: u16,
    /// The question's name, type and class; none where the message has no question.
    pub question: Option<(Name, Rtype, Class)>,
}

impl<'a> Message<'a> {
    /// Reads header and question.
    ///
    /// # Errors
    /// Where the packet ends early, a name is bad, or there is more than one question.
    pub fn parse(packet: &'a [u8]) -> Result<Self, NameError> {
        let word = |index: usize| u16_at(packet, 2 * index).ok_or(NameError::Truncated);
        let counts = [word(3)?, word(4)?, word(5)?];
        let (question, records_at) = match word(2)? {
            0 => (None, HEADER),
            1 => {
                let (name, at) = Name::read(packet, HEADER)?;
                let numbers = u16_at(packet, at).zip(u16_at(packet, at + 2)).ok_or(NameError::Truncated)?;
                (Some((name, Rtype(numbers.0), Class(numbers.1))), at + 4)
            }
            _ => return Err(NameError::Truncated),
        };
        Ok(Self { packet, flags: word(1)?, counts, records_at, id: word(0)?, question })
    }

    /// QR: a response.
    pub fn is_response(&self) -> bool {
        self.flags & flag::QR != 0
    }

    /// AA: from a zone that the server holds.
    pub fn is_authoritative(&self) -> bool {
        self.flags & flag::AA != 0
    }

    /// TC: there is more over TCP.
    pub fn is_truncated(&self) -> bool {
        self.flags & flag::TC != 0
    }

    /// RA: the server recurses.
    pub fn recursion_available(&self) -> bool {
        self.flags & flag::RA != 0
    }

    /// The operation.
    pub fn opcode(&self) -> Opcode {
        Opcode((self.flags >> 11) as u8 & 0xF)
    }

    /// The header's four bits of the response code; the OPT record has the other eight.
    pub fn header_rcode(&self) -> Rcode {
        Rcode(self.flags & 0xF)
    }

    /// Records that the header announces, by section.
    pub fn counts(&self) -> [u16; 3] {
        self.counts
    }

    /// The records in order, OPT among them; ends at the first that can't be read, with its error.
    pub fn records(&self) -> impl Iterator<Item = Result<(Section, Record), NameError>> {
        let sections = [Section::Answer, Section::Authority, Section::Additional];
        let mut at = self.records_at;
        let mut broken = false;
        sections
            .into_iter()
            .zip(self.counts)
            .flat_map(|(section, count)| std::iter::repeat_n(section, usize::from(count)))
            .map_while(move |section| {
                if broken {
                    return None;
                }
                Some(match read_record(self.packet, at) {
                    Ok((record, next)) => {
                        at = next;
                        Ok((section, record))
                    }
                    Err(error) => {
                        broken = true;
                        Err(error)
                    }
                })
            })
    }
}

fn read_record(packet: &[u8], at: usize) -> Result<(Record, usize), NameError> {
    let (owner, at) = Name::read(packet, at)?;
    let numbers = || {
        let (rtype, class) = u16_at(packet, at).zip(u16_at(packet, at + 2))?;
        let (ttl, length) = u32_at(packet, at + 4).zip(u16_at(packet, at + 8))?;
        Some((Rtype(rtype), Class(class), ttl, usize::from(length)))
    };
    let (rtype, class, ttl, length) = numbers().ok_or(NameError::Truncated)?;
    let (start, end) = (at + 10, at + 10 + length);
    let mut rdata = Vec::with_capacity(length);
    rdata::expand(packet, rtype, start, end, &mut rdata)?;
    Ok((Record { owner, rtype, class, ttl, rdata: rdata.into() }, end))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;
