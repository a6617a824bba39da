//! Any packet gets silence, a fault's reply or an answer, and what leaves is a message: the packet's id,
//! QR, no longer than the limit, readable to its last octet.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use wire::{Malformed, Message, Name, Owner, Query, Rcode, Reply, Rtype, Section, Template, TemplateBuilder};

/// For any question: its anchor is the root, its pointers move.
static TEMPLATE: LazyLock<Template> = LazyLock::new(|| {
    let host: Name = "ns.example.com".parse().expect("a name");
    let mut builder = TemplateBuilder::new(&Name::root());
    for (section, owner, rtype, rdata) in [
        (Section::Answer, Owner::Question, Rtype::CNAME, host.as_wire()),
        (Section::Answer, Owner::Name(&host), Rtype::A, &[192, 0, 2, 1]),
        (Section::Authority, Owner::Name(&host.parent().expect("not the root")), Rtype::NS, host.as_wire()),
        (Section::Additional, Owner::Name(&host), Rtype::AAAA, &[1; 16]),
    ] {
        builder.push(section, owner, rtype, 60, rdata).expect("short");
    }
    builder.finish()
});

fuzz_target!(|packet: &[u8]| {
    let mut buffer = [0; 1232];
    // The limit is the packet's own choice, and often too small.
    let limit = packet.last().map_or(512, |&octet| usize::from(octet) * 4);
    let (length, limit) = match Query::parse(packet) {
        Err(Malformed::Silent) => return,
        Err(Malformed::Answer(fault)) => {
            assert!(matches!(fault.rcode, Rcode::FORMERR | Rcode::NOTIMP | Rcode::BADVERS));
            (Reply::fault(&fault, &mut buffer), 512)
        }
        Ok(query) => {
            assert_eq!(Name::from_wire(query.question.name.as_wire()), Ok(query.question.name.to_name()));
            let mut reply = Reply::to(&query, &mut buffer, limit);
            reply.set_scope(limit as u8);
            reply.template(TEMPLATE.as_ref(), 7);
            (reply.finish(), limit)
        }
    };
    assert!(length <= limit);
    if length == 0 {
        return assert!(limit < wire::HEADER);
    }
    let reply = Message::parse(&buffer[..length]).expect("a message");
    assert!(reply.is_response());
    assert_eq!(buffer[..2], packet[..2]);
    let records = reply.records().map(|record| record.expect("a record").1.rtype);
    let [a, b, c] = reply.counts().map(usize::from);
    assert_eq!(records.count(), a + b + c);
});
