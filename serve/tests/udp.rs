//! Datagrams over real sockets.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::*;
use prometheus::Registry;
use serve::{ListenConfig, StartError};
use wire::Rcode;

#[tokio::test(flavor = "multi_thread")]
async fn answers_and_counts() {
    let running = Running::start(&config(&["127.0.0.1:0"]), Mirror::default()).await;
    let answer = udp(running.address(), &ask(7, "www.example."));
    assert_eq!((id(&answer), rcode(&answer)), (7, Rcode::NOERROR));
    assert_eq!(told(&answer), running.address().ip());
    assert_eq!(running.metric("tern_queries_total{transport=\"udp\"}"), 1);
    assert_eq!(running.metric("tern_queries_total{transport=\"tcp\"}"), 0);
    assert_eq!(running.metric("tern_responses_total{rcode=\"NOERROR\"}"), 1);
    running.server.stop(GRACE).await;
}

/// A query with one part of it changed.
fn changed(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut packet = ask(9, "www.example.");
    change(&mut packet);
    packet
}

/// An OPT record of this version with these options, behind a query.
fn with_opt(version: u8, options: &[u8]) -> Vec<u8> {
    changed(|packet| {
        packet[11] = 1;
        packet.extend_from_slice(&[0, 0, 41, 0x10, 0, 0, version, 0, 0, 0, options.len() as u8]);
        packet.extend_from_slice(options);
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_packets_get_the_protocols_error_or_silence() {
    let running = Running::start(&config(&["127.0.0.1:0"]), Mirror::default()).await;
    let class_at = ask(9, "www.example.").len() - 1;
    let table: &[(&str, Vec<u8>, Option<u8>)] = &[
        ("opcode NOTIFY", changed(|packet| packet[2] |= 4 << 3), Some(4)),
        ("opcode 15", changed(|packet| packet[2] |= 15 << 3), Some(4)),
        ("no question", changed(|packet| packet[5] = 0), Some(1)),
        ("two questions", changed(|packet| packet[5] = 2), Some(1)),
        ("cut in the question", changed(|packet| packet.truncate(20)), Some(1)),
        ("octets behind the message", changed(|packet| packet.push(0)), Some(1)),
        ("client subnet of family 9", with_opt(0, &[0, 8, 0, 4, 0, 9, 0, 0]), Some(1)),
        ("client subnet with stray bits", with_opt(0, &[0, 8, 0, 5, 0, 1, 4, 0, 0xFF]), Some(1)),
        ("client subnet with a scope", with_opt(0, &[0, 8, 0, 5, 0, 1, 8, 8, 10]), Some(1)),
        ("EDNS version 1", with_opt(1, &[]), Some(0)),
        ("class HS", changed(|packet| packet[class_at] = 4), Some(5)),
        ("class ANY", changed(|packet| packet[class_at] = 255), Some(5)),
        ("longer than 4096 octets", with_padding(5000), Some(1)),
        ("long, yet not too long", with_padding(4000), Some(0)),
        ("a response", changed(|packet| packet[2] |= 0x80), None),
        ("eleven octets", changed(|packet| packet.truncate(11)), None),
        ("nothing", Vec::new(), None),
    ];
    let socket = client("127.0.0.1");
    for (what, packet, expected) in table {
        match expected {
            Some(expected) => {
                let (answer, _) = exchange(&socket, running.address(), packet);
                assert_eq!((id(&answer), answer[3] & 0xF), (9, *expected), "{what}");
                assert_eq!(answer[2] & 0x80, 0x80, "{what}");
            }
            // The next answer on this socket is to the next query.
            None => assert_eq!(socket.send_to(packet, running.address()).unwrap(), packet.len()),
        }
    }
    let (answer, _) = exchange(&socket, running.address(), &ask(10, "www.example."));
    assert_eq!(id(&answer), 10, "silence before");
    let version_1 = udp(running.address(), &with_opt(1, &[]));
    // BADVERS is 16: its upper bits stand in the OPT record that ends the message.
    assert_eq!(version_1[version_1.len() - 6], 1);
    assert_eq!(running.metric("tern_dropped_total{reason=\"malformed\"}"), 3);
    assert_eq!(running.metric("tern_responses_total{rcode=\"BADVERS\"}"), 2);
    assert_eq!(running.metric("tern_responses_total{rcode=\"REFUSED\"}"), 2);
    running.server.stop(GRACE).await;
}

/// A query of exactly so many octets, by EDNS padding (RFC 7830).
fn with_padding(octets: usize) -> Vec<u8> {
    changed(|packet| {
        packet[11] = 1;
        let padding = octets - packet.len() - 15;
        packet.extend_from_slice(&[0, 0, 41, 0x10, 0, 0, 0, 0, 0]);
        packet.extend_from_slice(&(padding as u16 + 4).to_be_bytes());
        packet.extend_from_slice(&[0, 12]);
        packet.extend_from_slice(&(padding as u16).to_be_bytes());
        packet.resize(octets, 0);
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wildcard_listener_answers_from_the_address_that_was_asked() {
    let running = Running::start(&config(&["0.0.0.0:0", "[::]:0"]), Mirror::default()).await;
    let (v4, v6) = (running.server.local_addrs()[0].port(), running.server.local_addrs()[1].port());
    for (from, asked) in [
        ("127.0.0.1", format!("127.0.0.9:{v4}")),
        ("127.0.0.1", format!("127.7.7.7:{v4}")),
        ("::1", format!("[::1]:{v6}")),
    ] {
        let asked = asked.parse().unwrap();
        let socket = client(from);
        for name in ["www.example.", "slow.example."] {
            let (answer, from) = exchange(&socket, asked, &ask(1, name));
            assert_eq!(from, asked, "{name}");
            assert_eq!(told(&answer), asked.ip(), "{name}");
        }
    }
    running.server.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_in_use_is_an_error_that_says_the_mend() {
    let running = Running::start(&config(&["127.0.0.1:0"]), Mirror::default()).await;
    let again = ListenConfig { listen: vec![running.address()], ..config(&[]) };
    let error = serve::start("again", &again, running.service.clone(), &Registry::new()).await.unwrap_err();
    let message = error.to_string();
    assert!(matches!(error, StartError::Listen { transport: "UDP", .. }), "{message}");
    assert!(message.contains(&running.address().to_string()) && message.contains("mend: stop"), "{message}");
    running.server.stop(GRACE).await;
    let server = serve::start("again", &again, running.service, &Registry::new()).await.unwrap();
    server.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_of_another_host_is_an_error() {
    let config = config(&["192.0.2.1:0"]);
    let error = serve::start("x", &config, Arc::new(Mirror::default()), &Registry::new()).await.unwrap_err();
    assert!(error.to_string().contains("no interface of this host has 192.0.2.1"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn values_that_cannot_work_are_named() {
    for (config, key) in [
        (ListenConfig { listen: Vec::new(), ..config(&[]) }, "listen"),
        (ListenConfig { udp_payload: 511, ..config(&["127.0.0.1:0"]) }, "udp-payload"),
        (ListenConfig { slow_tasks: 0, ..config(&["127.0.0.1:0"]) }, "slow-tasks"),
    ] {
        let error = config.check().unwrap_err();
        assert_eq!(error.key, key, "{error}");
        let started = serve::start("x", &config, Arc::new(Mirror::default()), &Registry::new()).await;
        assert!(matches!(started, Err(StartError::Config(invalid)) if invalid == error));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_of_one_name_do_not_share_metrics() {
    let running = Running::start(&config(&["127.0.0.1:0"]), Mirror::default()).await;
    let config = config(&["127.0.0.1:0"]);
    let second = serve::start("mirror", &config, running.service.clone(), &running.registry).await;
    assert!(matches!(second, Err(StartError::Metrics(_))));
    running.server.stop(GRACE).await;
    let third = serve::start("mirror", &config, running.service, &running.registry).await.unwrap();
    third.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_slow_path_answers() {
    let running = Running::start(&config(&["127.0.0.1:0"]), Mirror::default()).await;
    let answer = udp(running.address(), &ask(3, "slow.example."));
    assert_eq!((id(&answer), told(&answer)), (3, running.address().ip()));
    assert_eq!(running.metric("tern_slow_total"), 1);
    assert_eq!(running.metric("tern_responses_total{rcode=\"NOERROR\"}"), 1);
    running.server.stop(GRACE).await;
}

/// One query held on the slow path, one waiting in the queue: full.
async fn with_full_queue(service: Mirror) -> (Running, std::net::UdpSocket) {
    let config = ListenConfig { slow_queue: 1, slow_tasks: 1, ..config(&["127.0.0.1:0"]) };
    let running = Running::start(&config, service).await;
    let socket = client("127.0.0.1");
    socket.send_to(&ask(1, "held.example."), running.address()).unwrap();
    running.service.held.wait_for(1).await;
    socket.send_to(&ask(2, "slow.example."), running.address()).unwrap();
    (running, socket)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_means_servfail() {
    let (running, socket) = with_full_queue(Mirror::default()).await;
    let (answer, _) = exchange(&socket, running.address(), &ask(3, "slow.example."));
    assert_eq!((id(&answer), rcode(&answer)), (3, Rcode::SERVFAIL));
    assert_eq!(running.metric("tern_slow_queue_length"), 1);
    assert_eq!(running.metric("tern_slow_queue_full_total"), 1);
    running.service.held.gate.add_permits(1);
    let answered =
        [exchange(&socket, running.address(), &ask(4, "www.example.")).0, receive(&socket), receive(&socket)];
    let mut ids = answered.map(|answer| id(&answer));
    ids.sort_unstable();
    assert_eq!(ids, [1, 2, 4]);
    running.server.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_means_silence_where_the_service_says_so() {
    let (running, socket) = with_full_queue(Mirror { silent_when_full: true, ..Mirror::default() }).await;
    socket.send_to(&ask(3, "slow.example."), running.address()).unwrap();
    let (answer, _) = exchange(&socket, running.address(), &ask(4, "www.example."));
    assert_eq!(id(&answer), 4);
    assert_eq!(running.metric("tern_dropped_total{reason=\"queue-full\"}"), 1);
    running.service.held.gate.add_permits(1);
    running.server.stop(GRACE).await;
}

fn receive(socket: &std::net::UdpSocket) -> Vec<u8> {
    let mut buffer = [0; 4096];
    let length = socket.recv(&mut buffer).unwrap();
    buffer[..length].to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_costs_one_servfail_and_no_worker() {
    let running = Running::start(&config(&["127.0.0.1:0"]), Mirror::default()).await;
    let socket = client("127.0.0.1");
    for round in 0..3 {
        let (answer, _) = exchange(&socket, running.address(), &ask(round, "panic.example."));
        assert_eq!((id(&answer), rcode(&answer)), (round, Rcode::SERVFAIL));
        let (answer, _) = exchange(&socket, running.address(), &ask(99, "www.example."));
        assert_eq!((id(&answer), rcode(&answer)), (99, Rcode::NOERROR));
    }
    socket.send_to(&ask(5, "slowpanic.example."), running.address()).unwrap();
    let (answer, _) = exchange(&socket, running.address(), &ask(6, "slow.example."));
    assert_eq!(id(&answer), 6);
    let address = running.address();
    let registry = running.registry.clone();
    assert_eq!(running.metric("tern_responses_total{rcode=\"SERVFAIL\"}"), 3);
    // The panic on the slow path is done before a stop is.
    let panics = move || metric(&registry, "tern_panics_total");
    while panics() < 4 {
        tokio::task::yield_now().await;
    }
    assert_eq!(rcode(&udp(address, &ask(7, "www.example."))), Rcode::NOERROR);
    running.server.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_may_stay_silent() {
    let running = Running::start(&config(&["127.0.0.1:0"]), Mirror::default()).await;
    let socket = client("127.0.0.1");
    socket.send_to(&ask(1, "drop.example."), running.address()).unwrap();
    assert_eq!(id(&exchange(&socket, running.address(), &ask(2, "www.example.")).0), 2);
    assert_eq!(running.metric("tern_dropped_total{reason=\"service\"}"), 1);
    running.server.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_are_no_longer_than_asker_and_configuration_allow() {
    let config = ListenConfig { udp_payload: 700, ..config(&["127.0.0.1:0"]) };
    let running = Running::start(&config, Mirror::default()).await;
    let edns = |payload: u16| {
        let mut packet = ask(1, "big.example.");
        packet[11] = 1;
        let [high, low] = payload.to_be_bytes();
        packet.extend_from_slice(&[0, 0, 41, high, low, 0, 0, 0, 0, 0, 0]);
        packet
    };
    for packet in [ask(1, "big.example."), edns(1232), edns(4096)] {
        let answer = udp(running.address(), &packet);
        assert!(answer[2] & 2 != 0 && answer.len() <= 700, "TC in {answer:?}");
    }
    running.server.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_clients_get_refused_or_nothing() {
    let mut refusing = config(&["127.0.0.1:0"]);
    refusing.acl = toml::from_str("deny = ['127.0.0.2']").unwrap();
    let running = Running::start(&refusing, Mirror::default()).await;
    let (answer, _) = exchange(&client("127.0.0.2"), running.address(), &ask(1, "slow.example."));
    assert_eq!((id(&answer), rcode(&answer)), (1, Rcode::REFUSED));
    assert_eq!(rcode(&udp(running.address(), &ask(2, "www.example."))), Rcode::NOERROR);
    running.server.stop(GRACE).await;

    refusing.acl = toml::from_str("deny = ['127.0.0.2']\notherwise = 'silence'").unwrap();
    let running = Running::start(&refusing, Mirror::default()).await;
    client("127.0.0.2").send_to(&ask(1, "www.example."), running.address()).unwrap();
    assert_eq!(rcode(&udp(running.address(), &ask(2, "www.example."))), Rcode::NOERROR);
    assert_eq!(running.metric("tern_dropped_total{reason=\"acl\"}"), 1);
    running.server.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_loses_no_query_that_has_come() {
    let running = Running::start(
        &ListenConfig { workers: 2, pin: true, ..config(&["127.0.0.1:0"]) },
        Mirror::default(),
    )
    .await;
    let address = running.address();
    // What several clients sent before the stop began is answered, fast or slow.
    let clients: Vec<_> = (0..8).map(|_| client("127.0.0.1")).collect();
    for round in 0..50 {
        for (index, socket) in clients.iter().enumerate() {
            let name = if index % 2 == 0 { "www.example." } else { "slow.example." };
            socket.send_to(&ask(round, name), address).unwrap();
        }
    }
    running.server.stop(GRACE).await;
    for socket in &clients {
        socket.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        let mut ids: Vec<_> = (0..50).map(|_| id(&receive(socket))).collect();
        ids.sort_unstable();
        assert_eq!(ids, (0..50).collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_with_its_grace() {
    let running = Running::start(&config(&["127.0.0.1:0"]), Mirror::default()).await;
    client("127.0.0.1").send_to(&ask(1, "held.example."), running.address()).unwrap();
    running.service.held.wait_for(1).await;
    let began = std::time::Instant::now();
    running.server.stop(Duration::from_millis(300)).await;
    assert!(began.elapsed() < Duration::from_secs(3));
}
