//! The default world's promises (DESIGN §4), straight from the engine.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use jiff::Timestamp;
use routing::Topology;
use routing::topology::{DEFAULT_TOPOLOGY, SlbId};
use steering::policy::Verdict;
use steering::{Action, Coefficients, Engine, Fallback, Family, Override, Overrides};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn engine() -> Engine {
    let topology = Topology::parse(DEFAULT_TOPOLOGY, "topology.toml").unwrap();
    let places = geo::Source::overrides("overrides.csv", geo::DEFAULT_OVERRIDES.as_bytes()).unwrap();
    let map = geo::MapBuilder::shipped().unwrap().layer(places).build();
    Engine::new(Arc::new(topology), Arc::new(map), Coefficients::default(), Overrides::default(), NOW)
        .unwrap()
}

/// The picks for a client of `www`.
fn three(engine: &Engine, client: &str, family: Family) -> Vec<(SlbId, IpAddr)> {
    let world = engine.world();
    let service =
        world.layout.find(&"www.vip.yourcompany.com".parse::<wire::Name>().unwrap().folded()).unwrap();
    let (group, _) = world.layout.locate(client.parse().unwrap());
    world.answer(service, group, family).choice.picks.clone()
}

/// The third octets of the picks, and in how many zones they stand.
fn lines_and_zones(engine: &Engine, client: &str) -> (HashSet<u8>, usize) {
    let world = engine.world();
    let picks = three(engine, client, Family::V4);
    let octet = |address| match address {
        IpAddr::V4(v4) => Ipv4Addr::octets(&v4)[2],
        IpAddr::V6(_) => unreachable!("asked for IPv4"),
    };
    let zones: HashSet<_> = picks.iter().map(|pick| world.layout.topology.slbs()[pick.0].zone).collect();
    (picks.iter().map(|pick| octet(pick.1)).collect(), zones.len())
}

fn withdraw(router: &str, carrier: &str) -> Override {
    Override { router: Some(router.into()), carrier: Some(carrier.into()), ..Override::new(Action::Withdraw) }
}

fn apply(engine: &Engine, rules: impl IntoIterator<Item = Override>) -> usize {
    let mut overrides = Overrides::default();
    rules.into_iter().for_each(|rule| overrides.add(rule, NOW));
    engine.set_overrides(overrides, NOW).unwrap().map_or(0, |published| published.moved)
}

#[test]
fn each_resolver_gets_its_own_line_in_the_nearest_region() {
    let engine = engine();
    assert_eq!(lines_and_zones(&engine, "127.0.1.1"), ([0].into(), 3), "Telecom, Shanghai");
    assert_eq!(lines_and_zones(&engine, "127.0.1.2"), ([17].into(), 3), "Unicom, Beijing");
    assert_eq!(lines_and_zones(&engine, "127.0.1.3"), ([34].into(), 3), "Mobile, Guangzhou");
    assert_eq!(lines_and_zones(&engine, "202.96.209.133"), ([0].into(), 3), "Telecom, Shanghai, by the map");
}

#[test]
fn both_families_name_the_same_load_balancers() {
    let engine = engine();
    let slbs =
        |family| three(&engine, "127.0.1.1", family).into_iter().map(|pick| pick.0).collect::<Vec<_>>();
    assert_eq!(slbs(Family::V4), slbs(Family::V6));
}

#[test]
fn a_lost_line_moves_its_carrier_to_the_next_region_and_nobody_else() {
    let engine = engine();
    let others = ["127.0.1.2", "127.0.1.3"].map(|client| three(&engine, client, Family::V4));
    assert!(apply(&engine, [withdraw("cn-east-br1", "telecom")]) > 0);
    // 16 ms to Beijing's Telecom line, rather than 30 ms across carriers.
    assert_eq!(lines_and_zones(&engine, "127.0.1.1"), ([16].into(), 3));
    assert_eq!(others, ["127.0.1.2", "127.0.1.3"].map(|client| three(&engine, client, Family::V4)));
    assert!(apply(&engine, []) > 0);
    assert_eq!(lines_and_zones(&engine, "127.0.1.1"), ([0].into(), 3));
}

#[test]
fn a_drained_slb_gets_no_clients_and_is_replaced_from_its_region() {
    let engine = engine();
    let before = three(&engine, "127.0.1.1", Family::V4);
    let name = engine.world().layout.topology.slbs()[before[0].0].name.to_string();
    apply(&engine, [Override { slb: Some(name), ..Override::new(Action::Drain) }]);
    let after = three(&engine, "127.0.1.1", Family::V4);
    assert!(!after.iter().any(|pick| pick.0 == before[0].0));
    assert!(before[1..].iter().all(|pick| after.contains(pick)), "the others stay: {before:?} {after:?}");
    assert_eq!(lines_and_zones(&engine, "127.0.1.1"), ([0].into(), 3));
}

