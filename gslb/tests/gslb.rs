//! A GSLB over real sockets, with the default world's topology.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::Path;
use std::time::{Duration, Instant};

use gslb::{Config, Running};
use prometheus::Registry;
use serve::{ConfigFile, Program};
use wire::{Ask, ClientSubnet, Message, Name, Rcode, Record, Rtype, Section};

const EXAMPLE: &str = Running::EXAMPLE;

/// A folder with everything that the example names; port 0, no admin endpoint.
fn folder() -> (tempfile::TempDir, ConfigFile) {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("topology.toml", routing::DEFAULT_TOPOLOGY);
    write("geo-overrides.csv", geo::DEFAULT_OVERRIDES);
    let vip = zones::default::DEFAULT.iter().find(|(apex, _)| *apex == "vip.yourcompany.com.").unwrap().1;
    write("vip.yourcompany.com.zone", vip);
    let config = EXAMPLE
        .replace("sources = []", "sources = [\"geo-overrides.csv\"]")
        .replace("127.0.0.1:5300", "127.0.0.1:0");
    write("gslb.toml", &config);
    let file = ConfigFile::read(&folder.path().join("gslb.toml")).unwrap();
    (folder, file)
}

async fn running(file: &ConfigFile) -> (Running, SocketAddr) {
    let config: Config = file.parse().unwrap();
    let running = Running::start("gslb", &config, file, &Registry::new()).await.unwrap();
    let address = running.local_addrs()[0];
    (running, address)
}

/// What came back, as far as tests look at it.
struct Answered {
    rcode: Rcode,
    authoritative: bool,
    records: Vec<(Section, Record)>,
    scope: Option<u8>,
}

impl Answered {
    fn addresses(&self) -> Vec<IpAddr> {
        let answers = self.records.iter().filter(|(section, _)| *section == Section::Answer);
        let address = |record: &Record| match record.rtype {
            Rtype::A => <[u8; 4]>::try_from(&*record.rdata).unwrap().into(),
            _ => <[u8; 16]>::try_from(&*record.rdata).unwrap().into(),
        };
        answers.map(|(_, record)| address(record)).collect()
    }

    fn soa(&self) -> bool {
        self.records.iter().any(|(section, r)| *section == Section::Authority && r.rtype == Rtype::SOA)
    }
}

fn ask(server: SocketAddr, name: &str, rtype: Rtype, subnet: Option<ClientSubnet>) -> Answered {
    let name: Name = name.parse().unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut packet = Vec::new();
    Ask { client_subnet: subnet, ..Ask::new(7, &name, rtype) }.write(&mut packet);
    socket.send_to(&packet, server).unwrap();
    let mut buffer = [0; 4096];
    let length = socket.recv(&mut buffer).unwrap();
    let message = Message::parse(&buffer[..length]).unwrap();
    let records: Vec<_> = message.records().collect::<Result<_, _>>().unwrap();
    let opt = records.iter().find(|(_, record)| record.rtype == Rtype::OPT);
    let options = opt.into_iter().flat_map(|(_, record)| wire::edns::options(&record.rdata));
    let scope = options.filter_map(Result::ok).find(|(code, _)| *code == 8);
    Answered {
        rcode: message.header_rcode(),
        authoritative: message.is_authoritative(),
        scope: scope.map(|(_, data)| ClientSubnet::parse(data).unwrap().scope),
        records,
    }
}

fn subnet(prefix: &str) -> Option<ClientSubnet> {
    let (address, length) = prefix.split_once('/').unwrap();
    Some(ClientSubnet::new(address.parse().unwrap(), length.parse().unwrap()))
}

const WWW: &str = "www.vip.yourcompany.com";

