use proptest::prelude::*;

use super::*;

fn option(code: u16, data: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes()[..], &(data.len() as u16).to_be_bytes(), data].concat()
}

fn parse(rdata: &[u8]) -> Result<Edns<'_>, Rcode> {
    Edns::parse(4096, 0, rdata)
}

#[test]
fn class_and_ttl_are_payload_version_and_do() {
    let plain = Edns::parse(1232, 0, &[]).unwrap();
    assert_eq!((plain.udp_payload, plain.version, plain.dnssec_ok, plain.nsid), (1232, 0, false, false));
    assert_eq!(Edns::parse(100, 0, &[]).unwrap().udp_payload, 512);
    assert!(Edns::parse(1232, 0x8000, &[]).unwrap().dnssec_ok);
    assert!(!Edns::parse(1232, 0x7FFF, &[]).unwrap().dnssec_ok, "the Z bits say nothing");
    assert_eq!(Edns::parse(1232, 0x0001_0000, b"junk").unwrap().version, 1, "options are of version 0");
}

#[test]
fn options_that_overrun() {
    for rdata in [&b"\0"[..], b"\0\x03", b"\0\x03\0", b"\0\x03\0\x01", b"\0\x03\0\0\0", b"\xff\xff\xff\xff\0"]
    {
        assert_eq!(parse(rdata), Err(Rcode::FORMERR), "{rdata:?}");
    }
    let rdata = [option(option::NSID, b""), option(65001, b"?"), option(option::PADDING, &[0; 9])].concat();
    assert!(parse(&rdata).unwrap().nsid);
    let codes: Vec<_> = options(&rdata).map(|option| option.map(|(code, data)| (code, data.len()))).collect();
    assert_eq!(codes, [Ok((3, 0)), Ok((65001, 1)), Ok((12, 9))]);
}

#[test]
fn client_subnets() {
    let v4 = ClientSubnet::parse(&[0, 1, 24, 0, 192, 0, 2]).unwrap();
    assert_eq!(v4, ClientSubnet::new("192.0.2.99".parse().unwrap(), 24));
    assert_eq!(v4.address(), Some("192.0.2.0".parse().unwrap()));
    let v6 = ClientSubnet::parse(&[0, 2, 33, 0, 0x20, 1, 0xD, 0xB8, 0x80]).unwrap();
    assert_eq!(v6.address(), Some("2001:db8:8000::".parse().unwrap()));
    assert_eq!(v6, ClientSubnet::new("2001:db8:ffff::1".parse().unwrap(), 33));
    assert_eq!(ClientSubnet::new("::1".parse().unwrap(), 255).source, 128);
    assert_eq!(ClientSubnet::new("192.0.2.1".parse().unwrap(), 128).source, 32);
    // Source 0 of each family, and family 0, which dig sends for `+subnet=0`: the asker declines.
    for family in 0..=2 {
        assert_eq!(ClientSubnet::parse(&[0, family, 0, 0]).unwrap().address(), None);
    }
}

#[test]
fn client_subnets_that_are_malformed() {
    for (data, why) in [
        (&[][..], "empty"),
        (&[0, 1, 0], "shorter than its head"),
        (&[0, 1, 24, 0, 192, 0], "address too short"),
        (&[0, 1, 24, 0, 192, 0, 2, 0], "address too long"),
        (&[0, 1, 0, 0, 0], "an address for source 0"),
        (&[0, 1, 23, 0, 192, 0, 3], "a bit beyond the source"),
        (&[0, 2, 1, 0, 0xC0], "a bit beyond the source"),
        (&[0, 1, 33, 0, 192, 0, 2, 1, 0], "source beyond IPv4"),
        (&[0, 2, 129, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 0], "source beyond IPv6"),
        (&[0, 1, 24, 33, 192, 0, 2], "scope beyond IPv4"),
        (&[0, 0, 8, 0, 10], "an address of no family"),
        (&[0, 0, 0, 1], "a scope of no family"),
        (&[0, 3, 0, 0], "an unknown family"),
        (&[1, 1, 0, 0], "an unknown family"),
    ] {
        assert_eq!(ClientSubnet::parse(data), None, "{why}");
        assert_eq!(parse(&option(option::CLIENT_SUBNET, data)), Err(Rcode::FORMERR), "{why}");
    }
    // A scope is for responses only.
    let scoped = [0, 1, 24, 16, 192, 0, 2];
    assert_eq!(ClientSubnet::parse(&scoped).unwrap().scope, 16);
    assert_eq!(parse(&option(option::CLIENT_SUBNET, &scoped)), Err(Rcode::FORMERR));
    let once = option(option::CLIENT_SUBNET, &[0, 1, 0, 0]);
    assert!(parse(&once).unwrap().client_subnet.is_some());
    assert_eq!(parse(&[&once[..], &once].concat()), Err(Rcode::FORMERR), "twice");
}

/// A length of 8 or of 16 to 40 octets (RFC 7873 §5.2.2).
#[test]
fn cookie_lengths() {
    for length in 0..50 {
        let rdata = option(option::COOKIE, &vec![7; length]);
        match parse(&rdata) {
            Ok(edns) => {
                assert!(matches!(length, 8 | 16..=40), "{length}");
                assert_eq!(edns.cookie, Some(Cookie { client: [7; 8], server: &vec![7; length - 8] }));
            }
            Err(error) => {
                assert!(!matches!(length, 8 | 16..=40), "{length}");
                assert_eq!(error, Rcode::FORMERR);
            }
        }
    }
}

/// RFC 7873 §5.2: of several the first is considered, the others are ignored.
#[test]
fn the_first_cookie_counts() {
    let rdata = [option(option::COOKIE, &[1; 8]), option(option::COOKIE, &[2; 3])].concat();
    assert_eq!(parse(&rdata).unwrap().cookie, Some(Cookie { client: [1; 8], server: &[] }));
}

/// Whoever changes the public fields gets nonsense, but no panic.
#[test]
fn a_source_beyond_its_family_is_written_as_the_whole_address() {
    let mut subnet = ClientSubnet::new("192.0.2.1".parse().unwrap(), 32);
    subnet.source = 255;
    assert_eq!(subnet.wire_len(), 12);
}

proptest! {
    #[test]
    fn client_subnet_goes_both_ways(address: std::net::IpAddr, source: u8) {
        let subnet = ClientSubnet::new(address, source);
        let data = subnet.data();
        prop_assert_eq!(ClientSubnet::parse(&data[..subnet.wire_len() - 4]), Some(subnet));
        prop_assert_eq!(subnet.address().is_none(), source == 0);
    }

    #[test]
    fn parsing_never_panics(class: u16, ttl: u32, rdata in prop::collection::vec(any::<u8>(), 0..80)) {
        let _ = Edns::parse(class, ttl, &rdata);
        for option in options(&rdata) {
            prop_assert!(option.map_or(true, |(_, data)| data.len() <= rdata.len()));
        }
    }
}
