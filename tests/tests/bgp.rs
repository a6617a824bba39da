//! `tern bgp`: what carriers do not hear of, nobody is sent to.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::net::IpAddr;
use std::time::Duration;

use tests::need;
use tests::process::eventually;
use tests::world::{Role, World};

const SHOP: &str = "www.yourcompany.com";
const SERVICE: &str = "www.vip.yourcompany.com";
const CHANGE: &str = "--router cn-east-br1 --carrier telecom";

/// The TTL of the addresses, 10 s, and room for a machine that is busy.
const A_TTL: Duration = Duration::from_secs(14);

fn all_of(addresses: &[IpAddr], third: u8) -> bool {
    let inside = |it: &IpAddr| matches!(it, IpAddr::V4(it) if it.octets()[..3] == [198, 18, third]);
    addresses.len() == 3 && addresses.iter().all(inside)
}

#[test]
fn a_withdrawn_line_loses_its_clients_within_a_ttl_and_gets_them_back() {
    if !need::tools(&["dig", "curl"]) {
        return;
    }
    let world = World::start();
    let telecom = world.addresses(Role::Telecom, SHOP);
    assert!(all_of(&telecom, 0), "{telecom:?}");
    let others = || [Role::Unicom, Role::Mobile].map(|role| world.addresses(role, SHOP));
    let before = others();
    let subnet = |third| {
        let dug = world.dig(Role::Gslb, &format!("{SERVICE} +subnet=202.96.209.0/24"));
        assert!(all_of(&dug.addresses(), third), "{}", dug.text);
        dug.scope()
    };
    let scope = subnet(0);

    let said = world.tern_says(&format!("bgp withdraw {CHANGE} --why test"));
    assert!(said.contains("198.18.0.0/24"), "{said}");
    // The GSLB at once; the resolver when its answer has grown old. The next region's own line.
    assert_eq!(subnet(16), scope, "no event changes a scope");
    let moved = eventually("Telecom's answers leave 198.18.0.0/24", A_TTL, || {
        let addresses = world.addresses(Role::Telecom, SHOP);
        (!addresses.iter().any(|it| telecom.contains(it))).then_some(addresses)
    });
    assert!(all_of(&moved, 16), "{moved:?}");
    assert_eq!(others(), before, "the other carriers hear what they heard");
    let reach = world.tern_json("bgp show telecom");
    let rows = reach.as_array().unwrap();
    let row = rows.iter().find(|row| row["prefix"] == "198.18.0.0/24").unwrap();
    assert_eq!(row["reachable"], false, "{row}");
    let explained = world.tern_json(&format!("explain {SERVICE} 202.96.209.133"));
    let candidates = explained["candidates"].as_array().unwrap();
    let lost = candidates.iter().filter(|it| it["address"].as_str().unwrap().starts_with("198.18.0."));
    assert_eq!(lost.filter(|it| it["verdict"] == "unreachable").count(), 6, "{explained}");

    world.tern_says(&format!("bgp announce {CHANGE}"));
    assert_eq!(subnet(0), scope);
    let back = eventually("Telecom's answers come back", A_TTL, || {
        let addresses = world.addresses(Role::Telecom, SHOP);
        (addresses == telecom).then_some(addresses)
    });
    assert_eq!(back, telecom, "the very same three");
    assert_eq!(others(), before);
}

#[test]
fn a_carrier_that_hears_nothing_at_all_is_still_answered() {
    if !need::tools(&["dig", "curl"]) {
        return;
    }
    let world = World::start();
    world.tern_says("bgp withdraw --all");
    let dug = world.dig(Role::Gslb, &format!("{SERVICE} +subnet=202.106.0.0/24"));
    assert_eq!(dug.addresses().len(), 3, "{}", dug.text);
    let explained = world.tern_json(&format!("explain {SERVICE} 202.106.0.20"));
    assert!(!explained["notes"].as_array().unwrap().is_empty(), "{explained}");
    assert_ne!(explained["fallback"], "none", "{explained}");
}

#[test]
fn a_change_that_means_nothing_is_refused() {
    let world = World::start();
    for (arguments, says) in [
        ("bgp withdraw --router cn-east-br9", "cn-east-br1"),
        ("bgp withdraw --carrier telekom", "telecom"),
        ("bgp withdraw --prefix 198.18.99.0/24", "198.18."),
        ("bgp withdraw --router cn-east-br1 --carrier unicom", "mend"),
        ("bgp withdraw", "--router"),
    ] {
        let ended = world.tern(arguments);
        assert_eq!(ended.code, Some(2), "{arguments}: {}", ended.stderr);
        assert!(ended.stderr.contains(says), "{arguments}: {}", ended.stderr);
    }
}
