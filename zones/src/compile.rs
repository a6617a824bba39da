//! From a checked zone to ready answers.

use std::collections::HashSet;

use wire::{Class, Name, Owner, Rtype, Section, Template, TemplateBuilder, TooLong};
use xxhash_rust::xxh3::Xxh3;

use crate::chain::{End, Link, chain};
use crate::check::{check, target};
use crate::compiled::{Below, CompiledZone, Kind, OTHERS, Place, Stored};
use crate::problem::{Flaw, Problem, Severity};
use crate::table::Table;
use crate::tree::{APEX, Rrset, Standing, Tree};
use crate::zone::Zone;

impl Zone {
    /// Checks the zone and makes every answer ready. Returns the warnings too.
    ///
    /// # Errors
    /// All problems, if at least one is an error.
    pub fn compile(&self) -> Result<(CompiledZone, Vec<Problem>), Vec<Problem>> {
        let tree = Tree::of(self);
        let problems = check(&tree);
        if problems.iter().any(|problem| problem.severity == Severity::Error) {
            return Err(problems);
        }
        match Compiler::new(&tree).run() {
            Ok(compiled) => Ok((compiled, problems)),
            Err(problem) => Err(vec![problem]),
        }
    }
}

struct Compiler<'t, 'z> {
    tree: &'t Tree<'z>,
    out: CompiledZone,
    /// What a negative answer's authority section holds.
    soa: Soa<'z>,
}

#[derive(Clone, Copy)]
struct Soa<'z> {
    owner: &'z [u8],
    rdata: &'z [u8],
    /// The lower of the SOA's TTL and its MINIMUM (RFC 2308 §5).
    ttl: u32,
}

impl<'t, 'z> Compiler<'t, 'z> {
    fn new(tree: &'t Tree<'z>) -> Self {
        let zone = tree.zone;
        let soa = tree.rrset(APEX, Rtype::SOA).and_then(|rrset| tree.records(rrset).next());
        let (owner, rdata, ttl) =
            soa.map_or((zone.apex.as_wire(), &[][..], 0), |soa| (soa.owner, soa.rdata, soa.ttl));
        // SERIAL REFRESH RETRY EXPIRE MINIMUM end the data.
        let number = |from_end: usize| {
            let at = rdata.len().checked_sub(4 * from_end)?;
            Some(u32::from_be_bytes(rdata.get(at..at + 4)?.try_into().ok()?))
        };
        let soa = Soa { owner, rdata, ttl: ttl.min(number(1).unwrap_or(0)) };
        let nothing = Stored {
            rtype: OTHERS,
            kind: Kind::NoData,
            anchor_len: 0,
            additional_at: 0,
            body_len: 0,
            counts: [0; 3],
            pointers_len: 0,
            body_at: 0,
            pointers_at: 0,
        };
        let out = CompiledZone {
            apex: zone.apex.clone(),
            serial: number(5).unwrap_or(0),
            digest: digest(tree),
            records: zone.len(),
            table: Table::with_capacity(tree.nodes.len()),
            octets: Vec::with_capacity(zone.octets.len() + 12 * zone.len()),
            pointers: Vec::new(),
            answers: Vec::with_capacity(zone.len()),
            negative: nothing,
        };
        Self { tree, out, soa }
    }

    fn run(mut self) -> Result<CompiledZone, Problem> {
        let mut negative = TemplateBuilder::new(&self.tree.zone.apex);
        let pushed = self.push_soa(&mut negative);
        self.out.negative = pushed
            .ok()
            .and_then(|()| self.stored(OTHERS, Kind::NoData, &negative.finish(), true))
            .ok_or_else(|| self.too_long(APEX, Rtype::SOA))?;
        for node in 0..self.tree.nodes.len() as u32 {
            self.node(node)?;
        }
        self.out.octets.shrink_to_fit();
        self.out.pointers.shrink_to_fit();
        self.out.answers.shrink_to_fit();
        Ok(self.out)
    }