#[test]
fn never_an_empty_answer() {
    let engine = engine();
    apply(&engine, [Override::new(Action::Withdraw)]);
    assert_eq!(three(&engine, "127.0.1.1", Family::V4).len(), 3);
    let world = engine.world();
    let service =
        world.layout.find(&"www.vip.yourcompany.com".parse::<wire::Name>().unwrap().folded()).unwrap();
    let explained = steering::explain::explain(&world, service, "127.0.1.1".parse().unwrap(), Family::V4);
    assert_eq!(explained.fallback, Fallback::Reachability);
    apply(&engine, [Override { slb: Some("*".into()), ..Override::new(Action::Down) }]);
    assert_eq!(three(&engine, "127.0.1.1", Family::V4).len(), 3);
}

#[test]
fn equal_inputs_give_equal_ids_and_others_do_not() {
    let (one, two) = (engine(), engine());
    assert_eq!(one.world().id, two.world().id);
    apply(&one, [withdraw("cn-east-br1", "telecom")]);
    assert_ne!(one.world().id, two.world().id);
    apply(&two, [withdraw("cn-east-br1", "telecom")]);
    assert_eq!(one.world().id, two.world().id);
    assert_eq!(one.world().serial, 2);
}

#[test]
fn while_the_file_is_refused_what_is_in_force_holds_until_it_ends() {
    let engine = engine();
    let at = |second| Timestamp::from_second(second).unwrap();
    apply(&engine, [Override { until: Some(at(10)), ..withdraw("cn-east-br1", "telecom") }]);
    assert!(engine.refuse(&"o.toml:1: broken", at(5)).is_none());
    assert_eq!(lines_and_zones(&engine, "127.0.1.1"), ([16].into(), 3), "it holds");
    assert!(engine.refuse(&"o.toml:2: broken", at(10)).is_some());
    assert_eq!(lines_and_zones(&engine, "127.0.1.1"), ([0].into(), 3), "it has ended");
    let refused = engine.refused().unwrap();
    assert_eq!((refused.since, &*refused.error), (at(5), "o.toml:2: broken"));
    engine.set_overrides(Overrides::default(), at(11)).unwrap();
    assert_eq!(engine.refused(), None);
}

#[test]
fn a_new_topology_comes_with_the_overrides_that_fit_it() {
    let engine = engine();
    let drain = |slb: &str| {
        let mut overrides = Overrides::default();
        overrides.add(Override { slb: Some(slb.into()), ..Override::new(Action::Drain) }, NOW);
        overrides
    };
    let reload = |topology: &str, overrides| {
        let topology = Arc::new(Topology::parse(topology, "topology.toml").unwrap());
        let map = Arc::clone(&engine.world().layout.map);
        engine.reload(topology, map, Coefficients::default(), overrides, NOW)
    };
    engine.set_overrides(drain("cn-east-slb1"), NOW).unwrap();
    let renamed = DEFAULT_TOPOLOGY.replace("\"cn-east-slb1\"", "\"cn-east-slb7\"");
    let before = engine.world().id;
    assert!(reload(&renamed, drain("cn-east-slb1")).is_err(), "nobody is called so there");
    assert_eq!(engine.world().id, before);
    engine.refuse(&engine.set_overrides(drain("cn-east-slb7"), NOW).unwrap_err(), NOW);
    reload(&renamed, drain("cn-east-slb7")).unwrap();
    let world = engine.world();
    let drained = world.layout.topology.slbs().find("cn-east-slb7").unwrap();
    assert_eq!(world.state(drained).operator, steering::policy::OperatorState::Draining);
    assert_eq!(engine.refused(), None);
}

#[test]
fn a_reload_is_no_event() {
    let engine = engine();
    let at = |second| Timestamp::from_second(second).unwrap();
    let mut overrides = Overrides::default();
    overrides.add(withdraw("cn-east-br1", "telecom"), NOW);
    engine.set_overrides(overrides.clone(), at(10)).unwrap();
    // Other numbers for all rows behind, and a route that is new.
    let text = DEFAULT_TOPOLOGY.replace(
        "prefixes = [\n",
        "prefixes = [\n{ cidrs = [\"203.0.113.0/24\"], line = \"bgp\", over = [\"cn-east-br2-edu\"] },\n",
    );
    let topology = Arc::new(Topology::parse(&text, "topology.toml").unwrap());
    let map = Arc::clone(&engine.world().layout.map);
    engine.reload(topology, map, Coefficients::default(), overrides, at(20)).unwrap();
    let world = engine.world();
    let topology = &world.layout.topology;
    let telecom = topology.carriers().find("telecom").unwrap();
    for (prefix, reachable, since) in
        [("198.18.0.0/24", false, 10), ("198.18.16.0/24", true, 0), ("203.0.113.0/24", true, 20)]
    {
        let reach = world.snapshot.reach(telecom, topology.prefixes().find(prefix).unwrap());
        assert_eq!((reach.reachable, reach.since), (reachable, at(since)), "{prefix}");
    }
}

