//! The iterator against scripted servers on a scripted clock. What the scenarios are about stands in
//! `tests/scenarios/`, one file a subject.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod sim;

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use local_dns::cache::NameServer;
use local_dns::iterator::{Action, Event, Failure, Iteration};
use proptest::prelude::*;
use rand::SeedableRng;
use sim::Net;
use sim::server::{Body, Scripted, Server};
use wire::{Class, Name, Rcode, Record, Rtype, Section};

macro_rules! scenarios {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            let file = concat!(stringify!($name), ".txt");
            sim::script::run(file, include_str!(concat!("scenarios/", stringify!($name), ".txt")));
        }
    )*};
}

scenarios! { referrals bailiwick negative aliases faults ghosts glueless }

const ROOT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn net(seed: u64) -> Net {
    Net::new(vec![NameServer { name: name("hint."), addresses: vec![ROOT] }], seed)
}

fn ns(owner: &str, target: &str) -> Record {
    let rdata = name(target).as_wire().into();
    Record { owner: name(owner), rtype: Rtype::NS, class: Class::IN, ttl: 3600, rdata }
}

fn a(owner: &str, address: IpAddr) -> Record {
    let IpAddr::V4(v4) = address else { panic!("IPv4") };
    let rdata = v4.octets().into();
    Record { owner: name(owner), rtype: Rtype::A, class: Class::IN, ttl: 3600, rdata }
}

/// NXNS (2020): a referral to 100 servers without glue, in the victim's zone, must not make 100 or more
/// packets; here each name would cost one more packet for AAAA, and a retry each.
#[test]
fn a_referral_to_a_hundred_strangers_costs_few_packets() {
    let attacker = IpAddr::from([192, 0, 2, 66]);
    for victims_silent in [false, true] {
        let mut net = net(3);
        let mut records = vec![ns("attacker.", "ns.attacker."), a("ns.attacker.", attacker)];
        for victim in 0..10 {
            let ip = IpAddr::from([198, 51, 100, victim]);
            records.push(ns(&format!("victim{victim}."), &format!("ns.victim{victim}.")));
            records.push(a(&format!("ns.victim{victim}."), ip));
            let traits = if victims_silent { vec!["dead".to_owned()] } else { Vec::new() };
            let apex = Some(name(&format!("victim{victim}.")));
            net.servers.insert(ip, Server { apex, traits, ..Server::default() });
        }
        net.servers.insert(ROOT, Server { apex: Some(Name::root()), records, ..Server::default() });
        let referral = (0..100).map(|index| {
            (Section::Authority, ns("sub.attacker.", &format!("x{index}.victim{}.", index % 10)))
        });
        let body = Body { records: referral.collect(), ..Body::default() };
        let scripted = vec![Scripted { name: name("www.sub.attacker."), rtype: None, body }];
        net.servers.insert(attacker, Server { apex: Some(name("attacker.")), scripted, ..Server::default() });
        let outcome = net.ask(&name("www.sub.attacker."), Rtype::A);
        assert_eq!(outcome.resolution.rcode(), Rcode::SERVFAIL);
        assert!(outcome.packets <= 50, "{} packets", outcome.packets);
    }
}

/// A chain of aliases, each in a zone of its own that hangs on servers without glue: products of limits
/// must not multiply (CAMP, 2024).
#[test]
fn work_is_bounded_for_the_question_as_a_whole() {
    let mut net = net(4);
    let mut records = Vec::new();
    for zone in 0..20 {
        for server in 0..4 {
            records.push(ns(&format!("z{zone}."), &format!("s{server}.y{zone}.")));
        }
        records.push(ns(&format!("y{zone}."), &format!("ns.y{zone}.")));
        let ip = IpAddr::from([198, 51, 100, zone]);
        records.push(a(&format!("ns.y{zone}."), ip));
        let delay = Duration::from_millis(1);
        net.servers.insert(ip, Server { traits: vec!["dead".into()], delay, ..Server::default() });
    }
    net.servers.insert(ROOT, Server { apex: Some(Name::root()), records, ..Server::default() });
    let outcome = net.ask(&name("www.z0."), Rtype::A);
    assert!(outcome.resolution.failure.is_some());
    assert!(outcome.packets <= net.limits.packets && outcome.millis <= net.limits.deadline_ms + 1);
}

