//! Every truncation and every change of a single octet of valid packets: the protocol's error, silence or
//! a good query; never a panic, never an answer that can't be read.

use std::collections::BTreeMap;

use hickory_proto::op::{Edns, Message as Theirs, MessageType};
use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};
use hickory_proto::serialize::binary::BinEncodable;
use wire::{Family, HEADER, Malformed, Message, Query, Rcode, Reply, Rtype, Template};

use crate::samples::{name, reply, template};

/// A query: question, then whole records.
fn packet(question: &str, rtype: Rtype, counts: [u8; 2], records: &[u8]) -> Vec<u8> {
    let header = [0xAB, 0xCD, 1, 0, 0, 1, 0, 0, 0, counts[0], 0, counts[1]];
    [&header, name(question).as_wire(), &rtype.0.to_be_bytes(), &[0, 1], records].concat()
}

fn opt(options: &[(u16, &[u8])]) -> Vec<u8> {
    let mut rdata = Vec::new();
    for (code, data) in options {
        rdata.extend(code.to_be_bytes());
        rdata.extend((data.len() as u16).to_be_bytes());
        rdata.extend(*data);
    }
    [&[0, 0, 41, 4, 0xD0, 0, 0, 0x80, 0], &(rdata.len() as u16).to_be_bytes()[..], &rdata].concat()
}

fn valid_packets() -> BTreeMap<&'static str, Vec<u8>> {
    let v4: &[u8] = &[0, 1, 24, 0, 192, 0, 2];
    let v6: &[u8] = &[0, 2, 56, 0, 0x20, 1, 0xD, 0xB8, 0, 0, 0x7F];
    let long = format!("{0}.{0}.{0}.{1}", "n".repeat(63), "m".repeat(61));
    let with = |options: &[(u16, &[u8])]| packet("www.example.com", Rtype::A, [0, 1], &opt(options));
    let soa = [&b"\xc0\x0c\0\x06\0\x01\0\0\0\0\0\x20\x02ns\xc0\x0c\x04host\xc0\x0c"[..], &[1; 20]].concat();
    let tsig = b"\x03key\0\0\xfa\0\xff\0\0\0\0\0\x03abc";
    BTreeMap::from([
        ("plain", packet("www.example.com", Rtype::A, [0, 0], b"")),
        ("root", packet(".", Rtype::NS, [0, 0], b"")),
        ("EDNS", with(&[])),
        ("ECS v4", with(&[(8, v4)])),
        ("ECS v6", with(&[(8, v6)])),
        ("ECS none", with(&[(8, &[0, 0, 0, 0])])),
        ("cookie", with(&[(10, b"clientco")])),
        ("cookies", with(&[(10, b"clientcoserver cookie 16")])),
        ("NSID", with(&[(3, b"")])),
        ("all", with(&[(3, b""), (8, v4), (10, b"clientco"), (12, &[0; 5]), (65001, b"?")])),
        ("IXFR", packet("example.com", Rtype::IXFR, [1, 1], &[soa, opt(&[])].concat())),
        ("TSIG", packet("example.com", Rtype::AXFR, [0, 2], &[&opt(&[])[..], tsig].concat())),
        ("long", packet(&long, Rtype::AAAA, [0, 1], &opt(&[(8, v6)]))),
        ("case", packet("wWw.ExAmPlE.cOm", Rtype::HTTPS, [0, 1], &opt(&[(10, b"clientco")]))),
    ])
}

/// What a packet got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Got {
    Answer,
    Silence,
    Fault(Rcode),
}

/// Parses and replies; checks by hickory that what leaves can be read.
fn serve(packet: &[u8], template: &Template) -> Got {
    match Query::parse(packet) {
        Ok(query) => {
            let bytes = reply(packet, template, 1, usize::from(query.udp_payload()).min(1232));
            // hickory knows no family 0.
            if !is_family_none(&query) {
                check_header(packet, &Theirs::from_vec(&bytes).unwrap(), Rcode::NOERROR);
            }
            assert!(Message::parse(&bytes).unwrap().records().all(|record| record.is_ok()));
            Got::Answer
        }
        Err(Malformed::Silent) => Got::Silence,
        Err(Malformed::Answer(fault)) => {
            let mut buffer = [0; 512];
            let length = Reply::fault(&fault, &mut buffer);
            check_header(packet, &Theirs::from_vec(&buffer[..length]).unwrap(), fault.rcode);
            Got::Fault(fault.rcode)
        }
    }
}

