//! A resolver and its fake servers on loopback addresses of their own, all on one port.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use local_dns::{Config, Running};
use rand::SeedableRng;
use rand::rngs::StdRng;
use serve::Transport;
use wire::{Class, Message, Name, Rcode, Record, Rtype, Section};

use crate::sim::script;
use crate::sim::server::{Reply, Server};

/// The net of the next world of this process, below this process's own.
static NEXT: AtomicU16 = AtomicU16::new(0);

pub fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// A query; `options` are the OPT record's.
pub fn query(id: u16, owner: &str, rtype: Rtype, class: Class, recursion: bool, options: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for word in [id, if recursion { 0x0100 } else { 0 }, 1, 0, 0, 1] {
        out.extend_from_slice(&word.to_be_bytes());
    }
    out.extend_from_slice(name(owner).as_wire());
    for word in [rtype.0, class.0] {
        out.extend_from_slice(&word.to_be_bytes());
    }
    out.extend_from_slice(&[0, 0, 41, 0x04, 0xD0, 0, 0, 0, 0]);
    out.extend_from_slice(&(options.len() as u16).to_be_bytes());
    out.extend_from_slice(options);
    out
}

/// A response.
pub struct Got(pub Vec<u8>);

impl Got {
    pub fn rcode(&self) -> Rcode {
        Message::parse(&self.0).unwrap().header_rcode()
    }

    pub fn records(&self, section: Section) -> Vec<Record> {
        let message = Message::parse(&self.0).unwrap();
        let all = message.records().map(Result::unwrap);
        all.filter(|(own, _)| *own == section).map(|(_, record)| record).collect()
    }

    /// The response code and the answer section.
    pub fn show(&self) -> String {
        let line = |record: &Record| {
            let data = script::show(record.rtype, &record.rdata);
            format!("{} {} {} {data}", record.owner, record.ttl, record.rtype)
        };
        let records: Vec<String> = self.records(Section::Answer).iter().map(line).collect();
        format!("{} {}", self.rcode(), records.join(", "))
    }
}

/// What the fake servers have seen.
#[derive(Default)]
struct Seen {
    sources: Mutex<Vec<(IpAddr, SocketAddr)>>,
    /// Octets of EDNS options.
    options: AtomicU16,
}

pub struct World {
    net: [u8; 3],
    port: u16,
    running: Running,
    registry: prometheus::Registry,
    service: String,
    seen: Arc<Seen>,
    base: Config,
}

impl World {
    pub async fn start(script: &str, config: &str) -> Self {
        Self::start_in(script, config, "local-dns", &prometheus::Registry::new()).await
    }

    /// Servers as `script` has them, `@` standing for the world's own /24; the resolver at `@.1`.
    pub async fn start_in(
        script: &str,
        config: &str,
        service: &str,
        registry: &prometheus::Registry,
    ) -> Self {
        let world = NEXT.fetch_add(1, Ordering::Relaxed) as u8;
        let net = [127, 64 + (std::process::id() % 128) as u8, world];
        let script = script.replace('@', &format!("{}.{}.{}", net[0], net[1], net[2]));
        let servers = servers(&script);
        let seen = Arc::<Seen>::default();
        let port = listen(&servers, &seen);
        let mut base: Config = toml::from_str(config).unwrap();
        base.send_from = vec![Ipv4Addr::new(net[0], net[1], net[2], 1).into()];
        base.upstream_port = port;
        base.hints = Some(script::hints(&script));
        base.server.listen = vec![SocketAddr::from(([net[0], net[1], net[2], 1], 0))];
        base.server.workers = 1;
        let running = local_dns::start(base.clone(), Path::new(""), service, registry).await.unwrap();
        let (registry, service) = (registry.clone(), service.to_owned());
        Self { net, port, running, registry, service, seen, base }
    }

    /// Reloads with other keys; where the world is stays.
    pub fn reload(&mut self, config: &str) -> Result<(), String> {
        let mut new: Config = toml::from_str(config).unwrap();
        let base = self.base.clone();
        (new.send_from, new.upstream_port, new.server) = (base.send_from, base.upstream_port, base.server);
        if !config.contains("root-hints") {
            new.hints = base.hints;
        }
        self.running.reload(new, Path::new("")).map_err(|failure| failure.to_string())
    }

    pub fn address(&self, last: u8) -> IpAddr {
        IpAddr::from([self.net[0], self.net[1], self.net[2], last])
    }

    pub async fn ask(&self, owner: &str, rtype: Rtype) -> Got {
        self.exchange(&query(rand::random(), owner, rtype, Class::IN, true, &[])).await
    }

    pub async fn exchange(&self, query: &[u8]) -> Got {
        let socket = tokio::net::UdpSocket::bind((self.address(1), 0)).await.unwrap();
        socket.connect(self.running.local_addrs()[0]).await.unwrap();
        socket.send(query).await.unwrap();
        let mut answer = vec![0; 4096];
        let received = tokio::time::timeout(Duration::from_secs(15), socket.recv(&mut answer)).await;
        answer.truncate(received.expect("an answer in time").unwrap());
        assert_eq!(answer[..2], query[..2], "the id");
        Got(answer)
    }

