use proptest::prelude::*;

use super::*;
use crate::topology::DEFAULT_TOPOLOGY;

fn topology() -> Arc<Topology> {
    Arc::new(Topology::parse(DEFAULT_TOPOLOGY, "default").unwrap())
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// The reach of `carrier` to `prefix` as (path, since).
fn reach(t: &Topology, snapshot: &Snapshot, carrier: &str, prefix: &str) -> (Vec<Asn>, i64) {
    let carrier = t.carriers().find(carrier).unwrap();
    let reach = snapshot.reach(carrier, t.prefixes().find(prefix).unwrap());
    assert_eq!(reach.reachable, !reach.path.is_empty());
    (reach.path.to_vec(), reach.since.as_second())
}

fn withdraw(t: &Topology, router: &str, carrier: &str) -> Event {
    Event::Withdraw {
        router: Some(t.routers().find(router).unwrap()),
        carrier: Some(t.carriers().find(carrier).unwrap()),
        prefix: None,
    }
}

const ALL_BACK: Event = Event::Announce { router: None, carrier: None, prefix: None };

#[test]
fn the_own_line_is_direct_and_the_others_are_one_peering_away() {
    let t = topology();
    let snapshot = Simulation::baseline(&t);
    for prefix in ["198.18.0.0/24", "2001:2::/64"] {
        let id = t.prefixes().find(prefix).unwrap();
        assert_eq!(reach(&t, &snapshot, "telecom", prefix).0, [65001]);
        for carrier in ["unicom", "mobile", "edu"] {
            assert_eq!(reach(&t, &snapshot, carrier, prefix).0, [4134, 65001]);
            let carrier = t.carriers().find(carrier).unwrap();
            assert_eq!(snapshot.reach(carrier, id).hops_beyond_direct(), 1);
        }
        let telecom = t.carriers().find("telecom").unwrap();
        assert_eq!(snapshot.reach(telecom, id).hops_beyond_direct(), 0);
    }
}

#[test]
fn a_withdrawn_line_is_lost_to_everyone_and_comes_back() {
    let t = topology();
    let mut simulation = Simulation::new(t.clone(), at(1));
    let everything = simulation.snapshot();
    let lost = withdraw(&t, "cn-east-br1", "telecom");
    assert!(simulation.apply(&lost, at(2)));
    assert!(!simulation.apply(&lost, at(3)), "nothing more to withdraw");

    let snapshot = simulation.snapshot();
    let east = t.prefixes().find("198.18.0.0/24").unwrap();
    assert!(!snapshot.reachable_by_any(east));
    assert_eq!(reach(&t, &snapshot, "telecom", "198.18.0.0/24"), (vec![], 2));
    assert_eq!(reach(&t, &snapshot, "unicom", "198.18.0.0/24"), (vec![], 2));
    assert_eq!(reach(&t, &snapshot, "unicom", "198.18.1.0/24"), (vec![65001], 1));
    assert_eq!(reach(&t, &snapshot, "telecom", "198.18.16.0/24"), (vec![65001], 1));
    assert_ne!(snapshot.digest(), everything.digest());

    assert!(simulation.apply(&ALL_BACK, at(4)));
    assert_eq!(simulation.snapshot().digest(), everything.digest());
    let snapshot = simulation.snapshot();
    assert_eq!(reach(&t, &snapshot, "telecom", "198.18.0.0/24"), (vec![65001], 4));
    assert_eq!(reach(&t, &snapshot, "telecom", "198.18.16.0/24"), (vec![65001], 1));
}

#[test]
fn a_withdraw_of_one_prefix_leaves_the_session() {
    let t = topology();
    let mut simulation = Simulation::new(t.clone(), at(1));
    let event = Event::Withdraw { router: None, carrier: None, prefix: t.prefixes().find("198.18.0.0/24") };
    assert!(simulation.apply(&event, at(2)));
    let snapshot = simulation.snapshot();
    assert_eq!(reach(&t, &snapshot, "telecom", "198.18.0.0/24").0, []);
    assert_eq!(reach(&t, &snapshot, "telecom", "2001:2::/64").0, [65001]);
}

#[test]
fn a_replay_is_the_whole_state_and_keeps_since() {
    let t = topology();
    let mut simulation = Simulation::new(t.clone(), at(1));
    let east = withdraw(&t, "cn-east-br1", "telecom");
    let north = withdraw(&t, "cn-north-br2", "unicom");
    assert!(simulation.replay(std::slice::from_ref(&east), at(2)));
    assert!(simulation.replay(&[east.clone(), north], at(3)));
    let snapshot = simulation.snapshot();
    assert_eq!(reach(&t, &snapshot, "telecom", "198.18.0.0/24"), (vec![], 2));
    assert_eq!(reach(&t, &snapshot, "unicom", "198.18.17.0/24"), (vec![], 3));

    let same = simulation.snapshot();
    assert!(!simulation.replay(&[east.clone(), withdraw(&t, "cn-north-br2", "unicom")], at(4)));
    assert!(Arc::ptr_eq(&same, &simulation.snapshot()));

    assert!(simulation.replay(&[east, ALL_BACK], at(5)));
    assert_eq!(simulation.snapshot().digest(), Simulation::baseline(&t).digest());
}

#[test]
fn sessions_and_links_fail_apart_from_announcements() {
    let t = topology();
    let mut simulation = Simulation::new(t.clone(), at(1));
    let session = t.sessions().find("cn-east-br1-telecom").unwrap();
    assert!(simulation.apply(&Event::SessionDown(session), at(2)));
    assert!(!simulation.apply(&ALL_BACK, at(3)), "a broken session carries nothing");
    assert!(simulation.apply(&Event::SessionUp(session), at(4)));

    assert!(simulation.apply(&Event::LinkDown(4837, 4134), at(5)));
    let snapshot = simulation.snapshot();
    assert_eq!(reach(&t, &snapshot, "unicom", "198.18.0.0/24"), (vec![], 5));
    assert_eq!(reach(&t, &snapshot, "mobile", "198.18.0.0/24").0, [4134, 65001]);
    assert!(simulation.apply(&Event::LinkUp(4134, 4837), at(6)));

    assert!(simulation.apply(&Event::LinkDown(65001, 4134), at(7)));
    let snapshot = simulation.snapshot();
    for east in ["198.18.0.0/24", "198.18.16.0/24", "198.18.32.0/24"] {
        assert!(!snapshot.reachable_by_any(t.prefixes().find(east).unwrap()));
    }
    assert_eq!(reach(&t, &snapshot, "telecom", "198.18.1.0/24").0, [4837, 65001]);
    assert!(!simulation.apply(&Event::LinkDown(1, 2), at(8)), "no such link");
}

#[test]
fn the_session_with_the_fewest_prepends_speaks_for_a_carrier() {
    let text = DEFAULT_TOPOLOGY.replace(
        r#"over = ["cn-east-br1-telecom"] }"#,
        r#"over = ["cn-east-br1-telecom", "cn-north-br1-telecom"], prepend = { cn-east-br1-telecom = 1, cn-north-br1-telecom = 3 } }"#,
    );
    // The SLBs of the north now have the prefix in reach of their host numbers, too.
    let text = text
        .lines()
        .filter(|line| !line.contains("cn-north-slb") && !line.contains("cn-north-edge"))
        .collect::<Vec<_>>()
        .join("\n");
    let t = Arc::new(Topology::parse(&text, "t").unwrap_or_else(|problems| panic!("{problems}")));
    let mut simulation = Simulation::new(t.clone(), at(1));
    let telecom = t.carriers().find("telecom").unwrap();
    let prefix = t.prefixes().find("198.18.0.0/24").unwrap();
    let paths = |simulation: &Simulation| simulation.snapshot().reach(telecom, prefix).clone();
    assert_eq!(*paths(&simulation).path, [65001, 65001]);
    assert_eq!(paths(&simulation).hops_beyond_direct(), 0);
    assert!(simulation.apply(&withdraw(&t, "cn-east-br1", "telecom"), at(2)));
    assert_eq!(*paths(&simulation).path, [65001; 4]);
}

fn events(t: &Topology) -> impl Strategy<Value = Vec<Event>> + use<> {
    let routers: Vec<_> = t.routers().ids().map(Some).chain([None]).collect();
    let carriers: Vec<_> = t.carriers().ids().map(Some).chain([None]).collect();
    let prefixes: Vec<_> = t.prefixes().ids().map(Some).chain([None; 24]).collect();
    let sessions: Vec<_> = t.sessions().ids().collect();
    let asns: Vec<_> = t.carriers().iter().map(|c| c.asn).chain([t.asn()]).collect();
    let filter =
        (prop::sample::select(routers), prop::sample::select(carriers), prop::sample::select(prefixes));
    let link = (prop::sample::select(asns.clone()), prop::sample::select(asns));
    let session = prop::sample::select(sessions);
    let event = prop_oneof![
        filter.clone().prop_map(|(router, carrier, prefix)| Event::Withdraw { router, carrier, prefix }),
        filter.prop_map(|(router, carrier, prefix)| Event::Announce { router, carrier, prefix }),
        session.clone().prop_map(Event::SessionDown),
        session.prop_map(Event::SessionUp),
        link.clone().prop_map(|(a, b)| Event::LinkDown(a, b)),
        link.prop_map(|(a, b)| Event::LinkUp(a, b)),
    ];
    prop::collection::vec(event, 0..12)
}

proptest! {
    /// One by one or all at once, from a used simulation or a new one: the same network.
    #[test]
    fn replay_equals_events_one_by_one(
        (before, after) in (events(&topology()), events(&topology())),
    ) {
        let t = topology();
        let mut single = Simulation::new(t.clone(), at(1));
        for event in &after {
            let old = single.snapshot();
            let changed = single.apply(event, at(2));
            prop_assert_eq!(changed, old.digest() != single.snapshot().digest());
        }
        let mut whole = Simulation::new(t, at(1));
        whole.replay(&before, at(1));
        whole.replay(&after, at(2));
        prop_assert_eq!(single.snapshot().digest(), whole.snapshot().digest());
    }
}
