//! What the tests share: names, records of every kind of RDATA, and the way to hickory's records.

use hickory_proto::rr::Record as Theirs;
use hickory_proto::serialize::binary::BinDecodable;
use wire::{Class, Message, Name, Owner, Query, Record, Reply, Rtype, Section, Template, TemplateBuilder};

/// A record and where it stands.
pub(crate) type Placed = (Section, Record);

pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub(crate) fn record(owner: &str, rtype: Rtype, ttl: u32, rdata: &[u8]) -> Record {
    Record { owner: name(owner), rtype, class: Class::IN, ttl, rdata: rdata.into() }
}

/// RDATA: octets, then names, then octets.
pub(crate) fn rdata(before: &[u8], names: &[&str], after: &[u8]) -> Vec<u8> {
    let names: Vec<u8> = names.iter().flat_map(|text| name(text).as_wire().to_vec()).collect();
    [before, &names, after].concat()
}

/// Records below `example.com` in every section, of every type whose names may be compressed and of
/// some whose names may not.
pub(crate) fn records() -> Vec<Placed> {
    use Section::{Additional, Answer, Authority};
    let soa = rdata(b"", &["ns.example.com", "host\\.master.Example.com"], &[7; 20]);
    let srv = rdata(&[0, 1, 0, 2, 0, 53], &["ns.example.com"], b"");
    let naptr = rdata(b"\0\x01\0\x02\x01u\x07E2U+sip\x00", &["sip.example.com"], b"");
    let one = |text| rdata(b"", &[text], b"");
    let with_preference = |text| rdata(&[0, 10], &[text], b"");
    let two = rdata(b"", &["a.example.com", "b.a.example.com"], b"");
    let mut records = vec![
        (Answer, record("www.example.com", Rtype::CNAME, 300, &one("www.vip.example.com"))),
        (Answer, record("www.VIP.example.com", Rtype::A, 10, &[198, 18, 0, 1])),
        (Answer, record("www.vip.example.com", Rtype::AAAA, 10, &[0xFE; 16])),
        (Answer, record("_dns._udp.example.com", Rtype::SRV, 60, &srv)),
        (Answer, record("example.com", Rtype::NAPTR, 60, &naptr)),
        (Answer, record("example.com", Rtype::TXT, 60, b"\x05hello\x00\x03\xff\x00\xc0")),
        (Answer, record("*.example.com", Rtype(65280), 0, b"\xc0\x0c")),
        (Answer, record("example.com", Rtype::KX, u32::MAX, &with_preference("kx.example.com"))),
        (Answer, record("elsewhere.net", Rtype::DNAME, 60, &one("example.com"))),
        (Authority, record("example.com", Rtype::SOA, 3600, &soa)),
        (Authority, record("com", Rtype::NS, 3600, &one("a.gtld.net"))),
        (Authority, record(".", Rtype::NS, 3600, &one("."))),
        (Additional, record("ns.example.com", Rtype::A, 60, &[192, 0, 2, 53])),
        (Additional, record("a.gtld.net", Rtype::A, 60, &[192, 0, 2, 54])),
    ];
    for rtype in COMPRESSED_UNKNOWN_TO_HICKORY.into_iter().chain([Rtype::NS, Rtype::PTR, Rtype::MX]) {
        let rdata = match rtype {
            Rtype::MINFO => two.clone(),
            Rtype::MX => with_preference("mail.example.com"),
            _ => one("target.a.example.com"),
        };
        records.insert(9, (Answer, record("a.example.com", rtype, 60, &rdata)));
    }
    records
}

/// Types of RFC 1035 that hickory hands on as they stand, compressed names and all.
pub(crate) const COMPRESSED_UNKNOWN_TO_HICKORY: [Rtype; 6] =
    [Rtype::MD, Rtype::MF, Rtype::MB, Rtype::MG, Rtype::MR, Rtype::MINFO];

/// An answer of these records, each owned by name.
pub(crate) fn template(anchor: &Name, records: &[Placed]) -> Template {
    let mut builder = TemplateBuilder::new(anchor);
    for (section, record) in records {
        builder.push(*section, Owner::Name(&record.owner), record.rtype, record.ttl, &record.rdata).unwrap();
    }
    builder.finish()
}

/// The reply to `packet` with `template`, aged by `age`, in at most `limit` octets.
pub(crate) fn reply(packet: &[u8], template: &Template, age: u32, limit: usize) -> Vec<u8> {
    let mut buffer = vec![0; limit];
    let mut reply = Reply::to(&Query::parse(packet).unwrap(), &mut buffer, limit);
    reply.template(template.as_ref(), age);
    let length = reply.finish();
    buffer.truncate(length);
    buffer
}

/// Every record of a message but OPT, as we read them.
pub(crate) fn read(packet: &[u8]) -> Vec<Placed> {
    let message = Message::parse(packet).unwrap();
    let records = message.records().map(Result::unwrap);
    records.filter(|(_, record)| record.rtype != Rtype::OPT).collect()
}

/// The record as hickory reads it from its uncompressed wire form.
pub(crate) fn theirs(record: &Record) -> Theirs {
    let numbers = [record.rtype.0, record.class.0].map(u16::to_be_bytes).concat();
    let length = (record.rdata.len() as u16).to_be_bytes();
    let wire = [record.owner.as_wire(), &numbers, &record.ttl.to_be_bytes(), &length, &record.rdata].concat();
    Theirs::from_bytes(&wire).unwrap()
}

/// That hickory's message has exactly `records`, section by section. Names may differ in case, as
/// compression points to whichever came first.
pub(crate) fn assert_same(message: &hickory_proto::op::Message, records: &[Placed]) {
    let sections = [
        (Section::Answer, &message.answers),
        (Section::Authority, &message.authorities),
        (Section::Additional, &message.additionals),
    ];
    for (section, theirs_of) in sections {
        let ours: Vec<&Record> =
            records.iter().filter(|placed| placed.0 == section).map(|placed| &placed.1).collect();
        assert_eq!(theirs_of.len(), ours.len(), "{section:?}");
        for (their, our) in theirs_of.iter().zip(ours) {
            let our_as_theirs = theirs(our);
            if COMPRESSED_UNKNOWN_TO_HICKORY.contains(&our.rtype) {
                assert_eq!(their.name, our_as_theirs.name);
                assert_eq!(their.record_type(), our_as_theirs.record_type());
            } else {
                assert_eq!(*their, our_as_theirs, "{our:?}");
            }
            assert_eq!(their.ttl, our.ttl, "{our:?}");
        }
    }
}
