//! A service for tests, and clients that ask it.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]
#![allow(dead_code, unreachable_pub, reason = "each test file uses some of it")]

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use prometheus::{Registry, TextEncoder};
use serve::{Answer, Client, ListenConfig, Outcome, OwnedPacket, Server, Service, Sink};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use wire::message::Section;
use wire::{Ask, Message, Name, Owner, Query, Rcode, Reply, Rtype, Template, TemplateBuilder};

pub const GRACE: Duration = Duration::from_secs(5);

/// Answers A with the address that was asked; the first label of the name says what else to do:
/// `slow`, `held` (slow, until a permit is released), `many` (slow, three messages), `drop`, `panic`,
/// `slowpanic`, `big` (1000 octets).
#[derive(Default)]
pub struct Mirror {
    pub silent_when_full: bool,
    pub made: AtomicUsize,
    pub held: Held,
}

pub struct Held {
    pub gate: Semaphore,
    pub waiting: watch::Sender<usize>,
}

impl Default for Held {
    fn default() -> Self {
        Self { gate: Semaphore::new(0), waiting: watch::Sender::new(0) }
    }
}

impl Held {
    pub async fn wait_for(&self, count: usize) {
        self.waiting.subscribe().wait_for(|waiting| *waiting >= count).await.unwrap();
    }
}

pub struct MirrorWorker {
    poisoned: bool,
}

impl Service for Mirror {
    type Worker = MirrorWorker;

    fn worker(&self, _core: usize) -> MirrorWorker {
        self.made.fetch_add(1, Ordering::Relaxed);
        MirrorWorker { poisoned: false }
    }

    async fn slow(&self, packet: OwnedPacket, client: Client, mut sink: Sink) {
        let query = packet.query().unwrap();
        let label = first_label(&query);
        match label.as_str() {
            "slowpanic" => panic!("asked for"),
            "held" => {
                self.held.waiting.send_modify(|waiting| *waiting += 1);
                self.held.gate.acquire().await.unwrap().forget();
            }
            _ => {}
        }
        let mut buffer = [0; 512];
        let mut reply = Reply::to(&query, &mut buffer, sink.limit());
        reply.template(address(client.local).as_ref(), 0);
        let length = reply.finish();
        for _ in 0..if label == "many" { 3 } else { 1 } {
            sink.send(&buffer[..length]).await.unwrap();
        }
    }

    fn servfail_when_full(&self) -> bool {
        !self.silent_when_full
    }
}

impl Answer for MirrorWorker {
    fn answer(&mut self, query: &Query<'_>, client: &Client, reply: &mut Reply<'_>) -> Outcome {
        assert!(!self.poisoned, "a worker that has panicked is not used again");
        match first_label(query).as_str() {
            "drop" => return Outcome::Drop,
            "slow" | "held" | "many" | "slowpanic" => return Outcome::Slow,
            "panic" => {
                self.poisoned = true;
                panic!("asked for");
            }
            "big" => reply.template(text(1000).as_ref(), 0),
            _ => reply.template(address(client.local).as_ref(), 0),
        }
        Outcome::Done
    }
}

fn first_label(query: &Query<'_>) -> String {
    let wire = query.question.wire;
    String::from_utf8_lossy(&wire[1..1 + usize::from(wire[0])]).to_lowercase()
}

fn address(local: IpAddr) -> Template {
    let mut template = TemplateBuilder::new(&Name::root());
    let (rtype, rdata) = match local {
        IpAddr::V4(v4) => (Rtype::A, v4.octets().to_vec()),
        IpAddr::V6(v6) => (Rtype::AAAA, v6.octets().to_vec()),
    };
    template.push(Section::Answer, Owner::Question, rtype, 60, &rdata).unwrap();
    template.finish()
}

fn text(octets: usize) -> Template {
    let mut template = TemplateBuilder::new(&Name::root());
    for _ in 0..octets / 100 {
        let rdata = [&[99][..], &[b'x'; 99]].concat();
        template.push(Section::Answer, Owner::Question, Rtype::TXT, 60, &rdata).unwrap();
    }
    template.finish()
}