    fn node(&mut self, node: u32) -> Result<(), Problem> {
        let tree = self.tree;
        let (name, standing) = (tree.name(node), tree.node(node).standing);
        let name_at = self.out.octets.len();
        self.out.octets.extend_from_slice(name);
        let answers_at = self.out.answers.len();
        match standing {
            Standing::Occluded => {}
            Standing::Cut => self.cut(node)?,
            Standing::Ours => match tree.rrset(node, Rtype::CNAME) {
                Some(_) => self.alias(node)?,
                None => {
                    for rrset in tree.rrsets(node) {
                        self.rrset(node, rrset)?;
                    }
                }
            },
        }
        let below = match tree.rrset(node, Rtype::DNAME) {
            Some(_) => Below::Dname,
            None if tree.node(node).has_wildcard => Below::Wildcard,
            None => Below::Nothing,
        };
        let offsets = (u32::try_from(name_at), u32::try_from(answers_at));
        let (Ok(name_at), Ok(answers_at)) = offsets else { return Err(self.too_long(node, Rtype::ANY)) };
        let answers = (self.out.answers.len() - answers_at as usize) as u16;
        self.out.table.insert(
            &self.out.octets,
            name_at,
            name.len(),
            Place { answers_at, answers, standing, below },
        );
        Ok(())
    }

    /// The answer that is one RRset.
    fn rrset(&mut self, node: u32, rrset: &Rrset) -> Result<(), Problem> {
        if !crate::rdata::has_names(rrset.rtype) {
            return self.plain(node, rrset);
        }
        let (anchor, any_length) = self.anchor(node);
        let mut builder = TemplateBuilder::new(&anchor);
        self.push_rrset(&mut builder, Section::Answer, rrset, None)
            .map_err(|TooLong| self.too_long(node, rrset.rtype))?;
        self.push_addresses(&mut builder, rrset);
        self.keep(node, rrset.rtype, Kind::Answer, builder, any_length)
    }

    /// The same for data without names, by the million: nothing to compress, so it is written straight.
    fn plain(&mut self, node: u32, rrset: &Rrset) -> Result<(), Problem> {
        let begin = self.out.octets.len();
        // As in wire: the longest question, the header and an OPT record must still fit.
        let limit = usize::from(u16::MAX) - wire::HEADER - 259 - 128;
        let mut count = 0;
        for record in self.tree.records(rrset) {
            self.out.octets.extend_from_slice(&[0xC0, wire::HEADER as u8]);
            for number in [rrset.rtype.0, Class::IN.0] {
                self.out.octets.extend_from_slice(&number.to_be_bytes());
            }
            self.out.octets.extend_from_slice(&rrset.ttl.to_be_bytes());
            self.out.octets.extend_from_slice(&(record.rdata.len() as u16).to_be_bytes());
            self.out.octets.extend_from_slice(record.rdata);
            if self.out.octets.len() - begin > limit {
                return Err(self.too_long(node, rrset.rtype));
            }
            count += 1;
        }
        let len = self.out.octets.len() - begin;
        let Ok(body_at) = u32::try_from(begin) else { return Err(self.too_long(node, rrset.rtype)) };
        self.out.answers.push(Stored {
            rtype: rrset.rtype,
            kind: Kind::Answer,
            anchor_len: 0,
            additional_at: len as u16,
            body_len: len as u16,
            counts: [count, 0, 0],
            pointers_len: 0,
            body_at,
            pointers_at: 0,
        });
        Ok(())
    }

    /// The referral for the cut and all below it; then its DS (RFC 4035 §3.1.4.1).
    fn cut(&mut self, node: u32) -> Result<(), Problem> {
        let tree = self.tree;
        let anchor = self.name(node);
        let mut builder = TemplateBuilder::new(&anchor);
        self.push_referral(&mut builder, node).map_err(|TooLong| self.too_long(node, Rtype::NS))?;
        self.keep(node, Rtype::NS, Kind::Referral, builder, true)?;
        match tree.rrset(node, Rtype::DS) {
            Some(ds) => self.plain(node, ds),
            None => Ok(()),
        }
    }