fn check_header(packet: &[u8], reply: &Theirs, code: Rcode) {
    assert_eq!(reply.metadata.message_type, MessageType::Response);
    assert_eq!(reply.metadata.id, u16::from_be_bytes([packet[0], packet[1]]));
    assert_eq!(u8::from(reply.metadata.op_code), packet[2] >> 3 & 0xF);
    assert_eq!(reply.metadata.recursion_desired, packet[2] & 1 == 1);
    assert_eq!(u16::from(reply.metadata.response_code), code.0);
}

/// For any question: an anchor at the root, pointers that move.
fn any_template() -> Template {
    template(&name("."), &crate::samples::records()[..3])
}

#[test]
fn every_truncation() {
    let template = any_template();
    for (what, packet) in valid_packets() {
        assert_eq!(serve(&packet, &template), Got::Answer, "{what}");
        for end in 0..packet.len() {
            let want = if end < HEADER { Got::Silence } else { Got::Fault(Rcode::FORMERR) };
            assert_eq!(serve(&packet[..end], &template), want, "{what}, {end} octets");
        }
        for octet in 0..=255 {
            let longer = [&packet[..], &[octet]].concat();
            assert_eq!(serve(&longer, &template), Got::Fault(Rcode::FORMERR), "{what} and an octet");
        }
    }
}

#[test]
fn every_other_value_of_every_octet() {
    let template = any_template();
    let mut faults = BTreeMap::new();
    for (what, packet) in valid_packets() {
        let mut damaged = packet.clone();
        for at in 0..packet.len() {
            for value in (0..=255).filter(|value| *value != packet[at]) {
                damaged[at] = value;
                let got = serve(&damaged, &template);
                let want = match (at, value) {
                    (0 | 1, _) => Some(Got::Answer),
                    (2, 0x80..) => Some(Got::Silence),
                    (2, 0x08..) => Some(Got::Fault(Rcode::NOTIMP)),
                    (2 | 3, _) => Some(Got::Answer),
                    (4..=11, _) => Some(Got::Fault(Rcode::FORMERR)),
                    _ => None,
                };
                assert!(want.is_none_or(|want| got == want), "{what}: {value} at {at} got {got:?}");
                assert!(at < HEADER || got != Got::Silence, "{what}: {value} at {at}");
                *faults.entry(format!("{got:?}")).or_insert(0) += 1;
            }
            damaged[at] = packet[at];
        }
    }
    // Each outcome was met: the packets damage what they should.
    let met: Vec<&str> = faults.keys().map(String::as_str).collect();
    assert_eq!(met, ["Answer", "Fault(BADVERS)", "Fault(FORMERR)", "Fault(NOTIMP)", "Silence"]);
}

/// Where both take a query, both read the same; and what hickory refuses we refuse, but for the RDATA of
/// records that a query has no use for, and the family 0 that hickory does not know.
#[test]
fn damaged_queries_are_judged_as_by_hickory() {
    for (what, packet) in valid_packets() {
        let mut damaged = packet.clone();
        for at in HEADER..packet.len() {
            for value in 0..=255 {
                damaged[at] = value;
                match (Query::parse(&damaged), Theirs::from_vec(&damaged)) {
                    (Ok(ours), Ok(theirs)) => assert_same(&ours, &theirs),
                    (Ok(ours), Err(error)) => {
                        let message = Message::parse(&damaged).unwrap();
                        let other = message
                            .records()
                            .any(|record| record.map_or(true, |(_, record)| record.rtype != Rtype::OPT));
                        assert!(other || is_family_none(&ours), "{what}: {value} at {at}: {error}");
                    }
                    (Err(_), _) => {}
                }
            }
            damaged[at] = packet[at];
        }
    }
}

fn assert_same(ours: &Query<'_>, theirs: &Theirs) {
    let question = &theirs.queries[0];
    assert_eq!(u16::from(question.query_type), ours.question.rtype.0);
    assert_eq!(question.name.to_lowercase().to_bytes().unwrap(), ours.question.name.as_wire());
    let edns = theirs.edns.as_ref();
    assert_eq!(edns.map(|edns| edns.max_payload()), ours.edns.map(|edns| edns.udp_payload));
    assert_eq!(edns.is_some_and(|edns| edns.flags().dnssec_ok), ours.dnssec_ok());
    let subnet = |edns: &Edns| match edns.option(EdnsCode::Subnet) {
        Some(EdnsOption::Subnet(subnet)) => Some(*subnet),
        _ => None,
    };
    let our_subnet = ours.edns.and_then(|edns| edns.client_subnet);
    assert_eq!(
        edns.and_then(subnet).map(|subnet| subnet.source_prefix()),
        our_subnet.map(|subnet| subnet.source)
    );
}

fn is_family_none(query: &Query<'_>) -> bool {
    query.edns.and_then(|edns| edns.client_subnet).is_some_and(|subnet| subnet.family == Family::None)
}
