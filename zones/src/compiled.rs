//! A zone as the hot path wants it: every answer stands ready, and a look-up finds it.

use wire::{Folded, Name, Rcode, Reply, Rtype, TemplateRef};

use crate::table::Table;
use crate::tree::Standing;

/// What a zone says to a question. Each variant holds the records; an age means nothing to them.
#[derive(Clone, Copy, Debug)]
pub enum Found<'z> {
    /// The records, perhaps behind a chain of CNAMEs.
    Answer(TemplateRef<'z>),
    /// The name is in a zone that is delegated: its servers, and glue for them; not authoritative.
    Referral(TemplateRef<'z>),
    /// The name exists, and has nothing of the type: the SOA (RFC 2308 §2.2).
    NoData(TemplateRef<'z>),
    /// The name, or the end of its chain of CNAMEs, does not exist: the SOA (RFC 2308 §2.1).
    NxDomain(TemplateRef<'z>),
    /// A DNAME stands in the way: [`CompiledZone::compose`] writes the answer.
    Dname,
}

impl<'z> Found<'z> {
    /// The response code.
    pub fn rcode(&self) -> Rcode {
        match self {
            Self::NxDomain(_) => Rcode::NXDOMAIN,
            _ => Rcode::NOERROR,
        }
    }

    /// Whether AA is set: not on a referral (RFC 1034 §6.2.6).
    pub fn is_authoritative(&self) -> bool {
        !matches!(self, Self::Referral(_))
    }

    /// Writes it as the reply: response code, AA, records. False below a DNAME, where it has to be composed.
    #[inline]
    pub fn write(&self, reply: &mut Reply<'_>) -> bool {
        let Some(template) = self.template() else { return false };
        reply.set_rcode(self.rcode());
        if self.is_authoritative() {
            reply.set_authoritative();
        }
        reply.template(template, 0);
        true
    }

    /// The records; none below a DNAME.
    pub fn template(&self) -> Option<TemplateRef<'z>> {
        match *self {
            Self::Answer(it) | Self::Referral(it) | Self::NoData(it) | Self::NxDomain(it) => Some(it),
            Self::Dname => None,
        }
    }
}

/// A zone, checked, with every answer in wire form. Made by [`Zone::compile`](crate::Zone::compile).
///
/// Names and answers stand in one arena, found by one hash table: a look-up of a name that exists reads
/// one slot, the name and its answer, and allocates nothing.
#[derive(Clone, Debug)]
pub struct CompiledZone {
    pub(crate) apex: Name,
    pub(crate) serial: u32,
    pub(crate) digest: u64,
    pub(crate) records: usize,
    pub(crate) table: Table<Place>,
    /// Folded names, each with its answers' records behind it.
    pub(crate) octets: Vec<u8>,
    /// Where pointers stand in answers whose question may be longer than their anchor.
    pub(crate) pointers: Vec<u16>,
    /// By name; what [`Place`] points into.
    pub(crate) answers: Vec<Stored>,
    /// The SOA, for every name of the zone.
    pub(crate) negative: Stored,
}

/// What the table knows of a name.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place {
    pub(crate) answers_at: u32,
    pub(crate) answers: u16,
    pub(crate) standing: Standing,
    pub(crate) below: Below,
}

/// What becomes of names right below one that do not exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Below {
    /// Nothing.
    #[default]
    Nothing,
    /// A `*` stands for them.
    Wildcard,
    /// A DNAME renames them.
    Dname,
}

/// The variant of [`Found`] that an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Answer,
    Referral,
    NoData,
    NxDomain,
    /// A chain of CNAMEs that goes on behind a DNAME.
    Dname,
}

/// One answer, by offsets into the zone's arenas.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stored {
    /// The type it answers, or [`OTHERS`].
    pub(crate) rtype: Rtype,
    pub(crate) kind: Kind,
    pub(crate) anchor_len: u8,
    pub(crate) additional_at: u16,
    pub(crate) body_len: u16,
    pub(crate) counts: [u16; 3],
    pub(crate) pointers_len: u16,
    pub(crate) body_at: u32,
    pub(crate) pointers_at: u32,
}

/// In place of a type: every type that has no answer of its own. Stands last, at a CNAME.
pub(crate) const OTHERS: Rtype = Rtype(0);

impl CompiledZone {
    /// The name that the zone hangs from.
    pub fn apex(&self) -> &Name {
        &self.apex
    }

    /// The SOA's serial number.
    pub fn serial(&self) -> u32 {
        self.serial
    }

    /// A hash of the zone's records, whatever their order: equal digests mean equal answers.
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// How many records it was made of.
    pub fn records(&self) -> usize {
        self.records
    }

    /// Octets that it holds in memory.
    pub fn size(&self) -> usize {
        size_of::<Self>()
            + self.table.size()
            + self.octets.capacity()
            + 2 * self.pointers.capacity()
            + size_of::<Stored>() * self.answers.capacity()
    }

