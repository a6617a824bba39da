//! Asking a zone as a client does: a message goes in, a message comes out; hickory-proto reads it too.

use std::path::Path;

use wire::{Ask, Message, Name, Query, Rcode, Reply, Rtype, Section, Template};
use zones::{CompiledZone, Zone, ZoneRecord};

/// What came back; records in presentation form, sorted, names folded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) rcode: String,
    pub(crate) authoritative: bool,
    pub(crate) sections: [Vec<String>; 3],
}

pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub(crate) fn parse(text: &str, apex: &str) -> Zone {
    let nothing = |_: &Path| Err(std::io::ErrorKind::Unsupported.into());
    zones::parse(text.as_bytes(), Path::new("test.zone"), &name(apex), &nothing)
        .map_err(zones::LoadError::Bad)
        .unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn compile(text: &str, apex: &str) -> CompiledZone {
    parse(text, apex).compile().map_err(zones::LoadError::Bad).unwrap_or_else(|error| panic!("{error}")).0
}

pub(crate) fn text(record: ZoneRecord<'_>) -> String {
    record.to_string().to_ascii_lowercase()
}

pub(crate) fn ask(zone: &CompiledZone, qname: &Name, qtype: Rtype) -> Response {
    let mut packet = Vec::new();
    let mut ask = Ask::new(7, qname, qtype);
    ask.edns = false;
    ask.write(&mut packet);
    let query = Query::parse(&packet).unwrap();
    let mut buffer = vec![0; 65_535];
    let mut reply = Reply::to(&query, &mut buffer, 65_535);
    let found = zone.find(&query.question.name, qtype);
    let composed: Template;
    let (rcode, template) = match found.template() {
        Some(template) => (found.rcode(), template),
        None => {
            let (rcode, template) = zone.compose(qname, qtype).unwrap();
            composed = template;
            (rcode, composed.as_ref())
        }
    };
    reply.set_rcode(rcode);
    if found.is_authoritative() {
        reply.set_authoritative();
    }
    reply.template(template, 0);
    let length = reply.finish();
    let message = &buffer[..length];
    let response = read(message);
    let theirs = hickory_proto::op::Message::from_vec(message).expect("hickory reads it").to_vec().unwrap();
    assert_eq!(read(&theirs), response, "hickory reads the same of {qname} {qtype}");
    response
}

fn read(packet: &[u8]) -> Response {
    let message = Message::parse(packet).unwrap();
    assert!(!message.is_truncated());
    let rcode: Rcode = message.header_rcode();
    let authoritative = message.is_authoritative();
    let mut response = Response { rcode: rcode.to_string(), authoritative, ..Response::default() };
    for record in message.records() {
        let (section, record) = record.unwrap();
        let section = match section {
            Section::Answer => 0,
            Section::Authority => 1,
            Section::Additional => 2,
        };
        let (file, line) = (Path::new(""), 0);
        let (owner, rdata) = (record.owner.as_wire(), &*record.rdata);
        let it = ZoneRecord { owner, rtype: record.rtype, ttl: record.ttl, rdata, file, line };
        response.sections[section].push(text(it));
    }
    response.sections.iter_mut().for_each(|section| section.sort());
    response
}
