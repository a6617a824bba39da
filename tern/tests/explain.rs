//! The text of `tern explain`, from an explanation of steering's own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use jiff::Timestamp;
use steering::Fallback;
use steering::explain::{Candidate, Explanation, WorldFacts};
use steering::policy::{Terms, Verdict};
use tern::cli::Family;

/// SLB, address, zone, line, km, hops, verdict.
type Row = (&'static str, &'static str, &'static str, &'static str, f64, u32, Verdict);

const ROWS: [Row; 12] = [
    ("cn-east-slb2", "198.18.0.12", "cn-east-a", "telecom", 0.0, 0, Verdict::Taken),
    ("cn-east-slb3", "198.18.0.13", "cn-east-b", "telecom", 0.0, 0, Verdict::Taken),
    ("cn-east-slb1", "198.18.0.11", "cn-east-a", "telecom", 0.0, 0, Verdict::LostTie),
    ("cn-east-slb4", "198.18.0.14", "cn-east-b", "telecom", 0.0, 0, Verdict::Draining),
    ("cn-east-slb5", "198.18.0.15", "cn-east-c", "telecom", 0.0, 0, Verdict::ForcedDown),
    ("cn-east-slb6", "198.18.0.16", "cn-east-c", "telecom", 0.0, 0, Verdict::Unhealthy),
    ("cn-north-slb1", "198.18.16.11", "cn-north-a", "telecom", 1067.4, 0, Verdict::Unreachable),
    ("cn-north-slb2", "198.18.16.12", "cn-north-a", "telecom", 1067.4, 0, Verdict::Unreachable),
    ("cn-east-slb2", "198.18.1.12", "cn-east-a", "unicom", 0.0, 1, Verdict::OtherAddress),
    ("cn-east-slb3", "198.18.1.13", "cn-east-b", "unicom", 0.0, 1, Verdict::OtherAddress),
    ("cn-east-slb1", "198.18.1.11", "cn-east-a", "unicom", 0.0, 1, Verdict::Dearer),
    ("cn-east-slb7", "198.18.1.17", "east-d", "unicom", 0.0, 1, Verdict::Taken),
];

fn explanation() -> tern::explain::Explanation {
    let candidate = |(slb, address, zone, line, km, hops, verdict): Row| Candidate {
        slb: slb.to_owned(),
        region: slb.rsplit_once('-').unwrap().0.to_owned(),
        zone: zone.to_owned(),
        line: line.to_owned(),
        address: address.parse().unwrap(),
        terms: Terms {
            distance_km: Some(km),
            region_order: None,
            hops: Some(hops),
            no_path: false,
            bias_ms: 0.0,
        },
        distance_ms: km * 0.015,
        hops_ms: f64::from(hops) * 30.0,
        cost_ms: km * 0.015 + f64::from(hops) * 30.0,
        verdict,
        as_path: vec![65001],
        reach_since: Some(Timestamp::UNIX_EPOCH),
    };
    let map = geo::MapBuilder::new()
        .layer(
            geo::Source::overrides(
                "test.csv",
                b"cidr,carrier,province,lat,lon,asn\n192.0.2.0/24,telecom,CN-SH,31.2,121.5,4134",
            )
            .unwrap(),
        )
        .build();
    let located = map.locate("192.0.2.1".parse().unwrap());
    let explanation = Explanation {
        service: "www.vip.yourcompany.com".to_owned(),
        address: "192.0.2.1".parse().unwrap(),
        prefix: located.prefix,
        place: located.place.clone(),
        carrier: Some("telecom".to_owned()),
        group: 5,
        answers: ["198.18.0.12", "198.18.0.13", "198.18.1.17"].map(|ip| ip.parse().unwrap()).to_vec(),
        ttl: 10,
        fallback: Fallback::None,
        notes: vec!["something worth knowing".to_owned()],
        candidates: ROWS.map(candidate).to_vec(),
        world: WorldFacts { serial: 7, id: format!("{:032x}", 0xfeed), built: Timestamp::UNIX_EPOCH },
    };
    serde_json::from_value(serde_json::to_value(explanation).unwrap()).unwrap()
}

#[test]
fn the_answer_comes_with_the_best_of_each_kind_of_the_others() {
    assert_eq!(explanation().text(Family::V4, false), include_str!("explain.txt"));
}

#[test]
fn all_shows_every_candidate() {
    let text = explanation().text(Family::V4, true);
    let (_, table) = text.split_once("note     something worth knowing\n\n").expect("the same head");
    assert_eq!(table.lines().count(), 1 + ROWS.len());
    for (slb, address, ..) in ROWS {
        assert!(table.lines().any(|line| line.contains(slb) && line.contains(address)), "{address}");
    }
}