    /// Answers a question for a name at or below the apex (RFC 1034 §4.3.2, RFC 4592). ANY gets one RRset
    /// (RFC 8482 §4.1). A question for the DS of the apex itself is the parent zone's to answer.
    pub fn find(&self, qname: &Folded, qtype: Rtype) -> Found<'_> {
        match self.table.get(&self.octets, qname.as_wire()) {
            Some(place) => self.at(place, qname, qtype),
            None => self.missing(qname, qtype),
        }
    }

    /// The name exists.
    #[inline]
    fn at(&self, place: Place, qname: &Folded, qtype: Rtype) -> Found<'_> {
        match place.standing {
            Standing::Ours => self.pick(self.answers(place), qtype),
            // The parent knows of a delegation what the child can't: its DS (RFC 4035 §3.1.4.1).
            Standing::Cut => match self.answers(place) {
                [_, ds @ ..] if qtype == Rtype::DS => self.pick(ds, qtype),
                [referral, ..] => self.found(referral),
                [] => self.found(&self.negative),
            },
            Standing::Occluded => self.missing(qname, qtype),
        }
    }

    /// The name does not exist, or is hidden: the closest encloser decides (RFC 4592 §3.3.1).
    fn missing(&self, qname: &Folded, qtype: Rtype) -> Found<'_> {
        let mut above = qname.ancestors().skip(1).filter_map(|name| Some((name, self.place(name)?)));
        let encloser = above.find(|(_, place)| place.standing != Standing::Occluded);
        match encloser {
            Some((_, place)) if place.standing == Standing::Cut => self
                .answers(place)
                .first()
                .map_or(Found::NxDomain(self.negative()), |first| self.found(first)),
            Some((_, Place { below: Below::Dname, .. })) => Found::Dname,
            Some((name, Place { below: Below::Wildcard, .. })) => match self.wildcard(name) {
                Some(place) => self.pick(self.answers(place), qtype),
                None => Found::NxDomain(self.negative()),
            },
            _ => Found::NxDomain(self.negative()),
        }
    }

    fn place(&self, name: &[u8]) -> Option<Place> {
        self.table.get(&self.octets, name)
    }

    /// The `*` right below a name.
    fn wildcard(&self, encloser: &[u8]) -> Option<Place> {
        let mut name = [0; wire::name::MAX_NAME + 2];
        name[..2].copy_from_slice(b"\x01*");
        let name = name.get_mut(..2 + encloser.len())?;
        name[2..].copy_from_slice(encloser);
        self.place(name)
    }

    fn answers(&self, place: Place) -> &[Stored] {
        let at = place.answers_at as usize;
        self.answers.get(at..at + usize::from(place.answers)).unwrap_or_default()
    }

    #[inline]
    fn pick<'z>(&'z self, answers: &'z [Stored], qtype: Rtype) -> Found<'z> {
        let mut fitting =
            answers.iter().filter(|it| it.rtype == qtype || it.rtype == OTHERS || qtype == Rtype::ANY);
        fitting.next().map_or(Found::NoData(self.negative()), |answer| self.found(answer))
    }

    /// The SOA, as the authority section of a negative answer (RFC 2308 §3) to any name of the zone.
    pub fn negative(&self) -> TemplateRef<'_> {
        self.template(&self.negative)
    }

    fn found<'z>(&'z self, stored: &Stored) -> Found<'z> {
        let template = self.template(stored);
        match stored.kind {
            Kind::Answer => Found::Answer(template),
            Kind::Referral => Found::Referral(template),
            Kind::NoData => Found::NoData(template),
            Kind::NxDomain => Found::NxDomain(template),
            Kind::Dname => Found::Dname,
        }
    }

    #[inline]
    pub(crate) fn template(&self, stored: &Stored) -> TemplateRef<'_> {
        let body = stored.body_at as usize..stored.body_at as usize + usize::from(stored.body_len);
        let pointers =
            stored.pointers_at as usize..stored.pointers_at as usize + usize::from(stored.pointers_len);
        TemplateRef {
            body: self.octets.get(body).unwrap_or_default(),
            ttls: &[],
            pointers: self.pointers.get(pointers).unwrap_or_default(),
            counts: stored.counts,
            additional_at: stored.additional_at,
            anchor_len: stored.anchor_len,
        }
    }

    /// The answers of the name itself, if it exists, and of the closest name above it that has a DNAME.
    pub(crate) fn renaming(&self, qname: &Folded, qtype: Rtype) -> Renaming<'_> {
        if let Some(place) = self.place(qname.as_wire()).or_else(|| self.wildcard_of(qname)) {
            let chain = self.answers(place).iter().find(|it| it.rtype == qtype || it.rtype == OTHERS);
            if let Some(chain) = chain.filter(|it| it.kind == Kind::Dname) {
                return Renaming::Chain(self.template(chain));
            }
        }
        let mut above = qname.ancestors().skip(1).filter_map(|name| self.place(name));
        let place = above.find(|place| place.below == Below::Dname);
        let dname = place.and_then(|place| self.answers(place).iter().find(|it| it.rtype == Rtype::DNAME));
        dname.map_or(Renaming::None, |dname| Renaming::Dname(self.template(dname)))
    }

    fn wildcard_of(&self, qname: &Folded) -> Option<Place> {
        let (name, place) = qname.ancestors().skip(1).find_map(|name| Some((name, self.place(name)?)))?;
        if place.below == Below::Wildcard { self.wildcard(name) } else { None }
    }
}

/// What renames a name.
pub(crate) enum Renaming<'z> {
    /// A chain of CNAMEs, which ends below a DNAME.
    Chain(TemplateRef<'z>),
    /// The DNAME above it.
    Dname(TemplateRef<'z>),
    /// Nothing.
    None,
}