    /// The answers of a CNAME: itself; with what the chain leads to, for each type there; and for every
    /// other type (RFC 1034 §4.3.2, step 3a).
    fn alias(&mut self, node: u32) -> Result<(), Problem> {
        let (anchor, any_length) = self.anchor(node);
        let (chain, end) = chain(self.tree, node);
        let begin = |links: &[Link<'_>]| {
            let mut builder = TemplateBuilder::new(&anchor);
            push_chain(&mut builder, links).map(|()| builder)
        };
        let too_long = |_| self.too_long(node, Rtype::CNAME);
        let own = begin(chain.get(..1).unwrap_or_default()).map_err(too_long)?;
        let mut answers = vec![(Rtype::CNAME, Kind::Answer, own)];
        let target = chain.last().map(|link| link.target);
        let rest = match end {
            End::Node(last) => {
                for rrset in self.tree.rrsets(last).iter().filter(|rrset| rrset.rtype != Rtype::CNAME) {
                    let mut builder = begin(&chain).map_err(too_long)?;
                    self.push_rrset(&mut builder, Section::Answer, rrset, target).map_err(too_long)?;
                    self.push_addresses(&mut builder, rrset);
                    answers.push((rrset.rtype, Kind::Answer, builder));
                }
                Kind::NoData
            }
            End::Cut { cut, exact: true } => {
                let mut builder = begin(&chain).map_err(too_long)?;
                let (kind, pushed) = match self.tree.rrset(cut, Rtype::DS) {
                    Some(ds) => (Kind::Answer, self.push_rrset(&mut builder, Section::Answer, ds, target)),
                    None => (Kind::NoData, self.push_soa(&mut builder)),
                };
                pushed.map_err(too_long)?;
                answers.push((Rtype::DS, kind, builder));
                Kind::Answer
            }
            End::Missing => Kind::NxDomain,
            End::Dname => Kind::Dname,
            End::Open | End::Cut { .. } => Kind::Answer,
        };
        let mut others = begin(&chain).map_err(too_long)?;
        match end {
            End::Node(_) | End::Missing => self.push_soa(&mut others),
            End::Cut { cut, .. } => self.push_referral(&mut others, cut),
            End::Open | End::Dname => Ok(()),
        }
        .map_err(too_long)?;
        answers.push((OTHERS, rest, others));
        for (rtype, kind, builder) in answers {
            self.keep(node, rtype, kind, builder, any_length)?;
        }
        Ok(())
    }

    /// The anchor of a node's answers, and whether questions may be longer: a wildcard answers every
    /// name below the one that it stands at.
    fn anchor(&self, node: u32) -> (Name, bool) {
        let wildcard = self.tree.name(node).starts_with(b"\x01*");
        (self.name(if wildcard { self.tree.node(node).parent } else { node }), wildcard)
    }

    fn name(&self, node: u32) -> Name {
        Name::from_wire(self.tree.name(node)).unwrap_or_else(|_| Name::root())
    }

    fn push_rrset(
        &self,
        builder: &mut TemplateBuilder,
        section: Section,
        rrset: &Rrset,
        owner: Option<&[u8]>,
    ) -> Result<(), TooLong> {
        let owner = owner.and_then(|owner| Name::from_wire(owner).ok());
        let owner = owner.as_ref().map_or(Owner::Question, Owner::Name);
        let records = self.tree.records(rrset);
        records.into_iter().try_for_each(|it| builder.push(section, owner, rrset.rtype, rrset.ttl, it.rdata))
    }

    fn push_soa(&self, builder: &mut TemplateBuilder) -> Result<(), TooLong> {
        let Soa { owner, rdata, ttl } = self.soa;
        let owner = Name::from_wire(owner).unwrap_or_else(|_| Name::root());
        builder.push(Section::Authority, Owner::Name(&owner), Rtype::SOA, ttl, rdata)
    }

    fn push_referral(&self, builder: &mut TemplateBuilder, cut: u32) -> Result<(), TooLong> {
        let Some(servers) = self.tree.rrset(cut, Rtype::NS) else { return Ok(()) };
        self.push_rrset(builder, Section::Authority, servers, Some(self.tree.name(cut)))?;
        self.push_addresses(builder, servers);
        Ok(())
    }

