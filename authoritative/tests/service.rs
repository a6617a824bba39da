//! Each kind of question over a real socket, and what a reload does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::path::Path;
use std::time::Duration;

use authoritative::{Config, Running};
use prometheus::Registry;
use serve::{ConfigFile, Program as _};
use wire::{Ask, Class, ClientSubnet, Message, Name, Rcode, Record, Rtype, Section};

const ZONE: &str = "$TTL 60\n@ SOA ns admin 7 2 3 4 5\n@ NS ns\nns A 192.0.2.53\nwww A 192.0.2.1\n\
    sub NS ns.sub\nns.sub A 192.0.2.54\nold DNAME new\nwww.new A 192.0.2.2\n";
const CONFIG: &str = "[[zone]]\nname = 'z'\nfile = 'z.zone'\n[[zone]]\nname = 'c.z'\nfile = 'child'\n\
    [server]\nlisten = ['127.0.0.1:0']\nworkers = 1\n";

struct Site {
    folder: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        let site = Self { folder: tempfile::tempdir().unwrap() };
        site.write("a.toml", CONFIG);
        site.write("z.zone", &format!("{ZONE}c NS ns.other.\nc DS 1 13 2 00ff\n"));
        site.write("child", "$TTL 9\n@ SOA ns.other. a 8 2 3 4 5\n@ NS ns.other.\n");
        site
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn file(&self) -> ConfigFile {
        ConfigFile::read(&self.folder.path().join("a.toml")).unwrap()
    }

    fn config(&self) -> Config {
        self.file().parse().unwrap()
    }

    async fn start(&self, registry: &Registry) -> (Running, SocketAddr) {
        let running = Running::start("a", &self.config(), &self.file(), registry).await.unwrap();
        let address = running.local_addrs()[0];
        (running, address)
    }
}

#[derive(Debug)]
struct Answered {
    rcode: Rcode,
    authoritative: bool,
    packet: Vec<u8>,
    records: Vec<(Section, Record)>,
}

impl Answered {
    fn types(&self, section: Section) -> Vec<String> {
        let here = self.records.iter().filter(|(at, record)| *at == section && record.rtype != Rtype::OPT);
        here.map(|(_, record)| format!("{} {}", record.owner, record.rtype)).collect()
    }
}

fn read(packet: &[u8]) -> Answered {
    let message = Message::parse(packet).unwrap();
    assert!(!message.recursion_available());
    Answered {
        rcode: message.header_rcode(),
        authoritative: message.is_authoritative(),
        packet: packet.to_vec(),
        records: message.records().collect::<Result<_, _>>().unwrap(),
    }
}

fn question(name: &str, rtype: Rtype) -> Vec<u8> {
    let name: Name = name.parse().unwrap();
    let mut packet = Vec::new();
    Ask::new(7, &name, rtype).write(&mut packet);
    packet
}

fn send(server: SocketAddr, packet: &[u8]) -> Answered {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    socket.send_to(packet, server).unwrap();
    let mut buffer = [0; 4096];
    let length = socket.recv(&mut buffer).unwrap();
    read(&buffer[..length])
}

fn ask(server: SocketAddr, name: &str, rtype: Rtype) -> Answered {
    send(server, &question(name, rtype))
}

fn send_stream(server: SocketAddr, packet: &[u8]) -> Answered {
    let mut stream = TcpStream::connect(server).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    stream.write_all(&(packet.len() as u16).to_be_bytes()).unwrap();
    stream.write_all(packet).unwrap();
    let mut length = [0; 2];
    stream.read_exact(&mut length).unwrap();
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut message).unwrap();
    read(&message)
}