pub fn config(listen: &[&str]) -> ListenConfig {
    let listen = listen.iter().map(|address| address.parse().unwrap()).collect();
    ListenConfig { listen, workers: 1, ..ListenConfig::default() }
}

/// A running server and its metrics.
pub struct Running {
    pub server: Server,
    pub service: Arc<Mirror>,
    pub registry: Registry,
}

impl Running {
    pub async fn start(config: &ListenConfig, service: Mirror) -> Self {
        let (service, registry) = (Arc::new(service), Registry::new());
        let server = serve::start("mirror", config, Arc::clone(&service), &registry).await.unwrap();
        Self { server, service, registry }
    }

    pub fn address(&self) -> SocketAddr {
        self.server.local_addrs()[0]
    }

    /// The value of a metric, written as Prometheus writes it, without the label `service`.
    pub fn metric(&self, name: &str) -> u64 {
        metric(&self.registry, name)
    }
}

pub fn metric(registry: &Registry, name: &str) -> u64 {
    let text = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
    let text = text.replace("service=\"mirror\",", "").replace(",service=\"mirror\"", "");
    let text = text.replace("{service=\"mirror\"}", "");
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in\n{text}")).parse().unwrap()
}

/// A question for A of `name`, without EDNS.
pub fn ask(id: u16, name: &str) -> Vec<u8> {
    let name: Name = name.parse().unwrap();
    let mut packet = Vec::new();
    Ask { edns: false, ..Ask::new(id, &name, Rtype::A) }.write(&mut packet);
    packet
}

/// A client's socket that waits for answers, though not for ever.
pub fn client(ip: &str) -> UdpSocket {
    let socket = UdpSocket::bind((ip, 0)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    socket
}

/// Asks over UDP: the answer, and where it came from.
pub fn exchange(socket: &UdpSocket, to: SocketAddr, packet: &[u8]) -> (Vec<u8>, SocketAddr) {
    socket.send_to(packet, to).unwrap();
    let mut buffer = [0; 4096];
    let (length, from) = socket.recv_from(&mut buffer).unwrap();
    (buffer[..length].to_vec(), from)
}

/// Asks over UDP from an address of loopback.
pub fn udp(to: SocketAddr, packet: &[u8]) -> Vec<u8> {
    let ip = if to.is_ipv4() { "127.0.0.1" } else { "::1" };
    exchange(&client(ip), to, packet).0
}

pub fn rcode(message: &[u8]) -> Rcode {
    Rcode(u16::from(message[3] & 0xF))
}

pub fn id(message: &[u8]) -> u16 {
    u16::from_be_bytes([message[0], message[1]])
}

/// The address in an answer of [`Mirror`].
pub fn told(message: &[u8]) -> IpAddr {
    let message = Message::parse(message).unwrap();
    let (_, record) = message.records().next().unwrap().unwrap();
    match <[u8; 4]>::try_from(&*record.rdata) {
        Ok(v4) => Ipv4Addr::from(v4).into(),
        Err(_) => IpAddr::from(<[u8; 16]>::try_from(&*record.rdata).unwrap()),
    }
}

pub async fn tcp_send(stream: &mut TcpStream, packet: &[u8]) {
    let mut framed = (packet.len() as u16).to_be_bytes().to_vec();
    framed.extend_from_slice(packet);
    stream.write_all(&framed).await.unwrap();
}

pub async fn tcp_receive(stream: &mut TcpStream) -> Vec<u8> {
    let length = stream.read_u16().await.unwrap();
    let mut message = vec![0; usize::from(length)];
    stream.read_exact(&mut message).await.unwrap();
    message
}

/// Asks over HTTP/1.1 without keep-alive: the status and the body.
pub fn http(to: SocketAddr, method: &str, path: &str) -> (u16, String) {
    let mut stream = std::net::TcpStream::connect(to).unwrap();
    write!(stream, "{method} {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}