    /// Pushes the addresses that the zone has for the targets of an NS, MX or SRV, glue first of all:
    /// a referral needs it (RFC 9471). What does not fit into 65,535 octets stays out.
    fn push_addresses(&self, builder: &mut TemplateBuilder, rrset: &Rrset) {
        let tree = self.tree;
        if !matches!(rrset.rtype, Rtype::NS | Rtype::MX | Rtype::SRV) {
            return;
        }
        let mut seen = HashSet::new();
        for record in tree.records(rrset) {
            let target = target(rrset.rtype, record.rdata).map(<[u8]>::to_ascii_lowercase);
            let Some(node) = target.and_then(|target| tree.find(&target)) else { continue };
            if !seen.insert(node) {
                continue;
            }
            for addresses in [Rtype::A, Rtype::AAAA].into_iter().filter_map(|it| tree.rrset(node, it)) {
                let owner = tree.records(addresses).next().map(|record| record.owner);
                if self.push_rrset(builder, Section::Additional, addresses, owner).is_err() {
                    return;
                }
            }
        }
    }

    fn keep(
        &mut self,
        node: u32,
        rtype: Rtype,
        kind: Kind,
        builder: TemplateBuilder,
        any_length: bool,
    ) -> Result<(), Problem> {
        let stored = self.stored(rtype, kind, &builder.finish(), any_length);
        let stored = stored.ok_or_else(|| self.too_long(node, rtype))?;
        self.out.answers.push(stored);
        Ok(())
    }

    /// Moves a template into the arenas. Its pointers are kept only where a question may be longer than
    /// the anchor: else they never move.
    fn stored(&mut self, rtype: Rtype, kind: Kind, template: &Template, any_length: bool) -> Option<Stored> {
        let template = template.as_ref();
        let body_at = u32::try_from(self.out.octets.len()).ok()?;
        let pointers_at = u32::try_from(self.out.pointers.len()).ok()?;
        self.out.octets.extend_from_slice(template.body);
        let pointers = if any_length { template.pointers } else { &[] };
        self.out.pointers.extend_from_slice(pointers);
        Some(Stored {
            rtype,
            kind,
            anchor_len: template.anchor_len,
            additional_at: template.additional_at,
            body_len: u16::try_from(template.body.len()).ok()?,
            counts: template.counts,
            pointers_len: u16::try_from(pointers.len()).ok()?,
            body_at,
            pointers_at,
        })
    }

    fn too_long(&self, node: u32, rtype: Rtype) -> Problem {
        let tree = self.tree;
        let rrset = tree.rrset(node, rtype).or_else(|| tree.rrsets(node).first());
        let (file, line) = rrset
            .and_then(|rrset| tree.records(rrset).next())
            .map_or((std::path::Path::new(""), 1), |record| (record.file, record.line));
        let what = format!("the answer for {} {rtype} has more than 65,535 octets", self.name(node));
        Flaw::new(what, "use fewer records, or a shorter chain of CNAMEs").at(file, line)
    }
}

fn push_chain(builder: &mut TemplateBuilder, links: &[Link<'_>]) -> Result<(), TooLong> {
    links.iter().try_for_each(|link| {
        let owner = link.owner.and_then(|owner| Name::from_wire(owner).ok());
        let owner = owner.as_ref().map_or(Owner::Question, Owner::Name);
        builder.push(Section::Answer, owner, Rtype::CNAME, link.ttl, link.target)
    })
}

/// The sum of the records' hashes: no order needed.
fn digest(tree: &Tree<'_>) -> u64 {
    let mut sum = 0u64;
    for node in 0..tree.nodes.len() as u32 {
        for rrset in tree.rrsets(node) {
            for record in tree.records(rrset) {
                let mut hash = Xxh3::new();
                hash.update(tree.name(node));
                hash.update(&rrset.rtype.0.to_be_bytes());
                hash.update(&rrset.ttl.to_be_bytes());
                hash.update(record.rdata);
                sum = sum.wrapping_add(hash.digest());
            }
        }
    }
    sum
}
