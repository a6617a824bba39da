//! The DNS way, by `dig`: three addresses through root, `.com`, the shop's authoritative server and the
//! GSLB; and what each of them says when it is asked alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::HashSet;
use std::net::IpAddr;

use serde_json::Value;
use tests::dig::Dug;
use tests::need;
use tests::world::{Role, World};

const SHOP: &str = "www.yourcompany.com";
const SERVICE: &str = "www.vip.yourcompany.com";

/// Resolvers, their number in 127.0.1.0/24, and the third octet of what they should get.
const WAYS: [(Role, &str, u8); 3] =
    [(Role::Telecom, "127.0.1.1", 0), (Role::Unicom, "127.0.1.2", 17), (Role::Mobile, "127.0.1.3", 34)];

fn in_prefix(address: &IpAddr, third: u8) -> bool {
    matches!(address, IpAddr::V4(address) if address.octets()[..3] == [198, 18, third])
}

/// The zones that `addresses` stand in, by what `tern explain` says of them.
fn zones(explained: &Value, addresses: &[IpAddr]) -> HashSet<String> {
    let candidates = explained["candidates"].as_array().unwrap();
    let zone = |address: &IpAddr| {
        let text = address.to_string();
        let found = candidates.iter().find(|candidate| candidate["address"] == text.as_str());
        found.unwrap_or_else(|| panic!("{address} is no candidate"))["zone"].as_str().unwrap().to_owned()
    };
    addresses.iter().map(zone).collect()
}

/// The answer that the README promises: the CNAME that may be kept for long, and three addresses that may
/// not, in three zones, all of 198.18.`third`.0/24.
fn check_answer(world: &World, dug: &Dug, resolver: &str, third: u8) {
    assert_eq!(dug.status, "NOERROR", "{}", dug.text);
    assert!(dug.flag("ra") && dug.flag("rd") && !dug.flag("aa"), "{}", dug.text);
    let cname = &dug.answer[0];
    assert_eq!((&*cname.rtype, &*cname.data), ("CNAME", "www.vip.yourcompany.com."), "{}", dug.text);
    assert!((1..=300).contains(&cname.ttl), "{}", dug.text);
    let addresses = dug.addresses();
    assert_eq!(addresses.iter().collect::<HashSet<_>>().len(), 3, "{}", dug.text);
    assert_eq!(dug.answer.len(), 4, "{}", dug.text);
    for record in &dug.answer[1..] {
        assert_eq!(record.owner, "www.vip.yourcompany.com.", "{}", dug.text);
        assert!(record.ttl <= 10, "{}", dug.text);
    }
    assert!(addresses.iter().all(|address| in_prefix(address, third)), "{}", dug.text);
    let explained = world.tern_json(&world.moved(&format!("explain {SERVICE} {resolver}")));
    assert_eq!(zones(&explained, &addresses).len(), 3, "{explained}");
}

#[test]
fn each_carriers_resolver_gets_three_near_addresses_of_its_own_line() {
    if !need::tool("dig") {
        return;
    }
    let world = World::start();
    for (role, resolver, third) in WAYS {
        let cold = world.dig(role, SHOP);
        check_answer(&world, &cold, resolver, third);
        // Fresh from the sources, where nothing has aged yet: the TTLs of the zones.
        assert_eq!((cold.answer[0].ttl, cold.answer[1].ttl), (300, 10), "{}", cold.text);
        let warm = world.dig(role, SHOP);
        check_answer(&world, &warm, resolver, third);
        assert_eq!(warm.sorted_addresses(), cold.sorted_addresses());
        let over_tcp = world.dig(role, &format!("{SHOP} +tcp"));
        assert_eq!(over_tcp.sorted_addresses(), cold.sorted_addresses());
        let six = world.dig(role, &format!("{SHOP} AAAA")).addresses();
        let own_line = |address: &IpAddr| match address {
            // 2001:2:0:(16·region+line)::/64, as 198.18.(16·region+line).0/24.
            IpAddr::V6(address) => address.segments()[..4] == [0x2001, 2, 0, u16::from(third)],
            IpAddr::V4(_) => false,
        };
        assert!(six.len() == 3 && six.iter().all(own_line), "{role:?}: {six:?}");
        // Spelled as asked (0x20), and the same.
        let spelled = world.dig(role, "wWw.YourCompany.COM");
        assert_eq!(spelled.answer[0].owner, "wWw.YourCompany.COM.");
        assert_eq!(spelled.sorted_addresses(), cold.sorted_addresses());
    }
}

