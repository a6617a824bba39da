use super::*;
use crate::edns::{ClientSubnet, Cookie, Family};
use crate::{HEADER, Message, Name, Record, Reply};

const QUESTION: &[u8] = b"\x03wWw\x07example\0\0\x01\0\x01";
const OPT: &[u8] = b"\0\0\x29\x04\xd0\0\0\0\0\0\0";
const OPT_VERSION_1: &[u8] = b"\0\0\x29\x04\xd0\0\x01\0\0\0\0";
const A: &[u8] = b"\xc0\x0c\0\x01\0\x01\0\0\0\x09\0\x04\x7f\0\0\x01";

/// A message of the id 0x1234 with these flags, counts and octets behind the header.
fn message(flags: u16, counts: [u16; 4], rest: &[&[u8]]) -> Vec<u8> {
    let words = [[0x1234, flags].as_slice(), &counts].concat();
    let header: Vec<u8> = words.into_iter().flat_map(u16::to_be_bytes).collect();
    [header, rest.concat()].concat()
}

#[test]
fn a_plain_query() {
    let packet = message(0x0110, [1, 0, 0, 0], &[QUESTION]);
    let query = Query::parse(&packet).unwrap();
    assert_eq!(query.id, 0x1234);
    assert!(query.recursion_desired && query.checking_disabled && !query.dnssec_ok());
    assert_eq!(query.question.wire, QUESTION, "case kept");
    assert_eq!(query.question.name.to_string(), "www.example.");
    assert_eq!((query.question.rtype, query.question.class), (Rtype::A, Class::IN));
    assert_eq!((query.edns, query.udp_payload()), (None, 512));
}

#[test]
fn a_query_with_every_option() {
    let options = b"\0\x03\0\0\0\x08\0\x07\0\x01\x18\0\xc0\0\x02\0\x0a\0\x08cookies!";
    let opt = [b"\0\0\x29\x10\x00\0\0\x80\0\0", &[options.len() as u8][..], options].concat();
    let packet = message(0, [1, 0, 0, 1], &[QUESTION, &opt]);
    let query = Query::parse(&packet).unwrap();
    assert!(query.dnssec_ok() && query.udp_payload() == 4096);
    let edns = query.edns.unwrap();
    assert!(edns.nsid);
    assert_eq!(edns.cookie, Some(Cookie { client: *b"cookies!", server: b"" }));
    assert_eq!(edns.client_subnet, Some(ClientSubnet::new("192.0.2.0".parse().unwrap(), 24)));
    assert_eq!(edns.client_subnet.unwrap().family, Family::V4);
}

/// IXFR brings the SOA it has (RFC 1995 §3), signed requests a TSIG behind the OPT (RFC 8945 §5.1).
#[test]
fn queries_that_bring_records() {
    let ixfr = b"\x07example\0\0\xfb\0\x01";
    let soa = [b"\xc0\x0c\0\x06\0\x01\0\0\0\0\0\x16\0\0", &[0; 20][..]].concat();
    let packet = message(0, [1, 0, 1, 1], &[ixfr, &soa, OPT]);
    assert_eq!(Query::parse(&packet).unwrap().question.rtype, Rtype::IXFR);
    let tsig = b"\x03key\0\0\xfa\0\xff\0\0\0\0\0\x01?";
    let packet = message(0, [1, 0, 0, 2], &[QUESTION, OPT, tsig]);
    assert!(Query::parse(&packet).unwrap().edns.is_some());
    let forward = b"\xc1\x00\0\xfa\0\xff\0\0\0\0\0\x01?";
    let packet = message(0, [1, 0, 0, 2], &[QUESTION, OPT, forward]);
    assert!(matches!(Query::parse(&packet), Err(Malformed::Answer(_))), "an owner that is no name");
}

