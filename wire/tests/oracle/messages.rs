//! Messages that hickory writes, compressed as it likes, read by us.

use hickory_proto::op::{Message as Theirs, MessageType, OpCode, Query as TheirQuery, ResponseCode};
use hickory_proto::rr::{Name as TheirName, RecordType};
use wire::{Class, Message, Rcode, Rtype, Section};

use crate::samples::{Placed, name, read, records, theirs};

fn response(records: &[Placed]) -> Vec<u8> {
    let mut message = Theirs::new(0xCAFE, MessageType::Response, OpCode::Query);
    message.metadata.recursion_available = true;
    message.metadata.response_code = ResponseCode::NXDomain;
    message.add_query(TheirQuery::query(TheirName::from_ascii("wWw.example.com.").unwrap(), RecordType::MX));
    for (section, record) in records {
        let record = theirs(record);
        match section {
            Section::Answer => message.add_answer(record),
            Section::Authority => message.add_authority(record),
            Section::Additional => message.add_additional(record),
        };
    }
    message.to_vec().unwrap()
}

#[test]
fn what_hickory_answers_we_read() {
    let records = records();
    let packet = response(&records);
    let message = Message::parse(&packet).unwrap();
    assert_eq!(message.id, 0xCAFE);
    assert_eq!(message.question, Some((name("www.example.com"), Rtype::MX, Class::IN)));
    assert!(message.is_response() && message.recursion_available());
    assert!(!message.is_authoritative() && !message.is_truncated());
    assert_eq!(message.header_rcode(), Rcode::NXDOMAIN);

    let ours = read(&packet);
    assert_eq!(ours.len(), records.len());
    for ((section, our), (want_section, want)) in ours.iter().zip(&records) {
        assert_eq!(section, want_section);
        assert_eq!(
            (&our.owner, our.rtype, our.class, our.ttl),
            (&want.owner, want.rtype, want.class, want.ttl)
        );
        assert!(our.rdata.eq_ignore_ascii_case(&want.rdata), "{our:?} {want:?}");
        assert_eq!(our.target(), want.target());
    }
}

/// Each truncation ends in an error where it cuts, each record before it intact; no single octet, set to
/// whatever, makes a reader panic or records grow beyond what was announced.
#[test]
fn damaged_responses() {
    let packet = response(&records());
    let whole = Message::parse(&packet).unwrap().records().count();
    for end in 0..packet.len() {
        let Ok(message) = Message::parse(&packet[..end]) else { continue };
        let (good, bad): (Vec<_>, Vec<_>) = message.records().partition(Result::is_ok);
        assert!(good.len() < whole && bad.len() == 1, "{end}");
    }
    let mut damaged = packet.clone();
    for at in 0..packet.len() {
        for value in 0..=255 {
            damaged[at] = value;
            if let Ok(message) = Message::parse(&damaged) {
                let announced: usize = message.counts().into_iter().map(usize::from).sum();
                let records: Vec<_> = message.records().collect();
                assert!(records.len() <= announced);
                let targets = records.iter().flatten().filter_map(|(_, record)| record.target());
                assert!(targets.count() <= announced);
            }
        }
        damaged[at] = packet[at];
    }
}
