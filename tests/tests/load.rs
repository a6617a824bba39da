//! Full speed: nothing lost, no error, and memory that stays. `TERN_LOAD_SECONDS` says for how long each
//! load runs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::time::Duration;

use tests::load::{Load, dnsperf, random_subnets, watch_memory};
use tests::need;
use tests::world::{Role, World};

/// What the allocator may move to and fro between two thirds of a load, in KiB.
const SLACK_KIB: u64 = 1024;

fn duration() -> Duration {
    let seconds = std::env::var("TERN_LOAD_SECONDS").ok().map(|text| text.parse().expect("a number"));
    Duration::from_secs(seconds.unwrap_or(3))
}

/// Runs `work` on `world`, and checks what came of it.
fn check(what: &str, world: &World, work: impl FnOnce() -> Load) {
    let (load, [second, last]) = watch_memory(world.process().id(), work);
    let rate = load.sent as f64 / duration().as_secs_f64();
    eprintln!("{what}: {load:?}, {rate:.0} a second, {second} KiB, then {last} KiB");
    assert_eq!((load.lost, load.wrong), (0, 0), "{what}: {load:?}");
    assert_eq!(load.noerror, load.sent, "{what}: {load:?}");
    assert!(load.sent > 1000, "{what}: {load:?}");
    assert!(last <= second + SLACK_KIB, "{what}: memory grew from {second} to {last} KiB");
    let metrics = world.metrics();
    assert_eq!(metrics.sum("tern_responses_total", &["rcode=\"SERVFAIL\""]), 0.0, "{what}");
    assert_eq!(metrics.sum("tern_panics_total", &[]), 0.0, "{what}");
}

#[test]
fn nothing_is_lost_at_full_speed() {
    if !need::tools(&["dnsperf", "dig", "curl"]) {
        return;
    }
    let world = World::start();
    let gslb = ["www.vip.yourcompany.com", "img.vip.yourcompany.com"];
    check("GSLB, random client subnets", &world, || {
        random_subnets(world.address(Role::Gslb), gslb[0], 3, duration(), 0x7e12)
    });
    let services = gslb.map(|name| [format!("{name} A"), format!("{name} AAAA")]).concat();
    let services: Vec<_> = services.iter().map(String::as_str).collect();
    check("GSLB, dnsperf", &world, || dnsperf(world.address(Role::Gslb), &services, duration()));
    let shop = [
        "www.yourcompany.com A",
        "yourcompany.com MX",
        "yourcompany.com TXT",
        "docs.yourcompany.com A",
        "anyone.sellers.yourcompany.com A",
        "status.yourcompany.com A",
    ];
    check("authoritative", &world, || dnsperf(world.address(Role::Authoritative), &shop, duration()));
    let names = ["www.yourcompany.com AAAA", "img.yourcompany.com A"];
    let questions = [&shop[..], &names].concat();
    for question in &questions {
        let dug = world.dig(Role::Telecom, question);
        assert_eq!(dug.status, "NOERROR", "{}", dug.text);
    }
    check("warm local DNS", &world, || dnsperf(world.address(Role::Telecom), &questions, duration()));
}
