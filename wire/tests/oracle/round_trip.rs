//! The law of templates: whatever records go in come out of the reply, or are missing by the rules.

use hickory_proto::op::Message as Theirs;
use proptest::prelude::*;
use wire::{Ask, Class, ClientSubnet, HEADER, Message, Name, Owner, Record, Rtype, Section, TemplateBuilder};

use crate::samples::{Placed, assert_same, read, reply};

/// A label that other names have too, or any other.
fn label() -> impl Strategy<Value = Vec<u8>> {
    let shared: [&[u8]; 7] = [b"www", b"WWW", b"example", b"Example", b"com", b"a", &[b'z'; 63]];
    prop_oneof![
        6 => prop::sample::select(shared.to_vec()).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 1..=63),
    ]
}

fn any_name() -> impl Strategy<Value = Name> {
    prop::collection::vec(label(), 0..7).prop_map(|labels| {
        let mut name = Name::root();
        for label in labels {
            name = name.child(&label).unwrap_or(name);
        }
        name
    })
}

/// Octets, names, octets: the RDATA of a type with names.
fn named(before: usize, names: usize, after: usize) -> impl Strategy<Value = Vec<u8>> {
    let octets = |count| prop::collection::vec(any::<u8>(), count);
    (octets(before), prop::collection::vec(any_name(), names), octets(after)).prop_map(
        |(before, names, after)| {
            let names: Vec<u8> = names.iter().flat_map(|name| name.as_wire().to_vec()).collect();
            [before, names, after].concat()
        },
    )
}

fn any_rdata() -> impl Strategy<Value = (Rtype, Vec<u8>)> {
    let of = |types: &[Rtype]| prop::sample::select(types.to_vec());
    let one = [
        Rtype::NS,
        Rtype::CNAME,
        Rtype::PTR,
        Rtype::DNAME,
        Rtype::MD,
        Rtype::MF,
        Rtype::MB,
        Rtype::MG,
        Rtype::MR,
    ];
    prop_oneof![
        3 => named(4, 0, 0).prop_map(|rdata| (Rtype::A, rdata)),
        1 => named(16, 0, 0).prop_map(|rdata| (Rtype::AAAA, rdata)),
        3 => (of(&one), named(0, 1, 0)),
        1 => (of(&[Rtype::MX, Rtype::AFSDB, Rtype::RT, Rtype::KX]), named(2, 1, 0)),
        1 => (of(&[Rtype::MINFO, Rtype::RP]), named(0, 2, 0)),
        1 => (Just(Rtype::SOA), named(0, 2, 20)),
        1 => (Just(Rtype::SRV), named(6, 1, 0)),
        1 => (Just(Rtype::PX), named(2, 2, 0)),
        1 => (Just(Rtype(65280)), prop::collection::vec(any::<u8>(), 1..40)),
    ]
}

/// Section, owner, type, TTL, RDATA.
type Pushed = (Section, Option<Name>, Rtype, u32, Vec<u8>);

/// A question, an anchor at or above it, and records by section; an owner of none is the question.
#[derive(Debug)]
struct Case {
    question: Name,
    anchor: Name,
    records: Vec<Pushed>,
    edns: bool,
    subnet: Option<ClientSubnet>,
    age: u32,
}

fn case() -> impl Strategy<Value = Case> {
    let sections = prop::sample::select(vec![Section::Answer, Section::Authority, Section::Additional]);
    let owner = prop::option::weighted(0.9, any_name());
    let record = (sections, owner, any_rdata(), any::<u32>());
    let subnet = prop::option::of((any::<std::net::IpAddr>(), any::<u8>()));
    (
        any_name(),
        any::<prop::sample::Index>(),
        prop::collection::vec(record, 0..12),
        any::<bool>(),
        subnet,
        age(),
    )
        .prop_map(|(question, anchor, records, edns, subnet, age)| {
            let mut records: Vec<_> = records
                .into_iter()
                .map(|(section, owner, (rtype, rdata), ttl)| (section, owner, rtype, ttl, rdata))
                .collect();
            records.sort_by_key(|record| record.0 as u8);
            let ancestors: Vec<Name> =
                question.folded().ancestors().map(|wire| Name::from_wire(wire).unwrap()).collect();
            let subnet = subnet.map(|(address, source)| ClientSubnet::new(address, source));
            let anchor = anchor.get(&ancestors).clone();
            Case { question, anchor, records, edns, subnet, age }
        })
}

fn age() -> impl Strategy<Value = u32> {
    prop_oneof![Just(0), Just(1), any::<u32>()]
}

impl Case {
    fn template(&self) -> wire::Template {
        let mut builder = TemplateBuilder::new(&self.anchor);
        for (section, owner, rtype, ttl, rdata) in &self.records {
            let owner = owner.as_ref().map_or(Owner::Question, Owner::Name);
            builder.push(*section, owner, *rtype, *ttl, rdata).unwrap();
        }
        builder.finish()
    }

    fn query(&self) -> Vec<u8> {
        let mut packet = Vec::new();
        let client_subnet = self.subnet;
        Ask { edns: self.edns, client_subnet, ..Ask::new(1, &self.question, Rtype::A) }.write(&mut packet);
        packet
    }

    /// The records as the reply should have them.
    fn expected(&self) -> Vec<Placed> {
        let one = |(section, owner, rtype, ttl, rdata): &Pushed| {
            let owner = owner.as_ref().unwrap_or(&self.question).clone();
            let ttl = ttl.saturating_sub(self.age);
            (*section, Record { owner, rtype: *rtype, class: Class::IN, ttl, rdata: rdata.as_slice().into() })
        };
        self.records.iter().map(one).collect()
    }
}

/// Equal, but for the case of names, which compression may take from an equal name before.
fn same(ours: &[Placed], want: &[Placed]) -> bool {
    ours.len() == want.len()
        && ours.iter().zip(want).all(|((section, our), (want_section, want))| {
            let numbers = |record: &Record| (record.rtype, record.class, record.ttl);
            section == want_section
                && our.owner == want.owner
                && numbers(our) == numbers(want)
                && our.rdata.eq_ignore_ascii_case(&want.rdata)
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn what_goes_in_comes_out(case in case()) {
        let packet = reply(&case.query(), &case.template(), case.age, 65_535);
        let want = case.expected();
        prop_assert!(same(&read(&packet), &want), "{:?}", read(&packet));
        prop_assert!(!Message::parse(&packet).unwrap().is_truncated());
        assert_same(&Theirs::from_vec(&packet).unwrap(), &want);
    }

    #[test]
    fn at_every_limit_the_message_is_whole(case in case(), limit in 0_usize..900) {
        let (query, template, want) = (case.query(), case.template(), case.expected());
        let packet = reply(&query, &template, case.age, limit);
        prop_assert!(packet.len() <= limit);
        if limit < HEADER {
            prop_assert!(packet.is_empty());
            return Ok(());
        }
        let message = Message::parse(&packet).unwrap();
        prop_assert!(Theirs::from_vec(&packet).is_ok());
        let got = read(&packet);
        let kept: Vec<Placed> =
            want.iter().filter(|placed| placed.0 != Section::Additional).cloned().collect();
        let answers = want.iter().any(|placed| placed.0 == Section::Answer);
        let full = reply(&query, &template, case.age, 65_535).len();
        if full <= limit {
            prop_assert!(same(&got, &want) && !message.is_truncated());
        } else if !message.is_truncated() {
            prop_assert!(same(&got, &kept) && answers && kept.len() < want.len());
        } else {
            prop_assert!(got.is_empty() || same(&got, &kept) && !answers);
        }
    }
}
