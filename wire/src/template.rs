//! Answers that stand ready in wire form.
//!
//! A template holds everything behind the question: records with names compressed, and where the
//! TTLs stand. It is built for an *anchor*: the question's name itself, or a name above it (the apex,
//! for a negative answer that serves every name below). Pointers count as if the anchor were the
//! question; [`Reply`](crate::Reply) moves them when the question is longer. So one template serves
//! many questions, and serving is a copy and few patches.

use std::collections::HashMap;
use std::fmt;

use crate::HEADER;
use crate::message::Section;
use crate::name::{Name, suffix_matches};
use crate::rdata::{self, Part};
use crate::types::{Class, Rtype};

/// More records than a message of 65,535 octets holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the records do not fit into a message of 65,535 octets")
    }
}

impl std::error::Error for TooLong {}

/// An answer that stands ready, owned.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Template {
    body: Box<[u8]>,
    ttls: Box<[u16]>,
    pointers: Box<[u16]>,
    counts: [u16; 3],
    additional_at: u16,
    anchor_len: u8,
}

/// An answer that stands ready, borrowed: from a [`Template`], or from an arena of many.
#[derive(Clone, Copy, Debug)]
pub struct TemplateRef<'a> {
    /// The records in wire form.
    pub body: &'a [u8],
    /// Offsets into `body` of the TTLs.
    pub ttls: &'a [u16],
    /// Offsets into `body` of the pointers that move with the question's length.
    pub pointers: &'a [u16],
    /// Records in the answer, authority and additional section.
    pub counts: [u16; 3],
    /// Where the additional section begins in `body`.
    pub additional_at: u16,
    /// Octets of the anchor's wire form.
    pub anchor_len: u8,
}

impl Template {
    /// An answer without records.
    pub fn empty() -> Self {
        TemplateBuilder::new(&Name::root()).finish()
    }

    /// Borrows it.
    pub fn as_ref(&self) -> TemplateRef<'_> {
        TemplateRef {
            body: &self.body,
            ttls: &self.ttls,
            pointers: &self.pointers,
            counts: self.counts,
            additional_at: self.additional_at,
            anchor_len: self.anchor_len,
        }
    }

    /// The lowest TTL in seconds; none without records.
    pub fn min_ttl(&self) -> Option<u32> {
        self.ttls.iter().filter_map(|&at| crate::u32_at(&self.body, usize::from(at))).min()
    }

    /// Octets that it holds in memory, for caches that are bounded by them.
    pub fn size(&self) -> usize {
        size_of::<Self>() + self.body.len() + 2 * (self.ttls.len() + self.pointers.len())
    }
}

/// Whose record it is.
#[derive(Clone, Copy, Debug)]
pub enum Owner<'a> {
    /// The question's own name, however long: what a wildcard becomes (RFC 4592 §3.3.1).
    Question,
    /// This name.
    Name(&'a Name),
}

/// Writes a [`Template`]; sections in the order answer, authority, additional.
pub struct TemplateBuilder {
    anchor: Box<[u8]>,
    body: Vec<u8>,
    ttls: Vec<u16>,
    pointers: Vec<u16>,
    counts: [u16; 3],
    additional_at: Option<usize>,
    /// Names written so far, folded, and where they stand.
    seen: HashMap<Box<[u8]>, u16>,
}

impl TemplateBuilder {
    /// Begins an answer for the question `anchor`, or for every question at or below it.
    pub fn new(anchor: &Name) -> Self {
        Self {
            anchor: anchor.as_wire().into(),
            body: Vec::new(),
            ttls: Vec::new(),
            pointers: Vec::new(),
            counts: [0; 3],
            additional_at: None,
            seen: HashMap::new(),
        }
    }

