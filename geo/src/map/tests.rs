#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;

fn overrides(text: &str) -> Source {
    let text = format!("cidr,carrier,country,province,city,asn\n{text}");
    Source::overrides("test.csv", text.as_bytes()).unwrap()
}

fn brief(map: &Map, address: &str) -> String {
    let Located { place, prefix, .. } = map.locate(address.parse().unwrap());
    let text = |it: &Option<std::sync::Arc<str>>| it.as_deref().unwrap_or("-").to_owned();
    let asn = place.asn.map_or("-".to_owned(), |asn| asn.to_string());
    let (carrier, province, city) = (text(&place.carrier), text(&place.province), text(&place.city));
    format!("{prefix} {carrier} {asn} {province} {city}")
}

#[test]
fn the_shipped_table_places_well_known_resolvers() {
    let map = Map::shipped().unwrap();
    for (address, expected) in [
        ("202.96.209.133", "telecom - CN-SH Shanghai"),
        ("202.106.0.20", "unicom - CN-BJ Beijing"),
        ("211.136.112.50", "mobile - CN-SH Shanghai"),
        ("166.111.8.28", "edu - CN-BJ Beijing"),
        ("240e::1", "telecom - - -"),
        ("::ffff:202.106.0.20", "unicom - CN-BJ Beijing"),
        ("192.0.2.1", "- - - -"),
    ] {
        let found = brief(&map, address);
        assert_eq!(found.split_once(' ').unwrap().1, expected, "{address}");
    }
    assert!(map.places().iter().all(|place| place.country.is_none() || place.point.is_some()));
}

#[test]
fn the_default_world_stands_where_design_puts_it() {
    let world = Source::overrides("overrides.csv", crate::DEFAULT_OVERRIDES.as_bytes()).unwrap();
    assert_eq!(world.rows(), 3);
    let map = MapBuilder::shipped().unwrap().layer(world).build();
    assert_eq!(brief(&map, "127.0.1.1"), "127.0.1.1/32 telecom 4134 CN-SH Shanghai");
    assert_eq!(brief(&map, "127.0.1.2"), "127.0.1.2/32 unicom 4837 CN-BJ Beijing");
    assert_eq!(brief(&map, "127.0.1.3"), "127.0.1.3/32 mobile 9808 CN-GD Guangzhou");
    assert!(brief(&map, "127.0.1.4").ends_with("- - - -"));
}

#[test]
fn later_sources_win_and_blanks_leave_what_lies_below() {
    let map = MapBuilder::new()
        .layer(overrides("10.0.0.0/8,telecom,CN,CN-SH,Shanghai,4134\n10.1.0.0/16,unicom,,,,"))
        .layer(overrides("10.1.2.0/24,,,CN-GD,,\n10.1.2.3/32,,,,,9808"))
        .build();
    assert_eq!(brief(&map, "10.9.9.9"), "10.8.0.0/13 telecom 4134 CN-SH Shanghai");
    assert_eq!(brief(&map, "10.1.9.9"), "10.1.8.0/21 unicom - CN-SH Shanghai");
    // A new province brings its own centre and leaves no city of another behind.
    assert_eq!(brief(&map, "10.1.2.4"), "10.1.2.4/30 unicom - CN-GD -");
    let point = map.locate([10, 1, 2, 4].into()).place.point.unwrap();
    assert!(point.distance_km(crate::Point::new(23.13, 113.26).unwrap()) < 5.0);
    assert_eq!(brief(&map, "10.1.2.3"), "10.1.2.3/32 unicom 9808 CN-GD -");
}

#[test]
fn a_full_source_replaces_even_with_unknown() {
    let text = "10.0.0.0|10.0.0.255|中国|0|北京|北京市|0\n";
    let map = MapBuilder::new()
        .layer(overrides("10.0.0.0/8,telecom,CN,CN-SH,Shanghai,4134"))
        .layer(Source::ip2region("t.txt", text.as_bytes()).unwrap())
        .build();
    assert_eq!(brief(&map, "10.0.0.1"), "10.0.0.0/24 - 4134 CN-BJ 北京市");
}

#[test]
fn the_digest_is_of_the_content() {
    let digest = |layers: &[&str]| {
        let layer = |map: MapBuilder, text: &&str| map.layer(overrides(text));
        layers.iter().fold(MapBuilder::new(), layer).build().digest()
    };
    let whole = digest(&["10.0.0.0/8,telecom,CN,CN-SH,,\n11.0.0.0/8,unicom,CN,CN-BJ,,"]);
    // Otherwise cut, in another order, over something that is hidden.
    assert_eq!(
        whole,
        digest(&[
            "10.0.0.0/9,edu,CN,CN-SH,,",
            "11.0.0.0/8,unicom,CN,CN-BJ,,\n10.128.0.0/9,telecom,CN,CN-SH,,",
            "10.0.0.0/9,telecom,CN,CN-SH,,",
        ])
    );
    let others = [
        "10.0.0.0/8,telecom,CN,CN-SH,,\n11.0.0.0/8,unicom,CN,CN-BJ,Beijing,",
        "10.0.0.0/8,telecom,CN,CN-SH,,\n11.0.0.0/9,unicom,CN,CN-BJ,,",
        "10.0.0.0/8,telecom,CN,CN-SH,,\n11.0.0.0/8,unicom,CN,CN-BJ,,4134",
        "10.0.0.0/8,unicom,CN,CN-SH,,\n11.0.0.0/8,telecom,CN,CN-BJ,,",
    ];
    for other in others {
        assert_ne!(whole, digest(&[other]), "{other}");
    }
}

#[test]
fn leaves_name_their_places() {
    let map = MapBuilder::new().layer(overrides("10.0.0.0/8,telecom,,,,")).build();
    let telecom: Vec<_> = map
        .leaves()
        .filter(|(_, id)| map.places()[id.index()].carrier.is_some())
        .map(|(net, _)| net.to_string())
        .collect();
    assert_eq!(telecom, ["10.0.0.0/8"]);
}
