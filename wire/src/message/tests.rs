use super::*;

/// A response of one answer record with this type and RDATA, owned by the question `ab.`.
fn response(rtype: Rtype, rdata: &[u8]) -> Vec<u8> {
    let mut packet = b"\0\x01\x84\0\0\x01\0\x01\0\0\0\0\x02ab\0\0\xff\0\x01\xc0\x0c".to_vec();
    packet.extend(rtype.0.to_be_bytes());
    packet.extend(b"\0\x01\0\0\0\x05");
    packet.extend((rdata.len() as u16).to_be_bytes());
    packet.extend(rdata);
    packet
}

fn rdata_of(rtype: Rtype, rdata: &[u8]) -> Result<Box<[u8]>, NameError> {
    let packet = response(rtype, rdata);
    let message = Message::parse(&packet).unwrap();
    message.records().next().unwrap().map(|(_, record)| record.rdata)
}

#[test]
fn names_in_rdata_are_decompressed() {
    let full = b"\x02ab\0";
    assert_eq!(*rdata_of(Rtype::NS, b"\xc0\x0c").unwrap(), *full);
    assert_eq!(*rdata_of(Rtype::MX, b"\0\x05\xc0\x0c").unwrap(), *b"\0\x05\x02ab\0");
    assert_eq!(*rdata_of(Rtype::SRV, b"123456\x01x\xc0\x0c").unwrap(), *b"123456\x01x\x02ab\0");
    assert_eq!(*rdata_of(Rtype::RP, b"\xc0\x0c\xc0\x0c").unwrap(), *b"\x02ab\0\x02ab\0");
    assert_eq!(*rdata_of(Rtype::NAPTR, b"1234\x01a\0\x02bc\xc0\x0c").unwrap(), *b"1234\x01a\0\x02bc\x02ab\0");
    let soa = [&b"\xc0\x0c\x01m\xc0\x0c"[..], &[9; 20]].concat();
    assert_eq!(*rdata_of(Rtype::SOA, &soa).unwrap(), *[&b"\x02ab\0\x01m\x02ab\0"[..], &[9; 20]].concat());
    assert_eq!(*rdata_of(Rtype(65280), b"\xc0\x0c").unwrap(), *b"\xc0\x0c", "an unknown type is opaque");
}

#[test]
fn names_that_overrun_their_rdata() {
    for (rtype, rdata) in [
        (Rtype::NS, &b""[..]),
        (Rtype::NS, b"\xc0"),
        (Rtype::NS, b"\x03ab"),
        (Rtype::MX, b"\0"),
        (Rtype::SRV, b"1"),
    ] {
        // Octets behind the RDATA that would complete it.
        let packet = [response(rtype, rdata), vec![0; 10]].concat();
        let first = Message::parse(&packet).unwrap().records().next().unwrap();
        assert!(first.is_err(), "{rtype} {rdata:?}");
    }
    assert!(rdata_of(Rtype::NS, b"\xc0\x20").is_err(), "a pointer to itself");
}

#[test]
fn records_end_at_the_first_that_is_broken() {
    let mut packet = response(Rtype::A, &[127, 0, 0, 1]);
    packet[7] = 3; // three answers announced, one there
    let message = Message::parse(&packet).unwrap();
    assert!(message.is_response() && message.is_authoritative());
    assert_eq!(message.counts(), [3, 0, 0]);
    let records: Vec<_> = message.records().collect();
    assert_eq!(records.len(), 2);
    assert!(records[0].is_ok() && records[1] == Err(NameError::Truncated));
}

#[test]
fn targets() {
    let packet = response(Rtype::CNAME, b"\x01c\xc0\x0c");
    let record = Message::parse(&packet).unwrap().records().next().unwrap().unwrap().1;
    assert_eq!(record.target(), Some("c.ab".parse().unwrap()));
    let mx = Record { rtype: Rtype::MX, rdata: b"\0\x05\0".as_slice().into(), ..record };
    assert_eq!(mx.target(), None);
}

#[test]
fn headers_that_can_not_be_read() {
    let packet = response(Rtype::A, &[127, 0, 0, 1]);
    for end in 0..20 {
        assert!(Message::parse(&packet[..end]).is_err(), "{end}");
    }
    let mut two = packet.clone();
    two[5] = 2;
    assert!(Message::parse(&two).is_err());
    let none = b"\0\x01\x84\x05\0\0\0\0\0\0\0\0";
    let message = Message::parse(none).unwrap();
    assert!(message.question.is_none() && message.records().next().is_none());
    assert_eq!(message.header_rcode(), Rcode::REFUSED);
}
