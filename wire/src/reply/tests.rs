use super::*;
use crate::{Ask, Message, Name, Owner, Record, Section, Template, TemplateBuilder};

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// A query for `www.example`, with EDNS and a client subnet where asked for.
fn query(edns: bool, subnet: Option<(&str, u8)>) -> Vec<u8> {
    let mut packet = Vec::new();
    let client_subnet = subnet.map(|(address, source)| ClientSubnet::new(address.parse().unwrap(), source));
    Ask { edns, client_subnet, ..Ask::new(7, &name("www.example"), Rtype::A) }.write(&mut packet);
    packet
}

/// Three addresses, the zone's NS, its address.
fn template(answers: bool) -> Template {
    let (www, zone, ns) = (name("www.example"), name("example"), name("ns.example"));
    let mut builder = TemplateBuilder::new(&www);
    if answers {
        for last in 1..=3 {
            let owner = Owner::Name(&www);
            builder.push(Section::Answer, owner, Rtype::A, 60, &[192, 0, 2, last]).unwrap();
        }
    }
    builder.push(Section::Authority, Owner::Name(&zone), Rtype::NS, 600, ns.as_wire()).unwrap();
    builder.push(Section::Additional, Owner::Name(&ns), Rtype::A, 600, &[192, 0, 2, 9]).unwrap();
    builder.finish()
}

fn read(packet: &[u8]) -> (Message<'_>, Vec<(Section, Record)>) {
    let message = Message::parse(packet).unwrap();
    let records = message.records().map(Result::unwrap).collect();
    (message, records)
}

#[test]
fn flags_and_codes() {
    let mut packet = query(false, None);
    packet[2] |= 1; // RD
    packet[3] |= 0x10; // CD
    let query = Query::parse(&packet).unwrap();
    let mut buffer = [0xFF; 512];
    let mut reply = Reply::to(&query, &mut buffer, 512);
    reply.set_authoritative();
    reply.set_recursion_available();
    reply.set_rcode(Rcode::NXDOMAIN);
    assert_eq!(reply.rcode(), Rcode::NXDOMAIN);
    let length = reply.finish();
    assert_eq!(&buffer[..12], [0, 7, 0x85, 0x93, 0, 1, 0, 0, 0, 0, 0, 0]);
    assert_eq!(&buffer[12..length], query.question.wire);
}

#[test]
fn ttls_age_and_end_at_zero() {
    let packet = query(false, None);
    let mut buffer = [0; 512];
    let mut reply = Reply::to(&Query::parse(&packet).unwrap(), &mut buffer, 512);
    reply.template(template(true).as_ref(), 61);
    let length = reply.finish();
    let ttls: Vec<_> = read(&buffer[..length]).1.iter().map(|(_, record)| record.ttl).collect();
    assert_eq!(ttls, [0, 0, 0, 539, 539]);
}

/// Each limit from 0 to more than enough: a valid message within it, and TC where records are missing.
#[test]
fn every_limit_gives_a_whole_message() {
    for (answers, subnet) in [(true, None), (false, None), (true, Some(("192.0.2.0", 24)))] {
        let packet = query(true, subnet);
        let query = Query::parse(&packet).unwrap();
        let template = template(answers);
        for limit in 0..300 {
            let (mut short, mut long) = (vec![0xAA; limit], vec![0xAA; 600]);
            let mut lengths = Vec::new();
            for buffer in [&mut short, &mut long] {
                let mut reply = Reply::to(&query, buffer, limit);
                reply.template(template.as_ref(), 0);
                lengths.push(reply.finish());
            }
            let length = lengths[0];
            assert_eq!(
                (length, &short[..length]),
                (lengths[1], &long[..length]),
                "buffer or limit: the same"
            );
            assert!(long[length..].iter().all(|&octet| octet == 0xAA), "nothing behind the end");
            assert!(length <= limit);
            if limit < HEADER {
                assert_eq!(length, 0);
                continue;
            }
            let (message, records) = read(&short[..length]);
            let [answer, authority, additional] = message.counts().map(usize::from);
            let all = if answers { 3 } else { 0 };
            let opt = usize::from(records.last().is_some_and(|(_, record)| record.rtype == Rtype::OPT));
            assert_eq!(message.question.is_some(), limit >= packet.len() - packet_opt(&packet));
            match (answer, authority, additional - opt) {
                (answer, 1, 1) => assert!(answer == all && !message.is_truncated() && opt == 1),
                (answer, 1, 0) => assert!(answer == all && message.is_truncated() != answers && opt == 1),
                (0, 0, 0) => assert!(message.is_truncated()),
                other => panic!("{other:?} at {limit}"),
            }
        }
    }
}

/// Octets of a query's OPT record, which ends it.
fn packet_opt(packet: &[u8]) -> usize {
    packet.len() - HEADER - Query::parse(packet).unwrap().question.wire.len()
}