#[test]
fn a_question_that_takes_too_long_or_too_much_fails() {
    let mut net = net(5);
    net.servers
        .insert(ROOT, Server { apex: Some(Name::root()), traits: vec!["dead".into()], ..Server::default() });
    net.limits.deadline_ms = 500;
    let outcome = net.ask(&name("www.example."), Rtype::A);
    assert_eq!(outcome.resolution.failure, Some(Failure::Deadline));
    assert_eq!(outcome.millis, 500);
    net.limits.packets = 0;
    assert_eq!(net.ask(&name("x.example."), Rtype::A).resolution.failure, Some(Failure::TooMuchWork));
}

/// Ids can't be foretold from those before: over many questions each value of an octet comes about as
/// often (chi-square with 255 degrees of freedom; 400 is beyond any sane level).
#[test]
fn ids_are_spread_evenly() {
    let mut counts = [[0_u32; 256]; 2];
    let mut net = net(6);
    net.servers.insert(ROOT, Server { apex: Some(Name::root()), ..Server::default() });
    net.rng = rand::make_rng();
    for index in 0..20_000 {
        let mut iteration = Iteration::new(name(&format!("n{index}.")), Rtype::A, net.now.plus_secs(10));
        let action = net.step(&mut iteration, Event::Start);
        let Action::Ask { packet, .. } = action else { panic!("{action:?}") };
        counts[0][usize::from(packet[0])] += 1;
        counts[1][usize::from(packet[1])] += 1;
    }
    for counts in counts {
        let expected = 20_000.0 / 256.0;
        let chi: f64 = counts.iter().map(|&n| (f64::from(n) - expected).powi(2) / expected).sum();
        assert!(chi < 400.0, "{chi}");
    }
}

/// Without a socket no server is to blame: none is thought slower, or benched.
#[test]
fn want_of_sockets_is_no_servers_fault() {
    for (event, rto) in [(Event::Unsent, 376), (Event::Unreachable, 752)] {
        let mut net = net(8);
        let (mut iteration, _) = first_packet(&mut net, "x.");
        let Action::Done(resolution) = net.step(&mut iteration, event) else {
            panic!("the one server is out")
        };
        assert_eq!(resolution.failure, Some(Failure::NoServer));
        assert_eq!(net.known.stat(ROOT).rto(), Duration::from_millis(rto), "{event:?}");
    }
}

/// An SOA without its numbers has no TTL for a negative answer, and would be passed on as it is.
#[test]
fn a_negative_answer_with_half_an_soa_is_none() {
    let mut net = net(7);
    for (numbers, rcode) in [(20, Rcode::NXDOMAIN), (19, Rcode::SERVFAIL), (21, Rcode::SERVFAIL)] {
        let rdata = [name("ns.").as_wire(), name("a.").as_wire(), &vec![0; numbers]].concat().into();
        let soa = Record { owner: Name::root(), rtype: Rtype::SOA, class: Class::IN, ttl: 60, rdata };
        let body = Body { flags: 0x0400, rcode: 3, records: vec![(Section::Authority, soa)] };
        let scripted = vec![Scripted { name: name("x."), rtype: None, body }];
        net.servers.insert(ROOT, Server { apex: Some(Name::root()), scripted, ..Server::default() });
        assert_eq!(net.ask(&name("x."), Rtype::A).resolution.rcode(), rcode, "{numbers} octets of numbers");
    }
}

