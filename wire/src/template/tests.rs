use super::*;
use crate::types::Rtype;

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

#[test]
fn names_become_pointers() {
    let anchor = name("www.example");
    let mut builder = TemplateBuilder::new(&anchor);
    let (zone, host) = (name("EXAMPLE"), name("a.b.net"));
    builder.push(Section::Answer, Owner::Name(&anchor), Rtype::CNAME, 9, host.as_wire()).unwrap();
    builder.push(Section::Answer, Owner::Name(&host), Rtype::NS, 8, name("x.B.net").as_wire()).unwrap();
    builder.push(Section::Authority, Owner::Question, Rtype::NS, 7, zone.as_wire()).unwrap();
    let template = builder.finish();
    let view = template.as_ref();
    // Header 12, question 13 + 4: the body begins at 29, its first RDATA at 41.
    assert_eq!(&view.body[..12], b"\xc0\x0c\0\x05\0\x01\0\0\0\x09\0\x09", "owner: the question");
    assert_eq!(&view.body[12..21], b"\x01a\x01b\x03net\0", "new, as it stands");
    assert_eq!(&view.body[21..23], b"\xc0\x29", "the RDATA before");
    assert_eq!(&view.body[33..37], b"\x01x\xc0\x2b", "the suffix that is known, in whatever case");
    assert_eq!(&view.body[37..], b"\xc0\x0c\0\x02\0\x01\0\0\0\x07\0\x02\xc0\x10", "the anchor's suffix");
    assert_eq!(view.pointers, [0, 21, 35, 49], "all but the question's own");
    assert_eq!(view.ttls, [6, 27, 43]);
    assert_eq!((view.counts, view.additional_at), ([2, 1, 0], 51));
    assert_eq!(template.min_ttl(), Some(7));
    assert_eq!(Template::empty().min_ttl(), None);
}

/// Only names in types of RFC 1035 (RFC 3597 §4); the root is no pointer's target.
#[test]
fn what_is_not_compressed() {
    let anchor = name("example");
    let mut builder = TemplateBuilder::new(&anchor);
    let srv = [&[0; 6], anchor.as_wire()].concat();
    builder.push(Section::Answer, Owner::Name(&Name::root()), Rtype::SRV, 0, &srv).unwrap();
    builder.push(Section::Answer, Owner::Name(&Name::root()), Rtype::NS, 0, &[0]).unwrap();
    let template = builder.finish();
    assert!(template.as_ref().pointers.is_empty());
    assert_eq!(&template.as_ref().body[11..11 + srv.len()], srv);
}

/// RDATA that is not of its type is kept as it stands.
#[test]
fn rdata_that_breaks_its_type() {
    let mut builder = TemplateBuilder::new(&name("example"));
    let good = name("ns.example");
    let mut expected = 0;
    for (rtype, rdata) in [
        (Rtype::NS, &b""[..]),
        (Rtype::NS, b"\x05ab"),
        (Rtype::MX, b"\x01"),
        (Rtype::MX, b"\0\x01"),
        (Rtype::SOA, b"\0"),
        (Rtype::NS, b"\x80"),
    ] {
        builder.push(Section::Answer, Owner::Name(&good), rtype, 0, rdata).unwrap();
        expected += rdata.len();
    }
    // The first owner in full but for the anchor, then pointers: 5 + 5 × 2, and 10 octets for each record.
    assert_eq!(builder.finish().as_ref().body.len(), expected + 5 + 10 + 60);
}

#[test]
fn too_long_leaves_the_builder_as_it_was() {
    let (anchor, other) = (name("example"), name("new.name"));
    let mut builder = TemplateBuilder::new(&anchor);
    builder.push(Section::Answer, Owner::Name(&anchor), Rtype::TXT, 1, &[0; 60_000]).unwrap();
    let before = builder.body.len();
    for section in [Section::Answer, Section::Additional] {
        let pushed = builder.push(section, Owner::Name(&other), Rtype::NULL, 1, &[0; 6_000]);
        assert_eq!(pushed, Err(TooLong));
    }
    assert_eq!(builder.body.len(), before);
    // The name that went is no target, and there still is no additional section.
    builder.push(Section::Authority, Owner::Name(&other), Rtype::A, 1, &[0; 4]).unwrap();
    let template = builder.finish();
    assert_eq!(&template.as_ref().body[before..before + 10], other.as_wire());
    assert_eq!(template.as_ref().counts, [1, 1, 0]);
    assert_eq!(usize::from(template.as_ref().additional_at), template.as_ref().body.len());
}

/// Pointers have 14 bits, and a question may move them by a name's length: beyond, no name is a target.
#[test]
fn far_names_are_no_targets() {
    let mut builder = TemplateBuilder::new(&Name::root());
    builder.push(Section::Answer, Owner::Question, Rtype::TXT, 1, &[0; 16_100]).unwrap();
    let late = name("late.example");
    for _ in 0..2 {
        builder.push(Section::Answer, Owner::Name(&late), Rtype::A, 1, &[0; 4]).unwrap();
    }
    let template = builder.finish();
    assert!(template.as_ref().pointers.is_empty());
    assert!(
        template.as_ref().body.ends_with(&[late.as_wire(), b"\0\x01\0\x01\0\0\0\x01\0\x04\0\0\0\0"].concat())
    );
}