#[test]
fn faults_fit_into_any_buffer() {
    let mut packet = query(true, None);
    let version = packet.len() - 5;
    packet[version] = 1;
    let Err(crate::Malformed::Answer(fault)) = Query::parse(&packet) else { panic!("taken for a query") };
    for size in 0..64 {
        let mut buffer = vec![0; size];
        let length = Reply::fault(&fault, &mut buffer);
        if size < HEADER {
            assert_eq!(length, 0);
            continue;
        }
        let (message, records) = read(&buffer[..length]);
        assert!(message.is_response());
        assert_eq!(message.header_rcode() == Rcode::NOERROR, !records.is_empty(), "BADVERS ends in 0000");
        assert_eq!(message.is_truncated(), records.is_empty() || message.question.is_none());
    }
}

#[test]
fn extended_codes_need_an_opt() {
    for (edns, header, extended) in [(true, Rcode(7), 1), (false, Rcode::SERVFAIL, 0)] {
        let packet = query(edns, None);
        let mut buffer = [0; 512];
        let mut reply = Reply::to(&Query::parse(&packet).unwrap(), &mut buffer, 512);
        reply.set_rcode(Rcode::BADCOOKIE);
        let length = reply.finish();
        let (message, records) = read(&buffer[..length]);
        assert_eq!(message.header_rcode(), header);
        assert_eq!(records.first().map_or(0, |(_, opt)| opt.ttl >> 24), extended);
    }
}

#[test]
fn scopes() {
    let subnet_of = |subnet, scope: Option<u8>| {
        let packet = query(true, Some(subnet));
        let mut buffer = [0; 512];
        let mut reply = Reply::to(&Query::parse(&packet).unwrap(), &mut buffer, 512);
        match scope {
            Some(bits) => reply.set_scope(bits),
            None => reply.omit_client_subnet(),
        }
        let length = reply.finish();
        let (_, records) = read(&buffer[..length]);
        let mut options = crate::edns::options(&records[0].1.rdata);
        options.next().map(|option| ClientSubnet::parse(option.unwrap().1).unwrap())
    };
    let echoed = subnet_of(("192.0.2.0", 24), Some(17)).unwrap();
    assert_eq!((echoed.source, echoed.scope), (24, 17));
    assert_eq!(echoed.address(), Some("192.0.2.0".parse().unwrap()));
    assert_eq!(subnet_of(("192.0.2.0", 24), Some(99)).unwrap().scope, 32, "no more than the family has");
    assert_eq!(subnet_of(("192.0.2.0", 0), Some(17)).unwrap().scope, 0, "the asker declined");
    assert_eq!(subnet_of(("2001:db8::", 56), Some(48)).unwrap().scope, 48);
    assert_eq!(subnet_of(("192.0.2.0", 24), None), None);
}

#[test]
fn a_second_template_replaces_the_first() {
    let packet = query(true, None);
    let query = Query::parse(&packet).unwrap();
    let (mut once, mut twice) = ([0; 512], [0; 512]);
    let mut reply = Reply::to(&query, &mut once, 512);
    reply.template(template(false).as_ref(), 5);
    let length = reply.finish();
    let mut reply = Reply::to(&query, &mut twice, 512);
    reply.template(template(true).as_ref(), 0);
    reply.template(template(false).as_ref(), 5);
    assert_eq!(reply.finish(), length);
    assert_eq!(twice[..length], once[..length]);
}

/// A broken promise gives a broken answer, never a panic: an anchor beside or below the question, and
/// an arena whose numbers are wrong.
#[test]
fn templates_that_do_not_belong() {
    let packet = query(true, None);
    let query = Query::parse(&packet).unwrap();
    let mut buffer = [0; 512];
    for anchor in [".", "other.name.that.is.longer.than.the.question", "x"] {
        let anchor = name(anchor);
        let mut builder = TemplateBuilder::new(&anchor);
        builder.push(Section::Answer, Owner::Name(&anchor), Rtype::NS, 1, anchor.as_wire()).unwrap();
        let mut reply = Reply::to(&query, &mut buffer, 512);
        reply.template(builder.finish().as_ref(), 1);
        assert!(reply.finish() >= HEADER);
    }
    for additional_at in [0, 3, u16::MAX] {
        let wrong = TemplateRef {
            body: &[0xFF; 20],
            ttls: &[0, 17, 18, u16::MAX],
            pointers: &[0, 19, u16::MAX],
            counts: [u16::MAX; 3],
            additional_at,
            anchor_len: 0,
        };
        for limit in 0..100 {
            let mut reply = Reply::to(&query, &mut buffer, limit);
            reply.template(wrong, u32::MAX);
            assert!(reply.finish() <= limit);
        }
    }
}