#[test]
fn a_resolver_knows_what_is_not() {
    if !need::tool("dig") {
        return;
    }
    let world = World::start();
    for (question, status) in [
        ("nowhere.yourcompany.com", "NXDOMAIN"),
        ("nowhere.example", "NXDOMAIN"),
        ("nowhere.vip.yourcompany.com", "NXDOMAIN"),
        ("status.yourcompany.com AAAA", "NOERROR"),
        ("sellers.yourcompany.com", "NOERROR"),
    ] {
        for _ in ["cold", "warm"] {
            let dug = world.dig(Role::Telecom, question);
            assert_eq!((&*dug.status, dug.answer.len()), (status, 0), "{}", dug.text);
            // RFC 2308 §3: the SOA says for how long.
            assert_eq!(dug.authority.first().map(|soa| &*soa.rtype), Some("SOA"), "{}", dug.text);
        }
    }
    let wild = world.dig(Role::Telecom, "anyone.sellers.yourcompany.com");
    assert_eq!(wild.addresses(), ["192.0.2.82".parse::<IpAddr>().unwrap()], "{}", wild.text);
}

#[test]
fn the_root_refers_and_says_nothing_else() {
    if !need::tool("dig") {
        return;
    }
    let world = World::start();
    let dug = world.dig(Role::Root, &format!("{SHOP} +norecurse"));
    assert_eq!((&*dug.status, dug.flag("aa"), dug.flag("ra")), ("NOERROR", false, false), "{}", dug.text);
    assert!(dug.answer.is_empty(), "{}", dug.text);
    let authority: Vec<_> = dug.authority.iter().map(|ns| (&*ns.owner, &*ns.rtype, &*ns.data)).collect();
    assert_eq!(authority, [("com.", "NS", "ns.nic.com.")], "{}", dug.text);
    let glue: Vec<_> = dug.additional.iter().map(|a| (&*a.owner, &*a.rtype, a.data.clone())).collect();
    assert_eq!(glue, [("ns.nic.com.", "A", world.moved("127.0.0.3"))], "{}", dug.text);
    // Its address serves its own zone, not the one that another address of the process serves.
    for inside in ["ns.nic.com", "com SOA", "yourcompany.com", "status.yourcompany.com"] {
        let dug = world.dig(Role::Root, &format!("{inside} +norecurse"));
        assert!(dug.answer.is_empty() && !dug.flag("aa"), "{}", dug.text);
        assert_eq!(dug.authority[0].owner, "com.", "{}", dug.text);
    }
}

#[test]
fn each_server_answers_for_its_own_zone() {
    if !need::tool("dig") {
        return;
    }
    let world = World::start();
    let com = world.dig(Role::Com, &format!("{SHOP} +norecurse"));
    assert_eq!((com.answer.len(), &*com.authority[0].owner), (0, "yourcompany.com."), "{}", com.text);
    let shop = world.dig(Role::Authoritative, &format!("{SHOP} +norecurse"));
    assert!(shop.flag("aa") && !shop.flag("ra"), "{}", shop.text);
    let cname = &shop.answer[0];
    assert_eq!((&*cname.rtype, cname.ttl, shop.answer.len()), ("CNAME", 300, 1), "{}", shop.text);
    let gslb = world.dig(Role::Gslb, &format!("{SERVICE} +norecurse"));
    assert!(gslb.flag("aa"), "{}", gslb.text);
    assert_eq!(gslb.addresses().len(), 3, "{}", gslb.text);
    assert!(gslb.answer.iter().all(|a| a.ttl == 10), "{}", gslb.text);
    for (role, foreign) in [
        (Role::Com, "ns.root.tern"),
        (Role::Com, "example.org"),
        (Role::Authoritative, "ns.nic.com"),
        (Role::Authoritative, "example.org"),
        (Role::Gslb, "status.yourcompany.com"),
        (Role::Gslb, "example.org"),
    ] {
        let dug = world.dig(role, &format!("{foreign} +norecurse"));
        assert_eq!((&*dug.status, dug.answer.len(), dug.flag("aa")), ("REFUSED", 0, false), "{}", dug.text);
    }
}