#[tokio::test(flavor = "multi_thread")]
async fn services_are_steered_and_the_rest_comes_from_the_zone() {
    let (_folder, file) = folder();
    let (running, server) = running(&file).await;
    let telecom = ask(server, WWW, Rtype::A, subnet("202.96.209.0/24"));
    assert_eq!((telecom.rcode, telecom.authoritative, telecom.addresses().len()), (Rcode::NOERROR, true, 3));
    assert!(telecom.addresses().iter().all(|address| address.to_string().starts_with("198.18.0.")));
    let v6 = ask(server, WWW, Rtype::AAAA, subnet("202.96.209.0/24"));
    assert_eq!(v6.addresses().len(), 3);

    let none = ask(server, WWW, Rtype::TXT, None);
    assert!(none.rcode == Rcode::NOERROR && none.authoritative && none.soa(), "NODATA");
    let apex = ask(server, "vip.yourcompany.com", Rtype::NS, None);
    assert!(apex.authoritative && apex.records.iter().any(|(_, record)| record.rtype == Rtype::NS));
    let missing = ask(server, "nowhere.vip.yourcompany.com", Rtype::A, None);
    assert!(missing.rcode == Rcode::NXDOMAIN && missing.soa());
    assert_eq!(ask(server, "yourcompany.com", Rtype::A, None).rcode, Rcode::REFUSED);
    running.stop(Duration::from_secs(1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_services_other_types_come_from_the_zone_and_any_is_one_rrset() {
    let (folder, file) = folder();
    let zone = folder.path().join("vip.yourcompany.com.zone");
    let text = std::fs::read_to_string(&zone).unwrap() + "www CAA 0 issue \"ca.example.net\"\n";
    std::fs::write(&zone, text).unwrap();
    let (running, server) = running(&file).await;
    let types = |rtype| {
        let answered = ask(server, WWW, rtype, None);
        let answers = answered.records.iter().filter(|(section, _)| *section == Section::Answer);
        (answered.rcode, answers.map(|(_, record)| record.rtype).collect::<Vec<_>>())
    };
    assert_eq!(types(Rtype::CAA), (Rcode::NOERROR, vec![Rtype::CAA]));
    // RFC 8482 §4.1: one RRset, and not the lie that there is nothing.
    assert_eq!(types(Rtype::ANY), (Rcode::NOERROR, vec![Rtype::A; 3]));
    // Transfers are nobody's business.
    assert_eq!(types(Rtype::AXFR), (Rcode::REFUSED, vec![]));
    assert_eq!(ask(server, &format!("below.{WWW}"), Rtype::A, None).rcode, Rcode::NXDOMAIN);
    running.stop(Duration::from_secs(1)).await;
}

#[test]
fn records_in_the_way_of_a_service_are_refused_with_their_line() {
    let (folder, file) = folder();
    let zone = folder.path().join("vip.yourcompany.com.zone");
    let sound = std::fs::read_to_string(&zone).unwrap();
    let line = sound.lines().count() + 1;
    for (record, what) in [
        ("www A 192.0.2.1", "www.vip.yourcompany.com. is a service and has a record of type A"),
        ("img CNAME www", "img.vip.yourcompany.com. is a service and has a record of type CNAME"),
        ("www NS ns.example.net.", "a service stands at or below www.vip.yourcompany.com."),
        ("* TXT all", "*.vip.yourcompany.com. is a wildcard above a service"),
        ("*.www A 192.0.2.1", "*.www.vip.yourcompany.com. is a wildcard above a service"),
        ("x DNAME example.net.", "x.vip.yourcompany.com. has a DNAME"),
    ] {
        std::fs::write(&zone, format!("{sound}{record}\n")).unwrap();
        let said = <Running as Program>::check(&file.parse().unwrap(), &file).unwrap_err().to_string();
        assert!(said.starts_with(&format!("{}:{line}: error: {what} (mend: ", zone.display())), "{said}");
    }
    std::fs::write(&zone, format!("{sound}*.elsewhere A 192.0.2.1\n")).unwrap();
    <Running as Program>::check(&file.parse().unwrap(), &file).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn scopes_are_the_maps_and_a_declined_subnet_is_not_used() {
    let (_folder, file) = folder();
    let (running, server) = running(&file).await;
    let world = running.engine().world();
    for prefix in ["202.96.209.0/24", "202.96.209.133/32", "202.0.0.0/8", "8.8.8.0/24", "2001:db8::/48"] {
        let asked = subnet(prefix);
        let (_, scope) = world.layout.locate(asked.unwrap().address().unwrap());
        // Not shortened to the source, whatever it is (RFC 7871 §7.2.1).
        assert_eq!(ask(server, WWW, Rtype::A, asked).scope, Some(scope), "{prefix}");
    }
    assert_eq!(ask(server, WWW, Rtype::A, subnet("202.96.209.0/0")).scope, Some(0));
    assert_eq!(ask(server, WWW, Rtype::A, None).scope, None);
    assert_eq!(ask(server, "vip.yourcompany.com", Rtype::SOA, subnet("202.96.209.0/24")).scope, Some(0));
    running.stop(Duration::from_secs(1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_overrides_file_moves_answers_and_a_broken_one_moves_nothing() {
    let (folder, file) = folder();
    let (running, server) = running(&file).await;
    let overrides = folder.path().join("overrides.toml");
    let third = || ask(server, WWW, Rtype::A, subnet("202.96.209.0/24")).addresses()[0].to_string();
    let until = |wanted: &str| {
        let deadline = Instant::now() + Duration::from_secs(10);
        while !third().starts_with(wanted) {
            assert!(Instant::now() < deadline, "never {wanted}: {}", third());
            std::thread::yield_now();
        }
    };
    until("198.18.0.");
    let withdraw = "[[override]]\naction = \"withdraw\"\nrouter = \"cn-east-br1\"\ncarrier = \"telecom\"\n";
    // As every writer does it: nobody sees half a file.
    let replace = |text: &str| {
        std::fs::write(folder.path().join("new"), text).unwrap();
        std::fs::rename(folder.path().join("new"), &overrides).unwrap();
    };
    replace(withdraw);
    until("198.18.16.");
    let serial = running.engine().world().serial;
    replace("[[override]]\naction = \"nonsense\"\n");
    replace(withdraw);
    std::fs::remove_file(&overrides).unwrap();
    until("198.18.0.");
    assert_eq!(running.engine().world().serial, serial + 1, "only the removal made a world");
    running.stop(Duration::from_secs(1)).await;
}

#[test]
fn the_example_states_every_default() {
    let file = ConfigFile { path: "example.toml".into(), text: EXAMPLE.to_owned() };
    let config: Config = file.parse().unwrap();
    assert_eq!(config.server, serve::ListenConfig::default());
    assert_eq!(config.steering, steering::Coefficients::default());
    assert!(config.geo.shipped && config.geo.sources.is_empty());
}

#[test]
fn an_unknown_key_is_an_error_in_every_table() {
    let tables = ["[zone]", "[geo]", "[steering]", "[server]", "[server.acl]", "[server.tcp]"];
    for table in tables {
        let text = EXAMPLE.replace(table, &format!("{table}\ncolour = 1"));
        let line = 2 + text.lines().position(|line| line == table).unwrap();
        let error = serve::config::parse::<Config>(&text, Path::new("g.toml")).unwrap_err().to_string();
        assert!(error.starts_with(&format!("g.toml:{line}: unknown key `colour`")), "{table}: {error}");
    }
    let error = serve::config::parse::<Config>(&format!("colour = 1\n{EXAMPLE}"), Path::new("g.toml"));
    assert!(error.unwrap_err().to_string().starts_with("g.toml:1: unknown key `colour`"));
    assert_eq!(EXAMPLE.matches("\n[").count(), tables.len(), "every table of the example is tried");
}

#[test]
fn mistakes_are_found_by_check_with_file_and_line() {
    let (folder, file) = folder();
    let check = |from: &str, to: &str| {
        assert!(file.text.contains(from));
        let file = ConfigFile { text: file.text.replace(from, to), ..file.clone() };
        <Running as Program>::check(&file.parse().unwrap(), &file).unwrap_err().to_string()
    };
    let here = folder.path().display();
    let said = check("name = \"vip.yourcompany.com\"", "name = \"vip.example\"");
    assert!(said.contains("vip.example"), "{said}");
    let said = check("udp-payload = 1232", "udp-payload = 1");
    assert!(said.starts_with(&format!("{here}/gslb.toml:")) && said.contains("server.udp-payload"), "{said}");
    let said = check("topology = \"topology.toml\"", "topology = \"nowhere.toml\"");
    assert!(said.contains("nowhere.toml"), "{said}");
    std::fs::write(folder.path().join("overrides.toml"), "[[override]]\naction = \"drain\"\nslb = \"x\"\n")
        .unwrap();
    let said = check("stretch = 1.5", "stretch = 1.6");
    assert!(said.starts_with(&format!("{here}/overrides.toml:1: no SLB matches \"x\"")), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_takes_what_it_can_and_refuses_what_wants_a_restart() {
    let (_folder, file) = folder();
    let (mut running, server) = running(&file).await;
    let changed = |from: &str, to: &str| {
        assert!(file.text.contains(from));
        ConfigFile { text: file.text.replace(from, to), ..file.clone() }
    };
    for (from, to, key) in [
        ("udp-payload = 1232", "udp-payload = 1400", "`server`"),
        ("admin = \"127.0.0.1:9053\"", "admin = \"127.0.0.1:9054\"", "`admin`"),
    ] {
        let file = changed(from, to);
        let refused = running.reload(file.parse().unwrap(), &file).await.unwrap_err().to_string();
        assert!(refused.contains(key) && refused.contains("(mend: restart"), "{refused}");
    }
    let id = running.engine().world().id;
    let file = changed("stretch = 1.5", "stretch = 2.0");
    running.reload(file.parse().unwrap(), &file).await.unwrap();
    assert_ne!(running.engine().world().id, id);
    assert_eq!(ask(server, WWW, Rtype::A, subnet("202.96.209.0/24")).addresses().len(), 3);
    running.stop(Duration::from_secs(1)).await;
}
