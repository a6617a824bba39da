//! Whole answers in wire form, shared by all workers.

use std::sync::Arc;

use wire::{Name, Owner, Query, Rcode, Reply, Rtype, Section, Template, TemplateBuilder, TooLong};

use super::{Bounded, Usage};
use crate::clock::Moment;
use crate::iterator::{Limits, Resolution};

/// Octets of a key at the most: a name, a type, flags.
const LONGEST: usize = 255 + 3;
const DNSSEC_OK: u8 = 1;
const CHECKING_DISABLED: u8 = 2;

/// What an answer is for: the question with its case folded, and the flags that change answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerKey<'a> {
    /// The name, folded, in wire form.
    pub name: &'a [u8],
    /// The type.
    pub rtype: Rtype,
    /// DO and CD.
    pub(super) flags: u8,
}

impl<'a> AnswerKey<'a> {
    /// The key of a query.
    pub fn of(query: &'a Query<'_>) -> Self {
        let dnssec_ok = if query.dnssec_ok() { DNSSEC_OK } else { 0 };
        let checking_disabled = if query.checking_disabled { CHECKING_DISABLED } else { 0 };
        let question = &query.question;
        Self { name: question.name.as_wire(), rtype: question.rtype, flags: dnssec_ok | checking_disabled }
    }

    /// The key of a question without flags.
    #[cfg(test)]
    pub(super) fn plain(name: &'a wire::Folded, rtype: Rtype) -> Self {
        Self { name: name.as_wire(), rtype, flags: 0 }
    }

    /// The key in one piece.
    pub fn to_octets(self) -> Box<[u8]> {
        (*self.write(&mut [0; LONGEST])).into()
    }

    /// The key in one piece, in `buffer`.
    fn write(self, buffer: &mut [u8; LONGEST]) -> &[u8] {
        let length = self.name.len().min(LONGEST - 3);
        let [high, low] = self.rtype.0.to_be_bytes();
        buffer[..length].copy_from_slice(&self.name[..length]);
        buffer[length..length + 3].copy_from_slice(&[high, low, self.flags]);
        &buffer[..length + 3]
    }
}

/// One answer, ready to be copied.
#[derive(Debug)]
pub struct Answer {
    key: Box<[u8]>,
    rcode: Rcode,
    template: Template,
    /// When it was written, in seconds of the clock, and for how many seconds it holds.
    stored: u32,
    ttl: u32,
}

impl Answer {
    /// Puts what the iterator found into wire form for the question `name`.
    pub fn new(
        key: AnswerKey<'_>,
        name: &Name,
        resolution: &Resolution,
        now: Moment,
        limits: &Limits,
    ) -> Self {
        let (template, rcode, ttl) = match template(name, resolution, now) {
            Ok(template) => (template, resolution.rcode(), resolution.ttl(now, limits)),
            Err(TooLong) => (Template::empty(), Rcode::SERVFAIL, limits.failure_ttl),
        };
        Self { key: key.to_octets(), rcode, template, stored: now.as_secs(), ttl }
    }

    /// Whether it may still be given at `now`, in seconds of the clock.
    pub fn is_live(&self, now: u32) -> bool {
        self.age(now) < self.ttl
    }

    /// Writes it, its TTLs lowered by its age.
    pub fn write(&self, reply: &mut Reply<'_>, now: u32) {
        reply.set_rcode(self.rcode);
        reply.template(self.template.as_ref(), self.age(now));
    }

    /// The response code.
    pub fn rcode(&self) -> Rcode {
        self.rcode
    }

    /// Octets that it holds in memory.
    pub fn size(&self) -> usize {
        size_of::<Self>() + self.key.len() + self.template.size()
    }

    pub(super) fn is_for(&self, key: AnswerKey<'_>) -> bool {
        let [high, low] = key.rtype.0.to_be_bytes();
        match self.key.split_last_chunk::<3>() {
            Some((name, tail)) => *tail == [high, low, key.flags] && name == key.name,
            None => false,
        }
    }

    fn age(&self, now: u32) -> u32 {
        // The workers' clock may be a tick behind the one that wrote this.
        now.saturating_sub(self.stored)
    }
}

fn template(name: &Name, resolution: &Resolution, now: Moment) -> Result<Template, TooLong> {
    let mut builder = TemplateBuilder::new(name);
    let answer = resolution.answer.iter().map(|set| (Section::Answer, set));
    let soa = resolution.soa.iter().map(|set| (Section::Authority, set));
    for (section, set) in answer.chain(soa) {
        let owner = if set.owner == *name { Owner::Question } else { Owner::Name(&set.owner) };
        for rdata in set.rdatas() {
            builder.push(section, owner, set.rtype, set.ttl(now), rdata)?;
        }
    }
    Ok(builder.finish())
}

/// The shared cache, bounded in octets.
pub struct Answers(Bounded<Arc<Answer>>);

impl Answers {
    /// An empty cache of at most `capacity` octets.
    pub fn new(capacity: u64) -> Self {
        Self(Bounded::new(capacity, |answer| answer.size()))
    }

    /// The answer to a question, where it may still be given at `now`, in seconds of the clock.
    pub fn find(&self, key: AnswerKey<'_>, now: u32) -> Option<Arc<Answer>> {
        self.0.get(key.write(&mut [0; LONGEST])).filter(|answer| answer.is_live(now))
    }

    /// Keeps an answer that holds for a second at the least.
    pub fn put(&self, answer: &Arc<Answer>) {
        if answer.ttl > 0 {
            self.0.insert(answer.key.clone(), answer.clone());
        }
    }

    /// How full it is.
    pub fn usage(&self) -> Usage {
        self.0.usage()
    }
}