    pub async fn ask_tcp(&self, owner: &str, rtype: Rtype) -> Got {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let query = query(9, owner, rtype, Class::IN, true, &[]);
        let mut stream = tokio::net::TcpStream::connect(self.running.local_addrs()[0]).await.unwrap();
        stream.write_u16(query.len() as u16).await.unwrap();
        stream.write_all(&query).await.unwrap();
        let mut answer = vec![0; usize::from(stream.read_u16().await.unwrap())];
        stream.read_exact(&mut answer).await.unwrap();
        Got(answer)
    }

    /// Questions that came to all servers.
    pub fn asked(&self) -> usize {
        self.seen.sources.lock().unwrap().len()
    }

    /// Questions that came to the server whose address ends so.
    pub fn asked_at(&self, last: u8) -> usize {
        let at = self.address(last);
        self.seen.sources.lock().unwrap().iter().filter(|(server, _)| *server == at).count()
    }

    /// Where questions came from.
    pub fn sources(&self) -> Vec<SocketAddr> {
        self.seen.sources.lock().unwrap().iter().map(|(_, source)| *source).collect()
    }

    pub fn options_seen(&self) -> u16 {
        self.seen.options.load(Ordering::Relaxed)
    }

    /// A counter or gauge of this resolver, by the value of its other label, if it has one.
    pub fn metric(&self, metric: &str, label: &str) -> f64 {
        let families = self.registry.gather();
        let family = families.iter().find(|family| family.name() == format!("tern_resolver_{metric}"));
        let series = family.into_iter().flat_map(|family| family.get_metric());
        let ours = series.filter(|series| {
            let labels: Vec<&str> = series.get_label().iter().map(|pair| pair.value()).collect();
            labels.contains(&self.service.as_str()) && (label.is_empty() || labels.contains(&label))
        });
        ours.map(|series| series.get_counter().get_value() + series.get_gauge().get_value()).sum()
    }

    pub async fn stop(self) {
        self.running.stop(Duration::from_secs(2)).await;
    }
}

/// The servers of a script that asks nothing, as they stand at its end.
fn servers(text: &str) -> Vec<(IpAddr, Server)> {
    let mut servers: Vec<(IpAddr, Server)> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match (&words[..], servers.last_mut()) {
            (["SERVER", address, apex, rest @ ..], _) => {
                servers.push((address.parse().expect(line), script::new_server(apex, rest, line)));
            }
            (_, Some((_, server))) => server.records.push(script::record(&words, line)),
            (_, None) => panic!("{line}: before any server"),
        }
    }
    servers
}

/// Starts the servers on one port that is free at every address.
fn listen(servers: &[(IpAddr, Server)], seen: &Arc<Seen>) -> u16 {
    let bind = |port: u16| -> std::io::Result<Vec<(UdpSocket, TcpListener)>> {
        servers
            .iter()
            .map(|(address, _)| {
                Ok((UdpSocket::bind((*address, port))?, TcpListener::bind((*address, port))?))
            })
            .collect()
    };
    let (port, sockets) = (0..50)
        .find_map(|_| {
            let port = 1024 + rand::random::<u16>() % 9000;
            bind(port).ok().map(|sockets| (port, sockets))
        })
        .expect("a port that is free everywhere");
    for ((address, server), (datagrams, streams)) in servers.iter().zip(sockets) {
        let server = Arc::new(Mutex::new((server.clone(), StdRng::seed_from_u64(1))));
        let (other, address, also_seen) = (server.clone(), *address, seen.clone());
        std::thread::spawn(move || serve_datagrams(&datagrams, address, &server, &also_seen));
        std::thread::spawn(move || serve_streams(&streams, &other));
    }
    port
}

type Shared = Mutex<(Server, StdRng)>;

fn serve_datagrams(socket: &UdpSocket, address: IpAddr, server: &Shared, seen: &Seen) {
    let mut buffer = [0; 2048];
    while let Ok((length, from)) = socket.recv_from(&mut buffer) {
        seen.sources.lock().unwrap().push((address, from));
        let message = Message::parse(&buffer[..length]).unwrap();
        for (_, record) in message.records().map(Result::unwrap) {
            seen.options.fetch_add(record.rdata.len() as u16, Ordering::Relaxed);
        }
        let mut locked = server.lock().unwrap();
        let (server, rng) = &mut *locked;
        if let Reply::Packets(packets) = server.answer(&buffer[..length], Transport::Udp, rng) {
            for (delay, packet) in packets {
                let socket = socket.try_clone().unwrap();
                std::thread::spawn(move || {
                    std::thread::sleep(delay);
                    let _ = socket.send_to(&packet, from);
                });
            }
        }
    }
}

fn serve_streams(listener: &TcpListener, server: &Shared) {
    for stream in listener.incoming() {
        let Ok(mut stream) = stream else { return };
        let mut length = [0; 2];
        stream.read_exact(&mut length).unwrap();
        let mut query = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut query).unwrap();
        let mut locked = server.lock().unwrap();
        let (server, rng) = &mut *locked;
        if let Reply::Packets(packets) = server.answer(&query, Transport::Tcp, rng) {
            for (_, packet) in packets {
                stream.write_all(&(packet.len() as u16).to_be_bytes()).unwrap();
                stream.write_all(&packet).unwrap();
            }
        }
    }
}
