#![allow(clippy::unwrap_used)]

use super::*;
use wire::{Class, Record};

const NOW: Moment = Moment::from_millis(10_000);

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn set(owner: &str, rtype: Rtype, ttl: u32, rdata: &[u8]) -> Arc<Rrset> {
    let record = Record { owner: name(owner), rtype, class: Class::IN, ttl, rdata: rdata.into() };
    Arc::new(Rrset::new([&record], NOW, 86_400).unwrap())
}

fn records() -> Records {
    Records::new(1 << 20, Vec::new())
}

fn delegation(zone: &str, ttl: u32) -> Arc<Delegation> {
    Arc::new(Delegation { zone: name(zone), servers: Vec::new(), expires: NOW.plus_secs(ttl) })
}

/// RFC 2181 §5.4.1: "the RRset ... should be discarded unless it is more trustworthy".
#[test]
fn less_credible_data_never_replaces_more() {
    let records = records();
    let (good, poor) = (set("a.", Rtype::A, 60, &[192, 0, 2, 1]), set("a.", Rtype::A, 600, &[192, 0, 2, 2]));
    records.put(good.clone(), Credibility::Authoritative, NOW);
    records.put(poor.clone(), Credibility::Answer, NOW);
    assert_eq!(records.find(&name("A."), Rtype::A, NOW), Some(Known::Records(good)));
    // Once it has expired it does.
    let later = NOW.plus_secs(60);
    records.put(poor.clone(), Credibility::Answer, later);
    assert_eq!(records.find(&name("a."), Rtype::A, later), Some(Known::Records(poor)));
    let newer = set("a.", Rtype::A, 600, &[192, 0, 2, 3]);
    records.put(newer.clone(), Credibility::Authoritative, later);
    assert_eq!(records.find(&name("a."), Rtype::A, later), Some(Known::Records(newer)));
}

#[test]
fn records_come_before_aliases_and_those_before_nothing() {
    let records = records();
    let soa = set("a.", Rtype::SOA, 60, &[0; 22]);
    let alias = set("x.a.", Rtype::CNAME, 300, name("y.").as_wire());
    records.put_nx_domain(&name("x.a."), soa.clone(), NOW);
    assert_eq!(records.find(&name("x.a."), Rtype::TXT, NOW), Some(Known::NxDomain(soa.clone())));
    assert_eq!(records.find(&name("x.a."), Rtype::TXT, NOW.plus_secs(60)), None, "as long as the SOA lives");
    records.put(alias.clone(), Credibility::Authoritative, NOW);
    assert_eq!(records.find(&name("x.a."), Rtype::A, NOW), Some(Known::Alias(alias.clone())));
    assert_eq!(records.find(&name("x.a."), Rtype::CNAME, NOW), Some(Known::Records(alias.clone())));
    records.put_no_data(&name("x.a."), Rtype::AAAA, soa.clone(), NOW);
    assert_eq!(records.find(&name("x.a."), Rtype::AAAA, NOW), Some(Known::NoData(soa)));
    assert_eq!(records.find(&name("x.a."), Rtype::A, NOW), Some(Known::Alias(alias)));
}

#[test]
fn the_closest_living_delegation_is_found() {
    let records = records();
    records.put_delegation(delegation("com.", 100), NOW);
    records.put_delegation(delegation("shop.com.", 10), NOW);
    let closest = |below: &str, now| {
        records.closest(&name(below).folded(), now).map(|delegation| delegation.zone.to_string())
    };
    assert_eq!(closest("www.SHOP.com.", NOW).as_deref(), Some("shop.com."));
    assert_eq!(closest("shop.com.", NOW).as_deref(), Some("shop.com."));
    assert_eq!(closest("other.com.", NOW).as_deref(), Some("com."));
    assert_eq!(closest("www.shop.com.", NOW.plus_secs(10)).as_deref(), Some("com."));
    assert_eq!(closest("net.", NOW), None);
    // The child's own NS RRset is an answer, and changes nothing here.
    records.put(set("net.", Rtype::NS, 900, name("ns.net.").as_wire()), Credibility::Authoritative, NOW);
    assert_eq!(closest("net.", NOW), None);
}

#[test]
fn one_primes_at_a_time() {
    let records = records();
    assert!(records.may_prime(NOW));
    assert!(!records.may_prime(NOW));
    assert!(records.may_prime(NOW.plus_secs(5)), "the first is taken to have failed");
    records.set_root(Delegation { zone: Name::root(), servers: Vec::new(), expires: NOW.plus_secs(60) });
    assert!(!records.may_prime(NOW.plus_secs(59)));
    assert!(records.may_prime(NOW.plus_secs(60)));
}

#[test]
fn what_has_expired_already_is_not_kept() {
    let records = records();
    records.put(set("a.", Rtype::A, 0, &[192, 0, 2, 1]), Credibility::Authoritative, NOW);
    records.put_delegation(delegation("b.", 0), NOW);
    assert_eq!(records.usage().entries, 0);
}

#[test]
fn memory_is_bounded() {
    let records = Records::new(100_000, Vec::new());
    for index in 0..5000 {
        records.put(set(&format!("n{index}."), Rtype::A, 60, &[192, 0, 2, 1]), Credibility::Answer, NOW);
    }
    let usage = records.usage();
    assert!(usage.octets <= 100_000 && usage.entries > 100, "{usage:?}");
    assert!(usage.evicted > 3000, "{usage:?}");
}
