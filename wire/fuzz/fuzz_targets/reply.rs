//! Whatever records go into a template come out of the reply, for any question at or below its anchor, or
//! are missing by the rules of truncation.
#![no_main]

use arbitrary::{Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use wire::{Ask, ClientSubnet, Message, Name, Owner, Query, Record, Reply, Rtype, Section, TemplateBuilder};

#[derive(Debug)]
struct Case {
    question: Name,
    /// How many of the question's labels the anchor lacks.
    below: u8,
    records: Vec<(Option<Name>, Rtype, u32, Vec<u8>)>,
    /// Records in the answer section; of the others two stand in the authority section.
    answers: u8,
    edns: bool,
    subnet: Option<(std::net::Ipv6Addr, u8)>,
    age: u32,
    limit: u16,
}

/// A name of labels from a few, so that names have suffixes in common, or of any.
fn name(u: &mut Unstructured<'_>) -> arbitrary::Result<Name> {
    let mut name = Name::root();
    for _ in 0..u.int_in_range(0..=5)? {
        let label = match u.int_in_range(0..=4)? {
            0 => &b"com"[..],
            1 => b"Example",
            2 => b"example",
            3 => &[b'x'; 63],
            _ => {
                let length = u.int_in_range(1..=8)?;
                u.bytes(length)?
            }
        };
        name = name.child(label).unwrap_or(name);
    }
    Ok(name)
}

fn rdata(u: &mut Unstructured<'_>) -> arbitrary::Result<(Rtype, Vec<u8>)> {
    let (rtype, before, names, after) = *u.choose(&[
        (Rtype::A, 4, 0, 0),
        (Rtype::NS, 0, 1, 0),
        (Rtype::CNAME, 0, 1, 0),
        (Rtype::MX, 2, 1, 0),
        (Rtype::SOA, 0, 2, 20),
        (Rtype::MINFO, 0, 2, 0),
        (Rtype::SRV, 6, 1, 0),
        (Rtype::PX, 2, 2, 0),
        (Rtype(65280), 0, 0, 9),
    ])?;
    let mut rdata = u.bytes(before)?.to_vec();
    for _ in 0..names {
        rdata.extend(name(u)?.as_wire());
    }
    rdata.extend(u.bytes(after)?);
    Ok((rtype, rdata))
}

impl<'a> Arbitrary<'a> for Case {
    fn arbitrary(u: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        let mut records = Vec::new();
        for _ in 0..u.int_in_range(0..=10)? {
            let owner = if u.ratio(1, 8)? { None } else { Some(name(u)?) };
            let (rtype, rdata) = rdata(u)?;
            records.push((owner, rtype, u.arbitrary()?, rdata));
        }
        Ok(Self {
            question: name(u)?,
            below: u.arbitrary()?,
            records,
            answers: u.arbitrary()?,
            edns: u.arbitrary()?,
            subnet: u.arbitrary()?,
            age: u.arbitrary()?,
            limit: u.arbitrary()?,
        })
    }
}

impl Case {
    fn section(&self, index: usize) -> Section {
        let answers = usize::from(self.answers) % 8;
        match index.checked_sub(answers) {
            None => Section::Answer,
            Some(0 | 1) => Section::Authority,
            Some(_) => Section::Additional,
        }
    }

    fn anchor(&self) -> Name {
        let labels = usize::from(self.below) % (self.question.label_count() + 1);
        let mut anchor = self.question.clone();
        for _ in 0..labels {
            anchor = anchor.parent().unwrap_or(anchor);
        }
        anchor
    }
}

fuzz_target!(|case: Case| {
    let anchor = case.anchor();
    let mut builder = TemplateBuilder::new(&anchor);
    for (index, (owner, rtype, ttl, rdata)) in case.records.iter().enumerate() {
        let owner = owner.as_ref().map_or(Owner::Question, Owner::Name);
        builder.push(case.section(index), owner, *rtype, *ttl, rdata).expect("short");
    }
    let template = builder.finish();

    let mut packet = Vec::new();
    let client_subnet = case.subnet.map(|(address, source)| ClientSubnet::new(address.into(), source));
    Ask { edns: case.edns, client_subnet, ..Ask::new(9, &case.question, Rtype::A) }.write(&mut packet);
    let query = Query::parse(&packet).expect("our own question");

    let mut buffer = [0; 8192];
    for limit in [usize::from(case.limit) % 2048, 8192] {
        let mut reply = Reply::to(&query, &mut buffer, limit);
        reply.template(template.as_ref(), case.age);
        let length = reply.finish();
        assert!(length <= limit);
        if length > 0 {
            check(&case, &buffer[..length], limit == 8192);
        }
    }
});

/// The records are those of the case; all, where everything fits.
fn check(case: &Case, packet: &[u8], all: bool) {
    let message = Message::parse(packet).expect("a message");
    let records: Vec<(Section, Record)> = message.records().map(|record| record.expect("a record")).collect();
    let records: Vec<_> = records.iter().filter(|(_, record)| record.rtype != Rtype::OPT).collect();
    let kept = (0..case.records.len()).filter(|&index| case.section(index) != Section::Additional).count();
    match records.len() {
        count if count == case.records.len() => {
            assert!(!message.is_truncated() || count == kept || count == 0)
        }
        count if all => panic!("{count} of {} records", case.records.len()),
        0 => assert!(message.is_truncated()),
        count => assert_eq!(count, kept),
    }
    for (index, (section, got)) in records.into_iter().enumerate() {
        let (owner, rtype, ttl, rdata) = &case.records[index];
        assert_eq!((*section, &got.owner), (case.section(index), owner.as_ref().unwrap_or(&case.question)));
        assert_eq!((got.rtype, got.ttl), (*rtype, ttl.saturating_sub(case.age)));
        assert!(got.rdata.eq_ignore_ascii_case(rdata));
    }
}
