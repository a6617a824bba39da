//! Answers below a DNAME (RFC 6672): they depend on the whole question, so none stands ready. This is
//! the slow path; it allocates.

use wire::{
    Ask, Message, Name, Owner, Query, Rcode, Record, Reply, Rtype, Section, Template, TemplateBuilder,
};
use wire::{TemplateRef, TooLong};

use crate::chain::MAX_CHAIN;
use crate::compiled::{CompiledZone, Renaming};

impl CompiledZone {
    /// Writes the answer to a question for which [`CompiledZone::find`] says
    /// [`Found::Dname`](crate::Found::Dname): each DNAME
    /// with the CNAME that it makes of the name (RFC 6672 §3.1), then what the last name leads to. The
    /// answer is authoritative. The response code is YXDOMAIN where a new name would be too long (§2.2).
    ///
    /// # Errors
    /// [`TooLong`], where all that does not fit into a message.
    pub fn compose(&self, qname: &Name, qtype: Rtype) -> Result<(Rcode, Template), TooLong> {
        let mut composer = Composer { zone: self, names: vec![qname.clone()], records: Vec::new() };
        let rcode = composer.follow(qtype);
        let mut builder = TemplateBuilder::new(qname);
        for (section, record) in &composer.records {
            builder.push(*section, Owner::Name(&record.owner), record.rtype, record.ttl, &record.rdata)?;
        }
        Ok((rcode, builder.finish()))
    }
}

struct Composer<'z> {
    zone: &'z CompiledZone,
    /// The question and what it was renamed to.
    names: Vec<Name>,
    records: Vec<(Section, Record)>,
}

impl Composer<'_> {
    /// Follows the question's name until it needs no other; returns the response code.
    fn follow(&mut self, qtype: Rtype) -> Rcode {
        while let Some(name) = self.names.last().cloned() {
            let folded = name.folded();
            let found = self.zone.find(&folded, qtype);
            if let Some(template) = found.template() {
                self.copy(&name, qtype, template);
                return found.rcode();
            }
            let next = match self.zone.renaming(&folded, qtype) {
                Renaming::Chain(chain) => {
                    self.copy(&name, qtype, chain);
                    self.records.last().and_then(|(_, last)| last.target())
                }
                Renaming::Dname(dname) => match self.rename(&name, dname) {
                    Some(next) => Some(next),
                    None => return Rcode::YXDOMAIN,
                },
                Renaming::None => None,
            };
            let next =
                next.filter(|next| next.is_at_or_below(self.zone.apex()) && !self.names.contains(next));
            match next {
                Some(next) if self.names.len() < MAX_CHAIN => self.names.push(next),
                _ => break,
            }
        }
        Rcode::NOERROR
    }

    /// Adds the DNAME and the CNAME that it makes of `name`; none if the new name is too long.
    fn rename(&mut self, name: &Name, dname: TemplateRef<'_>) -> Option<Name> {
        // The DNAME's template has it as the question's: ask each name above until it fits its length.
        let owner = std::iter::successors(name.parent(), Name::parent)
            .find(|above| above.as_wire().len() == usize::from(dname.anchor_len))?;
        let read = read_back(&owner, Rtype::DNAME, dname);
        let (_, record) = read.into_iter().find(|(_, record)| record.rtype == Rtype::DNAME)?;
        let (ttl, target) = (record.ttl, record.target()?);
        self.add(Section::Answer, record);
        let prefix = &name.as_wire()[..name.as_wire().len() - owner.as_wire().len()];
        let next = Name::from_wire(&[prefix, target.as_wire()].concat()).ok()?;
        let (owner, rdata) = (name.clone(), next.as_wire().into());
        let cname = Record { owner, rtype: Rtype::CNAME, class: wire::Class::IN, ttl, rdata };
        self.add(Section::Answer, cname);
        Some(next)
    }

    fn copy(&mut self, name: &Name, qtype: Rtype, template: TemplateRef<'_>) {
        for (section, record) in read_back(name, qtype, template) {
            self.add(section, record);
        }
    }

    /// Adds a record, unless an earlier name has brought it already.
    fn add(&mut self, section: Section, record: Record) {
        let added = (section, record);
        if !self.records.contains(&added) {
            self.records.push(added);
        }
    }
}

/// The records of an answer, names decompressed: the message is written and read.
fn read_back(name: &Name, qtype: Rtype, template: TemplateRef<'_>) -> Vec<(Section, Record)> {
    let mut packet = Vec::new();
    let mut ask = Ask::new(0, name, qtype);
    ask.edns = false;
    ask.write(&mut packet);
    let Ok(query) = Query::parse(&packet) else { return Vec::new() };
    let mut buffer = vec![0; usize::from(u16::MAX)];
    let mut reply = Reply::to(&query, &mut buffer, usize::from(u16::MAX));
    reply.template(template, 0);
    let length = reply.finish();
    let Ok(message) = Message::parse(&buffer[..length]) else { return Vec::new() };
    message.records().map_while(Result::ok).collect()
}