/// What is wrong, the packet, and what it gets: nothing, or the code and whether question and OPT go back.
type Case = (&'static str, Vec<u8>, Option<(Rcode, bool, bool)>);

#[test]
fn the_table_of_errors() {
    use Rcode as R;
    let one = [1, 0, 0, 0];
    let with_opt = [1, 0, 0, 1];
    let no_root = b"\x01a\0\0\x29\x04\xd0\0\0\0\0\0\0";
    let pointer = b"\xc0\x0c\0\x01\0\x01";
    let subnet = b"\0\0\x29\x04\xd0\0\0\0\0\0\x0b\0\x08\0\x07\0\x01\x17\0\xc0\0\x03";
    let cookie = b"\0\0\x29\x04\xd0\0\0\0\0\0\x05\0\x0a\0\x01?";
    let overrun = b"\0\0\x29\x04\xd0\0\0\0\0\0\x04\0\x03\0\x01";
    let opt_truncated = &OPT[..9];
    let table: &[Case] = &[
        ("empty", vec![], None),
        ("11 octets", message(0, one, &[])[..11].to_vec(), None),
        ("QR", message(0x8000, one, &[QUESTION]), None),
        ("QR and a bad opcode", message(0xF800, one, &[]), None),
        ("IQUERY", message(0x0800, one, &[QUESTION]), Some((R::NOTIMP, false, false))),
        ("STATUS", message(0x1000, one, &[QUESTION]), Some((R::NOTIMP, false, false))),
        ("opcode 3", message(0x1800, one, &[QUESTION]), Some((R::NOTIMP, false, false))),
        ("UPDATE", message(0x2800, one, &[QUESTION]), Some((R::NOTIMP, false, false))),
        ("opcode 15", message(0x7800, [9; 4], &[]), Some((R::NOTIMP, false, false))),
        ("a header", message(0, [0; 4], &[]), Some((R::FORMERR, false, false))),
        ("no question", message(0, [0, 0, 0, 1], &[OPT]), Some((R::FORMERR, false, false))),
        ("two questions", message(0, [2, 0, 0, 0], &[QUESTION, QUESTION]), Some((R::FORMERR, false, false))),
        ("65535 questions", message(0, [0xFFFF; 4], &[QUESTION]), Some((R::FORMERR, false, false))),
        ("half a question", message(0, one, &[&QUESTION[..9]]), Some((R::FORMERR, false, false))),
        ("no class", message(0, one, &[&QUESTION[..15]]), Some((R::FORMERR, false, false))),
        ("a pointer for a name", message(0, one, &[pointer]), Some((R::FORMERR, false, false))),
        ("an answer", message(0, [1, 1, 0, 0], &[QUESTION, A]), Some((R::FORMERR, true, false))),
        ("an authority", message(0, [1, 0, 1, 0], &[QUESTION, A]), Some((R::FORMERR, true, false))),
        ("a record missing", message(0, with_opt, &[QUESTION]), Some((R::FORMERR, true, false))),
        ("octets behind", message(0, one, &[QUESTION, b"\0"]), Some((R::FORMERR, true, false))),
        ("octets behind OPT", message(0, with_opt, &[QUESTION, OPT, b"\0"]), Some((R::FORMERR, true, true))),
        ("OPT cut", message(0, with_opt, &[QUESTION, opt_truncated]), Some((R::FORMERR, true, false))),
        ("two OPT", message(0, [1, 0, 0, 2], &[QUESTION, OPT, OPT]), Some((R::FORMERR, true, true))),
        ("OPT, not of root", message(0, with_opt, &[QUESTION, no_root]), Some((R::FORMERR, true, true))),
        ("options overrun", message(0, with_opt, &[QUESTION, overrun]), Some((R::FORMERR, true, true))),
        ("subnet bits", message(0, with_opt, &[QUESTION, subnet]), Some((R::FORMERR, true, true))),
        ("cookie length", message(0, with_opt, &[QUESTION, cookie]), Some((R::FORMERR, true, true))),
        ("version 1", message(0, with_opt, &[QUESTION, OPT_VERSION_1]), Some((R::BADVERS, true, true))),
    ];
    for (what, packet, want) in table {
        let got = match Query::parse(packet) {
            Ok(_) => panic!("{what}: taken for a query"),
            Err(Malformed::Silent) => None,
            Err(Malformed::Answer(fault)) => {
                assert_eq!(fault.id, 0x1234, "{what}");
                check_fault(what, &fault);
                Some((fault.rcode, fault.question.is_some(), fault.edns))
            }
        };
        assert_eq!(got, *want, "{what}");
    }
}

/// The fault's reply says the fault, and no more.
fn check_fault(what: &str, fault: &Fault<'_>) {
    let mut buffer = [0; 512];
    let length = Reply::fault(fault, &mut buffer);
    let reply = Message::parse(&buffer[..length]).unwrap();
    assert!(reply.is_response() && !reply.is_truncated() && !reply.is_authoritative(), "{what}");
    assert_eq!((reply.id, reply.opcode()), (fault.id, fault.opcode), "{what}");
    assert_eq!(reply.question.is_some(), fault.question.is_some(), "{what}");
    let records: Vec<Record> = reply.records().map(|record| record.unwrap().1).collect();
    let extended = records.first().map_or(0, |opt| (opt.ttl >> 24) as u16);
    assert_eq!(extended << 4 | reply.header_rcode().0, fault.rcode.0, "{what}");
    assert_eq!(records.len(), usize::from(fault.edns), "{what}");
    for opt in &records {
        assert_eq!((opt.rtype, opt.ttl & 0x00FF_FFFF), (Rtype::OPT, 0), "{what}: version 0 is ours");
    }
}

#[test]
fn an_opt_in_the_authority_section_is_no_opt() {
    let packet = message(0, [1, 0, 1, 0], &[b"\0\0\xfb\0\x01", OPT]);
    let Err(Malformed::Answer(fault)) = Query::parse(&packet) else { panic!("taken for a query") };
    assert_eq!(fault.rcode, Rcode::FORMERR);
}

#[test]
fn the_longest_question() {
    let label = [&[63][..], &[b'a'; 63]].concat();
    let name = [&label[..], &label, &label, &[61], &[b'a'; 61], &[0]].concat();
    let packet = message(0, [1, 0, 0, 0], &[&name, b"\0\x01\0\x01"]);
    assert_eq!(packet.len(), HEADER + 255 + 4);
    assert_eq!(Query::parse(&packet).unwrap().question.name.to_name(), Name::from_wire(&name).unwrap());
}
