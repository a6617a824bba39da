//! Whatever stands in a master file: an error or a zone, never a panic; and a zone is written as it reads.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::ErrorKind;
use std::path::Path;

use proptest::prelude::*;
use wire::{Name, Rtype};
use zones::{LoadError, Problem, Zone};

/// One good record of each type, and the ways to write an entry.
const SEED: &str = "$TTL 1h\n$ORIGIN z.\n@ SOA ns admin ( 1 1h ; refresh\n 2m 3w 5 )\n NS ns\nns A 192.0.2.1\n\
    ns AAAA 2001:db8::1\nm MX 10 mail\ns SRV 1 2 3 a\nt TXT one \"two \\\"three\\\"\" \\065\\.\nh HINFO PC Linux\n\
    n NAPTR 1 2 u sip \"!x!y!\" .\nu URI 1 2 \"https://z/\"\nc CAA 0 issue \"ca.example\"\nd DS 1 13 2 00FF\n\
    k DNSKEY 257 3 13 AAEC\nl TLSA 3 1 1 ( 00 ff )\nf SSHFP 1 1 00ff\ne NSEC a A TXT\nE NSEC3 1 0 5 ab 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom A\n\
    P NSEC3PARAM 1 0 5 -\no OPENPGPKEY AAEC\nv SVCB 0 a\nw HTTPS 1 . alpn=\"h2,h3\" port=53 ipv4hint=192.0.2.1\n\
    r RRSIG A 13 2 60 20260101000000 20250101000000 7 @ AAEC\nx TYPE65280 \\# 3 00 01 ff\ny A \\# 4 C0000201\n\
    z ZONEMD 1 1 1 00112233445566778899aabb\ni IPSECKEY 10 1 2 192.0.2.38 AQNRU3mG\nj CDS 1 13 2 00ff\n*.w PTR .\n";

fn read(text: &[u8]) -> Result<Zone, Vec<Problem>> {
    let apex: Name = "z.".parse().unwrap();
    zones::parse(text, Path::new("m"), &apex, &|_| Err(ErrorKind::NotFound.into()))
}

fn hold(text: &[u8]) {
    match read(text) {
        Err(problems) => assert!(!problems.is_empty() && problems.iter().all(|it| it.line > 0)),
        Ok(zone) => {
            let written = zone.to_string();
            let again =
                read(written.as_bytes()).map_err(LoadError::Bad).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(again.to_string(), written);
            let Ok((compiled, _)) = zone.compile() else { return };
            for record in zone.records() {
                let name = Name::from_wire(record.owner).unwrap();
                compiled.find(&name.folded(), Rtype::ANY);
                if compiled.find(&name.folded(), record.rtype).template().is_none() {
                    compiled.compose(&name, record.rtype).unwrap();
                }
            }
        }
    }
}

#[test]
fn the_seed_is_good() {
    assert_eq!(read(SEED.as_bytes()).map_err(LoadError::Bad).unwrap().len(), 28);
    hold(SEED.as_bytes());
}

/// Each line of the seed with each octet replaced by those that mean something, left out, or the last.
#[test]
fn every_octet_damaged() {
    for line in SEED.split_inclusive('\n') {
        let line = line.as_bytes();
        for at in 0..line.len() {
            for by in *b"\"\\();$@. \n\r\t0a#\0\xFF" {
                let mut damaged = [b"$TTL 1\n".as_slice(), line].concat();
                damaged[7 + at] = by;
                hold(&damaged);
            }
            hold(&[b"$TTL 1\n", &line[..at], &line[at + 1..]].concat());
            hold(&[b"$TTL 1\n", &line[..at]].concat());
        }
    }
}

fn a_piece() -> impl Strategy<Value = Vec<u8>> {
    let words: Vec<&str> = SEED.split_whitespace().collect();
    prop_oneof![
        8 => proptest::sample::select(words).prop_map(|word| word.as_bytes().to_vec()),
        4 => Just(b" ".to_vec()),
        2 => Just(b"\n".to_vec()),
        1 => proptest::sample::select(&b"\"\\();$@.#0"[..]).prop_map(|octet| vec![octet]),
        1 => proptest::collection::vec(any::<u8>(), 0..4),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text(pieces in proptest::collection::vec(a_piece(), 0..60)) {
        hold(&pieces.concat());
    }

    #[test]
    fn entries_of_any_words(
        rtype in proptest::sample::select(vec!["DS", "DNSKEY", "TLSA", "SSHFP", "NSEC", "NSEC3", "NSEC3PARAM", "OPENPGPKEY", "SVCB",
            "HTTPS", "RRSIG", "ZONEMD", "IPSECKEY", "CDS", "CDNSKEY", "SOA", "TXT", "NAPTR", "CAA", "TYPE0", "LOC", "CERT"]),
        pieces in proptest::collection::vec(a_piece(), 0..12),
    ) {
        hold(format!("a 1 {rtype} ").into_bytes().into_iter().chain(pieces.join(&b' ')).collect::<Vec<u8>>().as_slice());
    }
}