    /// Appends a record of class IN; `rdata` has its names uncompressed, `ttl` is in seconds.
    ///
    /// # Errors
    /// [`TooLong`]; the builder then is as before the call.
    pub fn push(
        &mut self,
        section: Section,
        owner: Owner<'_>,
        rtype: Rtype,
        ttl: u32,
        rdata: &[u8],
    ) -> Result<(), TooLong> {
        let index = section as usize;
        debug_assert!(self.counts[index + 1..].iter().all(|&count| count == 0), "sections in order");
        let mark = (self.body.len(), self.pointers.len());
        match owner {
            Owner::Question => self.body.extend_from_slice(&[0xC0, HEADER as u8]),
            Owner::Name(name) => self.write_name(name.as_wire()),
        }
        self.body.extend_from_slice(&rtype.0.to_be_bytes());
        self.body.extend_from_slice(&Class::IN.0.to_be_bytes());
        let ttl_at = self.body.len();
        self.body.extend_from_slice(&ttl.to_be_bytes());
        let length_at = self.body.len();
        self.body.extend_from_slice(&[0, 0]);
        self.write_rdata(rtype, rdata);
        let length = u16::try_from(self.body.len() - length_at - 2);
        // The longest question, the header and an OPT record with a cookie must still fit.
        let fits = self.body.len() <= usize::from(u16::MAX) - HEADER - 259 - 128;
        match (length, u16::try_from(ttl_at), fits) {
            (Ok(length), Ok(ttl_at), true) => {
                self.body[length_at..length_at + 2].copy_from_slice(&length.to_be_bytes());
                self.ttls.push(ttl_at);
                self.counts[index] += 1;
                if section == Section::Additional {
                    self.additional_at.get_or_insert(mark.0);
                }
                Ok(())
            }
            _ => {
                self.body.truncate(mark.0);
                self.pointers.truncate(mark.1);
                let end = self.position();
                self.seen.retain(|_, at| usize::from(*at) < end);
                Err(TooLong)
            }
        }
    }

    /// The finished answer.
    pub fn finish(self) -> Template {
        let additional_at = self.additional_at.unwrap_or(self.body.len());
        Template {
            additional_at: u16::try_from(additional_at).unwrap_or(u16::MAX),
            body: self.body.into(),
            ttls: self.ttls.into(),
            pointers: self.pointers.into(),
            counts: self.counts,
            anchor_len: self.anchor.len() as u8,
        }
    }

    /// Where the next octet will stand in a message whose question is the anchor.
    fn position(&self) -> usize {
        HEADER + self.anchor.len() + 4 + self.body.len()
    }

    fn write_rdata(&mut self, rtype: Rtype, rdata: &[u8]) {
        let mut rest = rdata;
        if rdata::compressible(rtype) {
            for part in rdata::parts(rtype) {
                let length = match *part {
                    Part::Octets(count) => count,
                    Part::Text => 1 + usize::from(rest.first().copied().unwrap_or(0)),
                    Part::Name => crate::name::check(rest).unwrap_or(rest.len()),
                };
                let Some((head, tail)) = rest.split_at_checked(length) else { break };
                match part {
                    Part::Name if crate::name::check(head).is_ok() => self.write_name(head),
                    _ => self.body.extend_from_slice(head),
                }
                rest = tail;
            }
        }
        self.body.extend_from_slice(rest);
    }

    /// Writes a name: labels as far as they are new, then a pointer to the longest known suffix.
    fn write_name(&mut self, wire: &[u8]) {
        let mut rest = wire;
        while rest.len() > 1 {
            if let Some(target) = self.find(rest) {
                if let Ok(at) = u16::try_from(self.body.len()) {
                    self.pointers.push(at);
                }
                self.body.extend_from_slice(&(0xC000 | target).to_be_bytes());
                return;
            }
            // A question of up to 255 octets may move this by as many; a pointer has 14 bits.
            if let Ok(at) = u16::try_from(self.position())
                && at < 0x3FFF - 255
            {
                self.seen.insert(rest.to_ascii_lowercase().into(), at);
            }
            let (label, tail) = rest.split_at(1 + usize::from(rest[0]));
            self.body.extend_from_slice(label);
            rest = tail;
        }
        self.body.push(0);
    }

    /// Where this name (not the root) stands already: in the anchor, or in a record before.
    fn find(&self, wire: &[u8]) -> Option<u16> {
        if suffix_matches(&self.anchor, wire) {
            return Some((HEADER + self.anchor.len() - wire.len()) as u16);
        }
        if self.seen.is_empty() {
            return None;
        }
        self.seen.get(wire.to_ascii_lowercase().as_slice()).copied()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;