/// Every truncation and every flipped bit of good answers: the question still ends within its limits.
#[test]
fn broken_answers_end() {
    let records = vec![
        ns("example.", "ns.example."),
        a("ns.example.", ROOT),
        a("ns.example.", IpAddr::from([192, 0, 2, 2])),
    ];
    let root = Server { apex: Some(Name::root()), records, ..Server::default() };
    let mut example = Server { apex: Some(name("example.")), ..Server::default() };
    example.records = vec![a("www.example.", ROOT), a("www.example.", IpAddr::from([192, 0, 2, 9]))];
    for (server, question) in [(&root, "www.example."), (&example, "www.example."), (&root, "x.")] {
        let (_, packet) = first_packet(&mut net(1), question);
        let mut rng = rand::rngs::StdRng::seed_from_u64(1);
        let reply = server.clone().answer(&packet, serve::Transport::Udp, &mut rng);
        let sim::server::Reply::Packets(packets) = reply else { panic!("it answers") };
        let good = &packets[0].1;
        let cut = (0..good.len()).map(|end| good[..end].to_vec());
        let flipped = (0..good.len() * 8).map(|bit| {
            let mut broken = good.clone();
            broken[bit / 8] ^= 1 << (bit % 8);
            broken
        });
        for broken in cut.chain(flipped) {
            let mut net = net(1);
            let (mut iteration, _) = first_packet(&mut net, question);
            let mut action = net.step(&mut iteration, Event::Response(&broken));
            while !matches!(action, Action::Done(_)) {
                net.now = net.now.plus_secs(1);
                action = net.step(&mut iteration, Event::Timeout);
            }
            assert!(iteration.packets() <= net.limits.packets);
        }
    }
}

/// A question that waits for the answer to its first packet; its priming is taken to be under way.
fn first_packet(net: &mut Net, question: &str) -> (Iteration, Vec<u8>) {
    assert!(net.records.may_prime(net.now));
    let mut iteration = Iteration::new(name(question), Rtype::A, net.now.plus_secs(10));
    match net.step(&mut iteration, Event::Start) {
        Action::Ask { packet, .. } => (iteration, packet),
        other => panic!("{other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Whatever servers answer, a question ends within its limits and nothing panics: random record
    /// soups over few names, so that they often fit together.
    #[test]
    fn any_answers_end(
        seed: u64,
        soups in proptest::collection::vec(
            (0..4_u8, 0..3_u16, proptest::collection::vec((0..3_usize, 0..8_usize, 0..5_usize, 0..8_usize, 0..400_u32), 0..12)),
            1..12,
        ),
    ) {
        const NAMES: [&str; 8] =
            [".", "a.", "b.a.", "c.b.a.", "d.", "ns.a.", "ns.d.", "www.c.b.a."];
        let sections = [Section::Answer, Section::Authority, Section::Additional];
        let mut net = net(seed);
        for (index, (server, flags, soup)) in soups.iter().enumerate() {
            let records = soup.iter().map(|&(section, owner, kind, data, ttl)| {
                let (rtype, rdata): (Rtype, Vec<u8>) = match kind {
                    0 => (Rtype::A, vec![192, 0, 2, 1 + data as u8 % 4]),
                    1 => (Rtype::NS, name(NAMES[data]).as_wire().into()),
                    2 => (Rtype::CNAME, name(NAMES[data]).as_wire().into()),
                    3 => (Rtype::SOA, [name(".").as_wire(), name(".").as_wire(), &[0; 20]].concat()),
                    _ => (Rtype::TXT, vec![1, data as u8]),
                };
                (sections[section], Record { owner: name(NAMES[owner]), rtype, class: Class::IN, ttl, rdata: rdata.into() })
            });
            let body = Body { flags: if flags & 1 == 0 { 0x0400 } else { 0 }, rcode: if *flags == 2 { 3 } else { 0 }, records: records.collect() };
            let scripted = Scripted { name: name(NAMES[index % 8]), rtype: None, body };
            let ip = IpAddr::from([192, 0, 2, 1 + server]);
            net.servers.entry(ip).or_default().scripted.push(scripted);
        }
        for question in NAMES {
            let outcome = net.ask(&name(question), Rtype::A);
            prop_assert!(outcome.packets <= net.limits.packets);
            prop_assert!(outcome.millis <= net.limits.deadline_ms + 3000);
            prop_assert!(outcome.resolution.answer.len() <= net.limits.restarts + 1);
            let owners: Vec<_> = outcome.resolution.answer.iter().map(|set| set.owner.clone()).collect();
            for (index, set) in outcome.resolution.answer.iter().enumerate() {
                prop_assert!(!owners[..index].contains(&set.owner), "no name twice");
                prop_assert!(index == 0 && owners[0] == name(question)
                    || index > 0 && outcome.resolution.answer[index - 1].target() == Some(set.owner.clone()));
            }
        }
    }
}
