#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;

use super::*;
use crate::clock::Moment;
use crate::iterator::{Failure, Limits, Resolution};
use crate::rrset::Rrset;
use proptest::prelude::*;
use wire::{Class, Message, Name, Query, Rcode, Record, Reply, Rtype, Section};

const NOW: Moment = Moment::from_millis(5_000);

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn rrset(owner: &str, rtype: Rtype, ttl: u32, rdatas: &[&[u8]]) -> Arc<Rrset> {
    let record =
        |rdata: &&[u8]| Record { owner: name(owner), rtype, class: Class::IN, ttl, rdata: (*rdata).into() };
    let records: Vec<Record> = rdatas.iter().map(record).collect();
    Arc::new(Rrset::new(&records, NOW, 86_400).unwrap())
}

/// A query as a client writes it.
fn packet(owner: &str, rtype: Rtype, dnssec_ok: bool) -> Vec<u8> {
    let owner = name(owner);
    let mut out = Vec::new();
    wire::Ask { dnssec_ok, recursion_desired: true, ..wire::Ask::new(7, &owner, rtype) }.write(&mut out);
    out
}

fn answer(question: &str, resolution: &Resolution) -> Answer {
    let question = name(question);
    Answer::new(
        AnswerKey::plain(&question.folded(), Rtype::A),
        &question,
        resolution,
        NOW,
        &Limits::default(),
    )
}

/// Writes it for a query and reads that: response code, records.
fn served(answer: &Answer, packet: &[u8], now: u32) -> (Rcode, Vec<(Section, Record)>) {
    let query = Query::parse(packet).unwrap();
    let mut buffer = [0; 1232];
    let mut reply = Reply::to(&query, &mut buffer, 1232);
    answer.write(&mut reply, now);
    let length = reply.finish();
    let message = Message::parse(&buffer[..length]).unwrap();
    let records = message.records().map(Result::unwrap);
    (message.header_rcode(), records.filter(|(_, record)| record.rtype != Rtype::OPT).collect())
}

fn aliased() -> Resolution {
    let alias = rrset("www.shop.example.", Rtype::CNAME, 300, &[name("www.vip.example.").as_wire()]);
    let address = rrset("www.vip.example.", Rtype::A, 10, &[&[198, 18, 0, 1], &[198, 18, 0, 2]]);
    Resolution { answer: vec![alias, address], ..Resolution::default() }
}

#[test]
fn ttls_count_down_until_the_first_record_goes() {
    let answer = answer("www.shop.example.", &aliased());
    let packet = packet("wWw.shop.example.", Rtype::A, false);
    for age in [0, 1, 9] {
        assert!(answer.is_live(5 + age));
        let (rcode, records) = served(&answer, &packet, 5 + age);
        assert_eq!(rcode, Rcode::NOERROR);
        let ttls: Vec<u32> = records.iter().map(|(_, record)| record.ttl).collect();
        assert_eq!(ttls, [300 - age, 10 - age, 10 - age]);
    }
    assert!(!answer.is_live(15));
    assert!(answer.is_live(4), "a worker's clock may be a tick behind");
}

#[test]
fn negative_answers_and_failures_hold_as_long_as_they_may() {
    let limits = Limits::default();
    let soa = rrset("example.", Rtype::SOA, 60, &[&[0; 22]]);
    let nothing = Resolution { soa: Some(soa), nx_domain: true, ..Resolution::default() };
    let (rcode, records) = served(&answer("x.example.", &nothing), &packet("x.example.", Rtype::A, false), 5);
    assert_eq!((rcode, records[0].0, records[0].1.ttl), (Rcode::NXDOMAIN, Section::Authority, 60));
    assert_eq!(nothing.ttl(NOW, &limits), 60);
    let bare = Resolution { nx_domain: true, ..Resolution::default() };
    assert_eq!(bare.ttl(NOW, &limits), 0, "RFC 2308 §5: no SOA, no caching");
    let failed = Resolution { failure: Some(Failure::NoServer), ..Resolution::default() };
    assert_eq!((failed.rcode(), failed.ttl(NOW, &limits)), (Rcode::SERVFAIL, 5));
}

#[test]
fn the_shared_cache_keeps_what_lives_and_tells_questions_apart() {
    let answers = Answers::new(1 << 20);
    let question = name("www.shop.example.").folded();
    let key = AnswerKey::plain(&question, Rtype::A);
    answers.put(&Arc::new(answer("www.shop.example.", &aliased())));
    assert!(answers.find(key, 14).is_some());
    assert!(answers.find(key, 15).is_none());
    assert!(answers.find(AnswerKey::plain(&question, Rtype::AAAA), 5).is_none());
    let wants_dnssec = packet("www.shop.example.", Rtype::A, true);
    let query = Query::parse(&wants_dnssec).unwrap();
    assert!(answers.find(AnswerKey::of(&query), 5).is_none(), "DO is a question of its own");
    let zero = rrset("zero.example.", Rtype::A, 0, &[&[192, 0, 2, 1]]);
    answers
        .put(&Arc::new(answer("zero.example.", &Resolution { answer: vec![zero], ..Resolution::default() })));
    assert!(answers.find(AnswerKey::plain(&name("zero.example.").folded(), Rtype::A), 5).is_none());
}

#[test]
fn large_answers_stay_out_of_the_first_level() {
    let mut first = FirstLevel::new(4);
    let rdata: Vec<[u8; 4]> = (0..100).map(|last| [192, 0, 2, last]).collect();
    let rdatas: Vec<&[u8]> = rdata.iter().map(|rdata| &rdata[..]).collect();
    let many = rrset("many.example.", Rtype::A, 60, &rdatas);
    let large =
        Arc::new(answer("many.example.", &Resolution { answer: vec![many], ..Resolution::default() }));
    let question = name("many.example.").folded();
    let key = AnswerKey::plain(&question, Rtype::A);
    first.put(first.hash(key), large);
    assert!(first.find(first.hash(key), key, 5).is_none());
}

proptest! {
    /// Whatever was put in which order, what is found is the question's own and alive.
    #[test]
    fn the_first_level_never_confuses_questions(
        puts in proptest::collection::vec(("[ab]{1,2}", 1..20_u32), 1..40),
        slots in 1..8_usize,
        now in 5..30_u32,
    ) {
        let mut first = FirstLevel::new(slots);
        for (label, ttl) in &puts {
            let owner = format!("{label}.example.");
            let address = rrset(&owner, Rtype::A, *ttl, &[&[192, 0, 2, 1]]);
            let answer = answer(&owner, &Resolution { answer: vec![address], ..Resolution::default() });
            let question = name(&owner).folded();
            first.put(first.hash(AnswerKey::plain(&question, Rtype::A)), Arc::new(answer));
        }
        let mut found = 0;
        for (label, _) in &puts {
            let owner = format!("{label}.example.");
            let question = name(&owner).folded();
            let key = AnswerKey::plain(&question, Rtype::A);
            if let Some(answer) = first.find(first.hash(key), key, now) {
                prop_assert!(answer.is_live(now));
                prop_assert_eq!(&served(answer, &packet(&owner, Rtype::A, false), now).1[0].1.owner, &name(&owner));
                found += 1;
            }
        }
        // The last one put is found as long as it lives.
        let (label, ttl) = &puts[puts.len() - 1];
        let last = puts.iter().filter(|(other, _)| other == label).count();
        prop_assert!(now >= 5 + ttl || found >= last);
    }
}