#[test]
fn events_move_no_scope() {
    let engine = engine();
    let prefixes = |engine: &Engine| engine.world().layout.prefixes().collect::<Vec<_>>();
    let before = prefixes(&engine);
    apply(&engine, [Override::new(Action::Withdraw)]);
    assert_eq!(before, prefixes(&engine));
}

#[test]
fn an_explanation_says_what_is_answered_and_judges_every_candidate() {
    let engine = engine();
    apply(&engine, [withdraw("cn-east-br1", "telecom")]);
    let world = engine.world();
    let service =
        world.layout.find(&"www.vip.yourcompany.com".parse::<wire::Name>().unwrap().folded()).unwrap();
    for client in ["127.0.1.1", "127.0.1.2", "8.8.8.8", "2001:db8::1"] {
        let explained = steering::explain::explain(&world, service, client.parse().unwrap(), Family::V4);
        let picks: Vec<_> = three(&engine, client, Family::V4).into_iter().map(|pick| pick.1).collect();
        assert_eq!(explained.answers, picks, "{client}");
        let taken = explained.candidates.iter().filter(|c| c.verdict == Verdict::Taken);
        assert_eq!(taken.map(|c| c.address).collect::<Vec<_>>(), picks, "{client}: taken, best first");
        // 18 SLBs with 4 lines each.
        assert_eq!(explained.candidates.len(), 72, "{client}");
    }
    let telecom = steering::explain::explain(&world, service, "127.0.1.1".parse().unwrap(), Family::V4);
    let lost = telecom.candidates.iter().filter(|c| c.verdict == Verdict::Unreachable);
    assert!(lost.clone().count() == 6 && lost.clone().all(|c| c.region == "cn-east" && c.line == "telecom"));
    assert_eq!(telecom.candidates[0].cost_ms, 0.0);
    assert!((15.0..17.0).contains(
        &telecom.candidates.iter().find(|c| c.line == "telecom" && c.region == "cn-north").unwrap().cost_ms
    ));
}

/// Every answer of a world, by service, group and family.
fn everything(engine: &Engine) -> Vec<(Vec<(SlbId, IpAddr)>, Fallback)> {
    let world = engine.world();
    let mut answers = Vec::new();
    for service in world.layout.topology.services().ids() {
        for (_, group) in world.layout.prefixes() {
            for family in [Family::V4, Family::V6] {
                let choice = &world.answer(service, group, family).choice;
                answers.push((choice.picks.clone(), choice.fallback));
            }
        }
    }
    answers
}

#[test]
fn what_events_leave_is_what_a_fresh_start_gives() {
    let engine = engine();
    let fresh = self::engine();
    let nothing = everything(&engine);
    let routers = ["cn-east-br1", "cn-east-br2", "cn-north-br1", "cn-south-br1"];
    let carriers = ["telecom", "unicom", "mobile", "edu"];
    let mut overrides = Overrides::default();
    for step in 0..48 {
        let router = Some(routers[step % 4].to_owned());
        let carrier = Some(carriers[step / 4 % 4].to_owned()).filter(|_| step % 3 > 0);
        let rule = match step % 7 {
            0 => Override::new(Action::Withdraw),
            1 => Override::new(Action::Announce),
            2 => Override { slb: Some(format!("cn-*-slb{}", 1 + step % 6)), ..Override::new(Action::Down) },
            3 => {
                Override { slb: Some("*".into()), ..Override::new([Action::Drain, Action::Normal][step % 2]) }
            }
            4 => Override { link: Some([4134, 4837]), ..Override::new(Action::LinkDown) },
            5 => Override { router, carrier, ..Override::new(Action::Announce) },
            _ => Override { router, carrier, ..Override::new(Action::Withdraw) },
        };
        overrides.add(rule, NOW);
        engine.set_overrides(overrides.clone(), NOW).unwrap();
        let scratch = Engine::new(
            Arc::clone(&engine.world().layout.topology),
            Arc::clone(&engine.world().layout.map),
            Coefficients::default(),
            overrides.clone(),
            NOW,
        );
        let scratch = scratch.unwrap();
        assert_eq!(engine.world().id, scratch.world().id);
        assert!(everything(&engine) == everything(&scratch), "step {step}");
    }
    engine.set_overrides(Overrides::default(), NOW).unwrap();
    assert!(everything(&engine) == nothing && everything(&fresh) == nothing);
}