/// Name and type; response code, AA, owners and types of answer and authority.
type Row = (&'static str, Rtype, Rcode, bool, &'static [&'static str], &'static [&'static str]);

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_question() {
    let site = Site::new();
    let (running, server) = site.start(&Registry::new()).await;
    let (refused, fine, none) = (Rcode::REFUSED, Rcode::NOERROR, Rcode::NXDOMAIN);
    let table: [Row; 12] = [
        ("www.z", Rtype::A, fine, true, &["www.z. A"], &[]),
        ("www.z", Rtype::TXT, fine, true, &[], &["z. SOA"]),
        ("no.z", Rtype::A, none, true, &[], &["z. SOA"]),
        ("x.sub.z", Rtype::A, fine, false, &[], &["sub.z. NS"]),
        ("other", Rtype::A, refused, false, &[], &[]),
        (".", Rtype::NS, refused, false, &[], &[]),
        ("z", Rtype::AXFR, refused, false, &[], &[]),
        ("z", Rtype::IXFR, refused, false, &[], &[]),
        ("c.z", Rtype::SOA, fine, true, &["c.z. SOA"], &[]),
        ("c.z", Rtype::DS, fine, true, &["c.z. DS"], &[]),
        ("x.c.z", Rtype::A, none, true, &[], &["c.z. SOA"]),
        ("www.old.z", Rtype::A, fine, true, &["old.z. DNAME", "www.old.z. CNAME", "www.new.z. A"], &[]),
    ];
    for (name, rtype, rcode, authoritative, answer, authority) in table {
        let packet = question(name, rtype);
        for answered in [send(server, &packet), send_stream(server, &packet)] {
            assert_eq!((answered.rcode, answered.authoritative), (rcode, authoritative), "{name} {rtype}");
            assert_eq!(answered.types(Section::Answer), answer, "{name} {rtype}");
            assert_eq!(answered.types(Section::Authority), authority, "{name} {rtype}");
        }
    }
    running.stop(Duration::from_secs(1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn flags_case_class_and_client_subnet() {
    let site = Site::new();
    let (running, server) = site.start(&Registry::new()).await;
    let name: Name = "wWw.Z".parse().unwrap();
    let mut packet = Vec::new();
    let subnet = ClientSubnet::new("192.0.2.0".parse().unwrap(), 24);
    Ask { recursion_desired: true, client_subnet: Some(subnet), ..Ask::new(7, &name, Rtype::A) }
        .write(&mut packet);
    let answered = send(server, &packet);
    // QR, AA and RD, no RA; the question as it was asked.
    assert_eq!(answered.packet[2..4], [0x85, 0x00]);
    assert_eq!(answered.packet[12..19], *b"\x03wWw\x01Z\x00");
    let opt = answered.records.iter().find(|(_, record)| record.rtype == Rtype::OPT).unwrap();
    assert!(opt.1.rdata.is_empty(), "a subnet that is not used is not echoed");
    let class_at = 12 + name.as_wire().len() + 2;
    packet[class_at..class_at + 2].copy_from_slice(&Class::CH.0.to_be_bytes());
    assert_eq!(send(server, &packet).rcode, Rcode::REFUSED);
    running.stop(Duration::from_secs(1)).await;
}

/// All zones or none: one bad file keeps the others as they were, and the error says where.
#[tokio::test(flavor = "multi_thread")]
async fn reload_takes_all_or_nothing() {
    let site = Site::new();
    let registry = Registry::new();
    let (mut running, server) = site.start(&registry).await;
    let serials = || {
        let families = registry.gather();
        let serials = families.iter().find(|family| family.name() == "tern_zone_serial").unwrap();
        serials.get_metric().iter().map(|it| it.get_gauge().get_value() as u32).collect::<Vec<_>>()
    };
    assert_eq!(serials(), [8, 7]);
    site.write("z.zone", &format!("{ZONE}more A 192.0.2.3\n").replace("admin 7", "admin 9"));
    site.write("child", "$TTL 9\n@ SOA ns.other. a 8 2 3 4 5\n@ NS ns.other.\nx A 1.2.3\n");
    let error = running.reload(site.config(), &site.file()).await.unwrap_err();
    let child = site.folder.path().join("child");
    assert_eq!(
        error.to_string(),
        format!("{}:4: error: `1.2.3` has no place in A data (mend: write an IPv4 address)", child.display())
    );
    assert_eq!((error.exit_code(), serials()), (2, vec![8, 7]));
    assert_eq!(ask(server, "more.z", Rtype::A).rcode, Rcode::NXDOMAIN);
    site.write("child", "$TTL 9\n@ SOA ns.other. a 8 2 3 4 5\n@ NS ns.other.\nx A 192.0.2.9\n");
    running.reload(site.config(), &site.file()).await.unwrap();
    assert_eq!(ask(server, "more.z", Rtype::A).rcode, Rcode::NOERROR);
    assert_eq!(ask(server, "x.c.z", Rtype::A).rcode, Rcode::NOERROR);
    assert_eq!(serials(), [8, 9]);
    // What a reload cannot change it does not pretend to: an access list, for one.
    site.write("a.toml", &format!("{CONFIG}acl.deny = ['127.0.0.1']\n"));
    let error = running.reload(site.config(), &site.file()).await.unwrap_err().to_string();
    assert!(error.contains("a.toml:7: `server`: cannot change while running (mend: restart"), "{error}");
    running.stop(Duration::from_secs(1)).await;
}

#[test]
fn what_cannot_work_is_said_with_its_line() {
    let site = Site::new();
    let cases = [
        (CONFIG.replace("child", "none"), 6, "`zone.1.file`: cannot read"),
        (CONFIG.replace("'c.z'", "'c..z'"), 5, "`zone.1.name`: \"c..z\" is no name"),
        (CONFIG.replace("'c.z'", "'Z.'"), 5, "`zone.1.name`: the zone Z. is there twice"),
        (CONFIG.replace("workers = 1", "workers = 5000"), 9, "`server.workers`: 5000 is out of range"),
        ("zone = []".to_owned(), 1, "`zone`: no zone to answer for"),
    ];
    // So that the zone that is there twice is good in itself.
    site.write("child", ZONE);
    for (text, line, want) in cases {
        site.write("a.toml", &text);
        let error = Running::check(&site.config(), &site.file()).unwrap_err();
        let message = error.to_string();
        assert!(message.contains(&format!("a.toml:{line}: {want}")), "{message}");
        assert!(message.contains("(mend: ") && error.exit_code() == 2, "{message}");
    }
}

#[test]
fn the_example_states_every_key() {
    let path = Path::new("example.toml");
    let example: Config = serve::config::parse(Running::EXAMPLE, path).unwrap();
    assert_eq!(example.server, serve::ListenConfig::default());
    assert_eq!((example.zone.len(), example.admin.is_some()), (1, true));
    let headers: Vec<_> = Running::EXAMPLE.lines().filter(|line| line.starts_with('[')).collect();
    assert_eq!(headers, ["[[zone]]", "[server]", "[server.acl]", "[server.tcp]"]);
    let unknown = [format!("surprise = 1\n{}", Running::EXAMPLE)].into_iter().chain(
        headers.iter().map(|header| Running::EXAMPLE.replace(header, &format!("{header}\nsurprise = 1"))),
    );
    for text in unknown {
        let line = 1 + text.lines().position(|line| line == "surprise = 1").unwrap();
        let error = serve::config::parse::<Config>(&text, path).unwrap_err().to_string();
        assert!(error.starts_with(&format!("example.toml:{line}: unknown key `surprise`")), "{error}");
    }
}
