use std::cmp::Ordering;
use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// Any name, any octets, up to 255 of them.
fn any_name() -> impl Strategy<Value = Name> {
    let label = prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 1..12),
        1 => prop::collection::vec(any::<u8>(), 1..=63),
    ];
    prop::collection::vec(label, 0..8).prop_map(|labels| {
        let mut name = Name::root();
        for label in labels {
            name = name.child(&label).unwrap_or(name);
        }
        name
    })
}

#[test]
fn text_becomes_wire() {
    assert_eq!(name(".").as_wire(), [0]);
    assert_eq!(name("wWw.example").as_wire(), b"\x03wWw\x07example\0");
    assert_eq!(name("www.example."), name("WWW.EXAMPLE"));
    assert_eq!(name(r"a\.b.c").as_wire(), b"\x03a.b\x01c\0");
    assert_eq!(name(r"a\.").as_wire(), b"\x02a.\0");
    assert_eq!(name(r"\000\255\\").as_wire(), b"\x03\x00\xff\\\0");
    assert_eq!(name("é").as_wire(), b"\x02\xc3\xa9\0");
}

#[test]
fn text_that_is_no_name() {
    for (text, error) in [
        ("", NameError::EmptyLabel),
        ("..", NameError::EmptyLabel),
        (".a", NameError::EmptyLabel),
        ("a..b", NameError::EmptyLabel),
        ("a..", NameError::EmptyLabel),
        (r"a\", NameError::BadEscape),
        (r"\25", NameError::BadEscape),
        (r"\2x5", NameError::BadEscape),
        (r"\256", NameError::BadEscape),
        (r"\999", NameError::BadEscape),
    ] {
        assert_eq!(text.parse::<Name>(), Err(error), "{text:?}");
    }
}

#[test]
fn limits_are_63_and_255() {
    let (long, longer) = ("a".repeat(63), "a".repeat(64));
    assert_eq!(name(&long).as_wire().len(), 65);
    assert_eq!(longer.parse::<Name>(), Err(NameError::LongLabel));
    assert_eq!(Name::root().child(longer.as_bytes()), Err(NameError::LongLabel));
    assert_eq!(Name::root().child(b""), Err(NameError::EmptyLabel));

    let full = format!("{long}.{long}.{long}.{}", "a".repeat(61));
    let over = format!("{long}.{long}.{long}.{}", "a".repeat(62));
    assert_eq!(name(&full).as_wire().len(), MAX_NAME);
    assert_eq!(over.parse::<Name>(), Err(NameError::LongName));
    assert_eq!(name(&full).child(b"a"), Err(NameError::LongName));
    assert_eq!(Name::from_wire(name(&full).as_wire()), Ok(name(&full)));
    assert_eq!(name(&vec!["a"; 127].join(".")).label_count(), 127);
    assert_eq!(vec!["a"; 128].join(".").parse::<Name>(), Err(NameError::LongName));

    // The same limit on the wire, plain and by way of a pointer.
    let mut wire = name(&full).as_wire().to_vec();
    assert_eq!(Name::read(&wire, 0).unwrap().1, MAX_NAME);
    wire.extend_from_slice(b"\x01a\xc0\x00");
    assert_eq!(Name::read(&wire, MAX_NAME), Err(NameError::LongName));
    let over = [&b"\x02aa"[..], &wire[..MAX_NAME]].concat();
    assert_eq!(Name::read(&over, 0), Err(NameError::LongName));
    assert_eq!(check(&over), Err(NameError::LongName));
}

#[test]
fn wire_that_is_no_name() {
    for (wire, error) in [
        (&b""[..], NameError::Truncated),
        (b"\x01", NameError::Truncated),
        (b"\x01a", NameError::Truncated),
        (b"\x40a\0", NameError::BadPointer),
        (b"\x80a\0", NameError::BadPointer),
        (b"\xc0\x00", NameError::BadPointer),
        (b"\x01a\0\0", NameError::LongName),
    ] {
        assert_eq!(Name::from_wire(wire), Err(error), "{wire:?}");
    }
}

#[test]
fn pointers_go_backwards_only() {
    //                0            5      8       10
    let message = b"\x03www\0\x02ab\xc0\x00\xc0\x05\xc0";
    assert_eq!(Name::read(message, 5).unwrap(), (name("ab.www"), 10));
    assert_eq!(Name::read(message, 10).unwrap(), (name("ab.www"), 12), "a pointer to a pointer");
    assert_eq!(Name::read(message, 12), Err(NameError::Truncated), "half a pointer");
    assert_eq!(Name::read(message, 13), Err(NameError::Truncated), "beyond the end");
    for (message, at, what) in [
        (&b"\xc0\x00"[..], 0, "itself"),
        (b"\x01a\xc0\x00", 0, "its own label"),
        (b"\xc0\x02\x01a\0", 0, "forward"),
        (b"\xc0\x02\xc0\x00", 2, "a loop of two"),
        (b"\x01a\xc0\x02\xc0\x00", 4, "a label, then itself"),
        (b"\xff\xff\0", 0, "far beyond the end"),
    ] {
        assert_eq!(Name::read(message, at), Err(NameError::BadPointer), "{what}");
    }
}

/// The order of RFC 4034 §6.1, with its own example.
/// A message may have thousands of names at the end of one chain: each must cost little.
#[test]
fn pointers_are_followed_as_often_as_a_name_has_labels() {
    let mut message = vec![0];
    for length in 1..=128 {
        let before: u16 = if length == 1 { 0 } else { 2 * length - 3 };
        message.extend_from_slice(&(0xC000 | before).to_be_bytes());
    }
    let at = |length: usize| 2 * length - 1;
    assert_eq!(Name::read(&message, at(127)).map(|(name, _)| name), Ok(Name::root()));
    assert_eq!(Name::read(&message, at(128)), Err(NameError::BadPointer));
}

#[test]
fn canonical_order() {
    let names = [
        "example",
        "a.example",
        "yljkjljk.a.example",
        "Z.a.example",
        "zABC.a.EXAMPLE",
        "z.example",
        r"\001.z.example",
        "*.z.example",
        r"\200.z.example",
    ]
    .map(name);
    for (i, a) in names.iter().enumerate() {
        for (j, b) in names.iter().enumerate() {
            assert_eq!(a.cmp(b), i.cmp(&j), "{a} {b}");
        }
    }
    assert_eq!(Name::root().cmp(&name("a")), Ordering::Less);
    assert_eq!(name("A.b").cmp(&name("a.B")), Ordering::Equal);
}

#[test]
fn ancestors_end_at_the_root() {
    let folded = name("A.bc.D").folded();
    let all: Vec<_> = folded.ancestors().collect();
    assert_eq!(all, [&b"\x01a\x02bc\x01d\0"[..], b"\x02bc\x01d\0", b"\x01d\0", b"\0"]);
    assert_eq!(Name::root().folded().ancestors().count(), 1);
    assert_eq!(name("a.b").parent().unwrap().parent().unwrap(), Name::root());
    assert!(Name::root().parent().is_none());
}

#[test]
fn below_is_by_label_and_not_by_octet() {
    assert!(name("www.Example").is_at_or_below(&name("eXample")));
    assert!(name("example").is_at_or_below(&name("example")));
    assert!(name("example").is_at_or_below(&Name::root()));
    assert!(!name("wwwexample").is_at_or_below(&name("example")));
    assert!(!name("example").is_at_or_below(&name("www.example")));
    // Within the one label, `\007example` looks like the wire form of the other name.
    assert!(!name(r"w\007example").is_at_or_below(&name("example")));
    assert!(name("*.a").is_wildcard() && !name("a.*").is_wildcard() && !name("**.a").is_wildcard());
}

proptest! {
    #[test]
    fn presentation_goes_both_ways(name in any_name()) {
        let text = name.to_string();
        prop_assert!(text.bytes().all(|octet| octet.is_ascii_graphic()));
        let again: Name = text.parse().unwrap();
        prop_assert_eq!(again.as_wire(), name.as_wire());
    }

    #[test]
    fn equality_order_and_hash_agree(a in any_name(), b in any_name()) {
        let labels = |name: &Name| {
            let mut labels: Vec<_> = name.labels().map(<[u8]>::to_ascii_lowercase).collect();
            labels.reverse();
            labels
        };
        prop_assert_eq!(a.cmp(&b), labels(&a).cmp(&labels(&b)));
        prop_assert_eq!(a == b, a.cmp(&b).is_eq());
        let upper = Name::from_wire(&raise(&a)).unwrap();
        prop_assert_eq!(HashSet::from([a.clone(), upper.clone(), a.folded().to_name()]).len(), 1);
        prop_assert_eq!(upper.folded(), a.folded());
        prop_assert_eq!(a.is_at_or_below(&b), labels(&a).starts_with(&labels(&b)));
    }

    #[test]
    fn reading_never_panics(message in prop::collection::vec(any::<u8>(), 0..300), at in 0_usize..400) {
        if let Ok((name, end)) = Name::read(&message, at) {
            prop_assert!(name.as_wire().len() <= MAX_NAME && end <= message.len());
            prop_assert_eq!(check(name.as_wire()), Ok(name.as_wire().len()));
        }
    }

    #[test]
    fn text_never_panics(text in r"[a-c.\\0-9é]{0,20}") {
        if let Ok(name) = text.parse::<Name>() {
            prop_assert_eq!(Name::from_wire(name.as_wire()), Ok(name));
        }
    }
}

/// The wire form in capitals.
fn raise(name: &Name) -> Vec<u8> {
    let mut wire = Vec::new();
    for label in name.labels() {
        wire.push(label.len() as u8);
        wire.extend(label.to_ascii_uppercase());
    }
    wire.push(0);
    wire
}
