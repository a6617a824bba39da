//! Streams over real sockets.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use common::*;
use serve::ListenConfig;
use serve::tcp::TcpConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use wire::Rcode;

async fn start(tcp: TcpConfig) -> Running {
    Running::start(&ListenConfig { tcp, ..config(&["127.0.0.1:0"]) }, Mirror::default()).await
}

async fn connect(running: &Running) -> TcpStream {
    TcpStream::connect(running.address()).await.unwrap()
}

/// Whether the server has closed the connection without a word.
async fn closed(stream: &mut TcpStream) -> bool {
    matches!(stream.read(&mut [0]).await, Ok(0) | Err(_))
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_come_as_they_get_ready() {
    let running = start(TcpConfig::default()).await;
    let mut stream = connect(&running).await;
    for (id, name) in [(1, "held.example."), (2, "www.example."), (3, "slow.example."), (4, "www.example.")] {
        tcp_send(&mut stream, &ask(id, name)).await;
    }
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(id(&tcp_receive(&mut stream).await));
    }
    assert!(ids.iter().position(|&id| id == 2) < ids.iter().position(|&id| id == 4), "{ids:?}");
    ids.sort_unstable();
    assert_eq!(ids, [2, 3, 4]);
    running.service.held.gate.add_permits(1);
    let last = tcp_receive(&mut stream).await;
    assert_eq!((id(&last), told(&last)), (1, running.address().ip()));
    assert_eq!(running.metric("tern_queries_total{transport=\"tcp\"}"), 4);
    assert_eq!(running.metric("tern_responses_total{rcode=\"NOERROR\"}"), 4);
    assert_eq!(running.metric("tern_tcp_connections"), 1);
    running.server.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_query_may_have_many_messages() {
    let running = start(TcpConfig::default()).await;
    let mut stream = connect(&running).await;
    tcp_send(&mut stream, &ask(1, "many.example.")).await;
    for _ in 0..3 {
        assert_eq!(id(&tcp_receive(&mut stream).await), 1);
    }
    assert_eq!(running.metric("tern_responses_total{rcode=\"NOERROR\"}"), 1);
    running.server.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn long_replies_are_not_truncated() {
    let running = start(TcpConfig::default()).await;
    let mut stream = connect(&running).await;
    tcp_send(&mut stream, &ask(1, "big.example.")).await;
    let answer = tcp_receive(&mut stream).await;
    assert!(answer.len() > 1000 && answer[2] & 2 == 0);
    running.server.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_may_come_octet_by_octet() {
    let running = start(TcpConfig::default()).await;
    let mut stream = connect(&running).await;
    stream.set_nodelay(true).unwrap();
    let packet = ask(1, "www.example.");
    for octet in [&(packet.len() as u16).to_be_bytes(), &packet[..]].concat() {
        stream.write_all(&[octet]).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(id(&tcp_receive(&mut stream).await), 1);
    running.server.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_messages_get_their_error_and_the_connection_lives() {
    let running = start(TcpConfig::default()).await;
    let mut stream = connect(&running).await;
    let mut notify = ask(1, "www.example.");
    notify[2] |= 4 << 3;
    let mut response = ask(2, "www.example.");
    response[2] |= 0x80;
    for packet in [&notify[..], &response, &[], &[0; 3], &ask(3, "panic.example."), &ask(4, "www.example.")] {
        tcp_send(&mut stream, packet).await;
    }
    let mut answers = Vec::new();
    for _ in 0..3 {
        let answer = tcp_receive(&mut stream).await;
        answers.push((id(&answer), rcode(&answer)));
    }
    assert_eq!(answers, [(1, Rcode::NOTIMP), (3, Rcode::SERVFAIL), (4, Rcode::NOERROR)]);
    assert_eq!(running.metric("tern_dropped_total{reason=\"malformed\"}"), 3);
    running.server.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_work_is_answered_after_the_client_has_ended() {
    let running = start(TcpConfig::default()).await;
    let mut stream = connect(&running).await;
    tcp_send(&mut stream, &ask(1, "held.example.")).await;
    stream.shutdown().await.unwrap();
    running.service.held.wait_for(1).await;
    running.service.held.gate.add_permits(1);
    assert_eq!(id(&tcp_receive(&mut stream).await), 1);
    assert!(closed(&mut stream).await);
    running.server.stop(GRACE).await;
}

async fn from(ip: &str, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(ip.parse().unwrap(), 0)).unwrap();
    socket.connect(to).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_have_limits() {
    let limits = TcpConfig { connections: 3, connections_per_client: 2, ..TcpConfig::default() };
    let running = start(limits).await;
    let mut open = Vec::new();
    for ip in ["127.0.0.1", "127.0.0.1", "127.0.0.2"] {
        let mut stream = from(ip, running.address()).await;
        tcp_send(&mut stream, &ask(1, "www.example.")).await;
        tcp_receive(&mut stream).await;
        open.push(stream);
    }
    assert!(closed(&mut from("127.0.0.3", running.address()).await).await, "the fourth of all");
    open.pop();
    while running.metric("tern_tcp_connections") > 2 {
        tokio::task::yield_now().await;
    }
    assert!(closed(&mut from("127.0.0.1", running.address()).await).await, "the third of one client");
    let mut stream = from("127.0.0.3", running.address()).await;
    tcp_send(&mut stream, &ask(2, "www.example.")).await;
    assert_eq!(id(&tcp_receive(&mut stream).await), 2);
    assert_eq!(running.metric("tern_tcp_refused_total"), 2);
    drop((open, stream));
    running.server.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_has_a_limit_of_queries_in_work() {
    let running = start(TcpConfig { pipeline: 2, ..TcpConfig::default() }).await;
    let mut stream = connect(&running).await;
    for (id, name) in [(1, "held.example."), (2, "held.example."), (3, "www.example.")] {
        tcp_send(&mut stream, &ask(id, name)).await;
    }
    running.service.held.wait_for(2).await;
    // The third is read only when one of the two is done.
    assert_eq!(running.metric("tern_queries_total{transport=\"tcp\"}"), 2);
    running.service.held.gate.add_permits(1);
    let first = [id(&tcp_receive(&mut stream).await), id(&tcp_receive(&mut stream).await)];
    assert!(first == [1, 3] || first == [2, 3], "{first:?}");
    running.service.held.gate.add_permits(1);
    tcp_receive(&mut stream).await;
    running.server.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silenced_client_gets_no_connection() {
    let mut config = config(&["127.0.0.1:0"]);
    config.acl = toml::from_str("deny = ['127.0.0.2']\notherwise = 'silence'").unwrap();
    let running = Running::start(&config, Mirror::default()).await;
    assert!(closed(&mut from("127.0.0.2", running.address()).await).await);
    running.server.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_answers_what_has_come_and_closes() {
    let running = start(TcpConfig::default()).await;
    let mut idle = connect(&running).await;
    let mut busy = connect(&running).await;
    tcp_send(&mut busy, &ask(1, "held.example.")).await;
    running.service.held.wait_for(1).await;
    tcp_send(&mut busy, &ask(2, "slow.example.")).await;
    let address = running.address();
    let service = running.service;
    let stopping = tokio::spawn(running.server.stop(GRACE));
    assert!(closed(&mut idle).await);
    assert_eq!(id(&tcp_receive(&mut busy).await), 2);
    service.held.gate.add_permits(1);
    assert_eq!(id(&tcp_receive(&mut busy).await), 1);
    assert!(closed(&mut busy).await);
    stopping.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_does_not_wait_for_ever() {
    let running = start(TcpConfig::default()).await;
    let mut stream = connect(&running).await;
    tcp_send(&mut stream, &ask(1, "held.example.")).await;
    running.service.held.wait_for(1).await;
    running.server.stop(Duration::from_millis(300)).await;
    assert!(closed(&mut stream).await);
}
