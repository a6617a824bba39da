//! Replies that we write, read by hickory: the records that went in, and nothing else.

use hickory_proto::op::{Message as Theirs, MessageType, ResponseCode};
use hickory_proto::rr::rdata::opt::{ClientSubnet as TheirSubnet, EdnsCode, EdnsOption};
use wire::{
    Ask, ClientSubnet, Fault, Malformed, Name, Opcode, Owner, Query, Rcode, Record, Reply, Rtype, Section,
};
use wire::{Template, TemplateBuilder};

use crate::samples::{Placed, assert_same, name, read, record, records, reply, template};

fn ask(question: &Name, edns: bool, client_subnet: Option<ClientSubnet>) -> Vec<u8> {
    let mut packet = Vec::new();
    Ask { edns, client_subnet, ..Ask::new(0xBEEF, question, Rtype::A) }.write(&mut packet);
    packet
}

fn aged(records: &[Placed], age: u32) -> Vec<Placed> {
    let age_one = |record: &Record| Record { ttl: record.ttl.saturating_sub(age), ..record.clone() };
    records.iter().map(|(section, record)| (*section, age_one(record))).collect()
}

/// Every type, for questions at the anchor and up to 255 octets below it, fresh and aged.
#[test]
fn records_arrive_as_they_were_pushed() {
    let records = records();
    let long = format!("{0}.{0}.{0}.{1}.example.com", "L".repeat(63), "l".repeat(49));
    let questions = ["example.com", "wWw.eXample.com", "a.example.com", "x.y.z.vip.example.com", &long];
    for question in questions.map(name) {
        for anchor in question.folded().ancestors().map(|wire| Name::from_wire(wire).unwrap()) {
            let template = template(&anchor, &records);
            for (edns, age) in [(false, 0), (true, 0), (true, 11), (false, u32::MAX)] {
                let packet = reply(&ask(&question, edns, None), &template, age, 4096);
                let message = Theirs::from_vec(&packet).unwrap();
                assert_same(&message, &aged(&records, age));
                assert_eq!(message.metadata.message_type, MessageType::Response);
                assert!(!message.metadata.truncation && message.edns.is_some() == edns);
                assert_eq!(read(&packet).len(), records.len());
            }
        }
    }
    assert_eq!(name(&long).as_wire().len(), 255);
}

/// What a wildcard becomes: the question's name in its own case (RFC 4592 §3.3.1).
#[test]
fn owners_that_are_the_question() {
    let zone = name("example.com");
    let mut builder = TemplateBuilder::new(&zone);
    builder
        .push(Section::Answer, Owner::Question, Rtype::MX, 5, b"\0\x01\x04mail\x07example\x03com\0")
        .unwrap();
    let template = builder.finish();
    let question = name("AnY.where.example.com");
    let message = Theirs::from_vec(&reply(&ask(&question, true, None), &template, 0, 512)).unwrap();
    assert_same(
        &message,
        &[(
            Section::Answer,
            record("any.where.example.com", Rtype::MX, 5, b"\0\x01\x04mail\x07example\x03com\0"),
        )],
    );
    assert_eq!(message.answers[0].name.to_ascii(), "AnY.where.example.com.");
    assert!(message.answers[0].name.eq_case(&message.queries[0].name));
}

/// First the additional section goes, silently behind an answer and with TC behind a referral; then all.
#[test]
fn truncation() {
    let question = name("www.example.com");
    let all = records();
    let referral: Vec<Placed> = all.iter().filter(|placed| placed.0 != Section::Answer).cloned().collect();
    for (records, referral) in [(&all, false), (&referral, true)] {
        let template = template(&question, records);
        let packet = ask(&question, true, Some(ClientSubnet::new([192, 0, 2, 0].into(), 24)));
        let full = reply(&packet, &template, 0, 4096).len();
        let kept: Vec<Placed> =
            records.iter().filter(|placed| placed.0 != Section::Additional).cloned().collect();
        let cut = full - (template.as_ref().body.len() - usize::from(template.as_ref().additional_at));
        for (limit, records, truncated) in [
            (full, &records[..], false),
            (full - 1, &kept, referral),
            (cut, &kept, referral),
            (cut - 1, &[], true),
            (64, &[], true),
        ] {
            let packet = reply(&packet, &template, 0, limit);
            let message = Theirs::from_vec(&packet).unwrap();
            assert_same(&message, records);
            assert_eq!(message.metadata.truncation, truncated, "{limit}");
            assert!(packet.len() <= limit && message.edns.is_some(), "OPT stays");
        }
    }
}

#[test]
fn scopes_and_codes() {
    let zone = name("example.com");
    for (address, source, scope) in [("192.0.2.0", 24, 20), ("2001:db8::", 56, 128), ("10.0.0.0", 8, 0)] {
        let subnet = ClientSubnet::new(address.parse().unwrap(), source);
        let packet = ask(&zone, true, Some(subnet));
        let mut buffer = [0; 512];
        let mut reply = Reply::to(&Query::parse(&packet).unwrap(), &mut buffer, 512);
        reply.set_scope(scope);
        reply.set_rcode(Rcode::BADCOOKIE);
        reply.set_authoritative();
        reply.template(Template::empty().as_ref(), 0);
        let length = reply.finish();
        let message = Theirs::from_vec(&buffer[..length]).unwrap();
        let want = EdnsOption::Subnet(TheirSubnet::new(address.parse().unwrap(), source, scope));
        let edns = message.edns.as_ref().unwrap();
        assert_eq!(edns.option(EdnsCode::Subnet), Some(&want));
        assert_eq!((edns.version(), edns.max_payload()), (0, wire::UDP_PAYLOAD));
        assert_eq!(message.metadata.response_code, ResponseCode::BADCOOKIE);
        assert!(message.metadata.authoritative && !message.metadata.recursion_available);
    }
}

#[test]
fn faults() {
    let mut packet = ask(&name("www.example.com"), true, None);
    let version = packet.len() - 5;
    packet[version] = 1;
    let Err(Malformed::Answer(badvers)) = Query::parse(&packet) else { panic!("version 1 is taken") };
    let notimp = Fault { rcode: Rcode::NOTIMP, opcode: Opcode(9), edns: false, question: None, ..badvers };
    for fault in [badvers, notimp] {
        let mut buffer = [0; 512];
        let length = Reply::fault(&fault, &mut buffer);
        let message = Theirs::from_vec(&buffer[..length]).unwrap();
        let code = u16::from(message.metadata.response_code);
        assert_eq!((message.metadata.id, code), (0xBEEF, fault.rcode.0));
        assert_eq!(u8::from(message.metadata.op_code), fault.opcode.0);
        assert_eq!(message.edns.as_ref().map(|edns| edns.version()), fault.edns.then_some(0));
        assert_eq!(message.queries.len(), usize::from(fault.question.is_some()));
    }
}