#[test]
fn a_client_subnet_decides_and_the_scope_says_for_whom() {
    if !need::tools(&["dig", "curl"]) {
        return;
    }
    let world = World::start();
    for (subnet, place, carrier, third) in [
        ("211.136.112.0/24", "CN-SH", "mobile", 2),
        ("202.96.209.0/24", "CN-SH", "telecom", 0),
        ("202.106.0.0/24", "CN-BJ", "unicom", 17),
    ] {
        let before = world.metrics();
        let dug = world.dig(Role::Gslb, &format!("{SERVICE} +subnet={subnet}"));
        let after = world.metrics();
        // Answer, scope and counters together.
        let addresses = dug.addresses();
        assert_eq!(addresses.len(), 3, "{}", dug.text);
        assert!(addresses.iter().all(|address| in_prefix(address, third)), "{}", dug.text);
        let network = subnet.split('/').next().unwrap();
        let explained = world.tern_json(&format!("explain {SERVICE} {network}"));
        assert_eq!(explained["place"]["province"], place, "{explained}");
        assert_eq!(explained["carrier"], carrier, "{explained}");
        let prefix = explained["prefix"].as_str().unwrap();
        let scope: u8 = prefix.split('/').nth(1).unwrap().parse().unwrap();
        assert_eq!(dug.scope(), Some(scope), "{}", dug.text);
        assert!(dug.subnet.as_deref().unwrap().starts_with(subnet), "{}", dug.text);
        for (name, label) in
            [("tern_queries_total", "transport=\"udp\""), ("tern_responses_total", "rcode=\"NOERROR\"")]
        {
            let labels = ["service=\"gslb\"", label];
            assert_eq!(after.sum(name, &labels) - before.sum(name, &labels), 1.0, "{name} {subnet}");
        }
        let others = ["service=\"authoritative\""];
        let name = "tern_queries_total";
        assert_eq!(after.sum(name, &others), before.sum(name, &others), "{name} of who was not asked");
    }
}

#[test]
fn scopes_as_rfc_7871_wants_them() {
    if !need::tool("dig") {
        return;
    }
    let world = World::start();
    let own = world.addresses(Role::Gslb, SERVICE);
    // §7.1.2: source 0 asks that no subnet be used; the scope is 0 then.
    let none = world.dig(Role::Gslb, &format!("{SERVICE} +subnet=0.0.0.0/0"));
    assert_eq!((none.sorted_addresses(), none.scope()), (own.clone(), Some(0)), "{}", none.text);
    // Without the option there is none in the reply (§7.2.1).
    assert_eq!(world.dig(Role::Gslb, SERVICE).subnet, None);
    // A source shorter than the leaf gets the leaf's scope.
    let long = world.dig(Role::Gslb, &format!("{SERVICE} +subnet=202.96.209.0/24"));
    let short = world.dig(Role::Gslb, &format!("{SERVICE} +subnet=202.96.209.0/8"));
    assert!(short.scope().unwrap() > 8 && long.scope().unwrap() > 8, "{}{}", short.text, long.text);
    // Where clients do not matter, the scope is 0.
    let apex = world.dig(Role::Gslb, "vip.yourcompany.com SOA +subnet=202.96.209.0/24");
    assert_eq!((&*apex.answer[0].rtype, apex.scope()), ("SOA", Some(0)), "{}", apex.text);
    // A mapped IPv4 address counts as the IPv4 address that it is.
    let mapped = world.dig(Role::Gslb, &format!("{SERVICE} +subnet=::ffff:202.96.209.0/120"));
    assert_eq!(mapped.sorted_addresses(), long.sorted_addresses(), "{}", mapped.text);
    // Resolvers pass nothing of a client on, and say nothing of it.
    let asked = world.dig(Role::Unicom, &format!("{SERVICE} +subnet=202.96.209.0/24"));
    assert_eq!((asked.subnet.clone(), in_prefix(&asked.addresses()[0], 17)), (None, true), "{}", asked.text);
}
