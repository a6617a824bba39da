//! A whole world in this process, asked through sockets and by the commands.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::HashSet;
use std::net::{IpAddr, UdpSocket};
use std::time::Duration;

use clap::Parser;
use tempfile::TempDir;
use tern::up::Suite;
use tern::world::World;
use tern::{Cli, Error};
use tokio::runtime::Runtime;
use wire::{Ask, Message, Name, Rtype, Section};

const WWW: &str = "www.vip.yourcompany.com";

/// A world that runs, on a network of its own.
struct Running {
    suite: Suite,
    runtime: Runtime,
    dir: TempDir,
    net: String,
}

impl Running {
    /// Tries networks until one is free; `first` keeps tests of one process apart.
    fn start(first: u32) -> Self {
        let runtime = Runtime::new().unwrap();
        for attempt in 0..50 {
            let net = format!("127.{}", 1 + (std::process::id() + first + attempt * 7) % 254);
            let dir = tempfile::tempdir().unwrap();
            World::prepare(Some(dir.path()), Some(format!("{net}.0.0/16").parse().unwrap()), None).unwrap();
            match runtime.block_on(Suite::start(dir.path(), None)) {
                Ok(suite) => return Self { suite, runtime, dir, net },
                Err(error) => assert!(error.to_string().contains("in use"), "{error}"),
            }
        }
        panic!("no network is free");
    }

    fn tern(&self, line: &str) -> Result<String, Error> {
        tern(&format!("{line} --admin {}.0.1:9053", self.net))
    }

    /// What `tern explain --json` says that a client gets.
    fn explained(&self, client: &str) -> Vec<IpAddr> {
        answers(&self.tern(&format!("explain {WWW} {client} --json")).unwrap())
    }

    /// The A records that a server of the world answers to a client with this address of it.
    fn ask(&self, server: &str, client: &str, name: &str) -> Vec<IpAddr> {
        let at = |host: &str| -> IpAddr { format!("{}.{host}", self.net).parse().unwrap() };
        let socket = UdpSocket::bind((at(client), 0)).unwrap();
        socket.connect((at(server), 5300)).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let name: Name = name.parse().unwrap();
        let mut question = Vec::new();
        Ask { recursion_desired: true, ..Ask::new(7, &name, Rtype::A) }.write(&mut question);
        socket.send(&question).unwrap();
        let mut buffer = [0; 1500];
        let length = socket.recv(&mut buffer).unwrap();
        let message = Message::parse(&buffer[..length]).unwrap();
        let records = message.records().map(Result::unwrap);
        let answers =
            records.filter(|(section, record)| *section == Section::Answer && record.rtype == Rtype::A);
        answers.map(|(_, record)| <[u8; 4]>::try_from(&*record.rdata).unwrap().into()).collect()
    }

    fn stop(self) {
        self.runtime.block_on(self.suite.stop(Duration::from_secs(4)));
    }
}

fn tern(line: &str) -> Result<String, Error> {
    let cli = Cli::try_parse_from(["tern"].into_iter().chain(line.split_whitespace())).unwrap();
    let mut out = Vec::new();
    tern::run(&cli, &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

fn answers(explanation: &str) -> Vec<IpAddr> {
    let read: serde_json::Value = serde_json::from_str(explanation).unwrap();
    serde_json::from_value(read["answers"].clone()).unwrap()
}

/// The networks of three answers.
fn prefixes(answers: &[IpAddr]) -> HashSet<String> {
    assert_eq!(answers.len(), 3);
    answers.iter().map(|address| address.to_string().rsplit_once('.').unwrap().0.to_owned()).collect()
}

fn only(prefix: &str) -> HashSet<String> {
    [prefix.to_owned()].into()
}

#[test]
fn each_carriers_resolver_gets_its_own_line_in_the_nearest_region() {
    let world = Running::start(0);
    for (resolver, prefix) in [("1.1", "198.18.0"), ("1.2", "198.18.17"), ("1.3", "198.18.34")] {
        let got = world.ask(resolver, "0.1", "www.yourcompany.com");
        assert_eq!(prefixes(&got), only(prefix), "{resolver}");
        assert_eq!(got, world.explained(&format!("{}.{resolver}", world.net)), "{resolver}");
    }
    world.stop();
}

#[test]
fn a_withdrawal_moves_the_carriers_answers_and_an_announcement_brings_them_back() {
    let world = Running::start(100);
    let telecom = || world.ask("0.5", "1.1", WWW);
    let unicom = || world.ask("0.5", "1.2", WWW);
    let before = (telecom(), unicom());
    let filters = "--router cn-east-br1 --carrier telecom";
    let said = world.tern(&format!("bgp withdraw {filters} --why test")).unwrap();
    assert!(said.starts_with("withdraw 198.18.0.0/24 2001:2::/64 from cn-east-br1 to telecom\n"), "{said}");
    assert!(said.contains("world 2 serves by it"), "{said}");
    assert_eq!(prefixes(&telecom()), only("198.18.16"));
    assert_eq!(unicom(), before.1);

    // Offline, the same files say the same.
    let dir = world.dir.path().display();
    let offline = tern(&format!("explain {WWW} {}.1.1 --json --dir {dir}", world.net)).unwrap();
    assert_eq!(answers(&offline), telecom());
    let shown = world.tern("bgp show telecom --json").unwrap();
    let rows: Vec<tern::bgp::show::Row> = serde_json::from_str(&shown).unwrap();
    let lost: Vec<_> = rows.iter().filter(|row| !row.reachable).map(|row| row.prefix.to_string()).collect();
    assert_eq!(lost, ["198.18.0.0/24", "2001:2::/64"]);

    // What is lost already moves nothing, and no world is waited for.
    let said = world.tern(&format!("bgp withdraw {filters} --prefix 198.18.0.0/24")).unwrap();
    assert!(said.ends_with("no route changes by it\n"), "{said}");
    let said = world.tern(&format!("bgp announce {filters}")).unwrap();
    assert!(said.contains("world 3 serves by it"), "{said}");
    assert_eq!((telecom(), unicom()), before);
    let said = world.tern("bgp announce --all").unwrap();
    assert!(said.starts_with("nothing to change"), "{said}");
    world.stop();
}

#[test]
fn what_a_world_does_not_have_is_said_by_it() {
    let world = Running::start(200);
    for (line, problem) in [
        ("explain www.yourcompany.com 127.0.1.1", "www.yourcompany.com is no service"),
        ("bgp show telekom", "telekom is neither a carrier nor in an announced prefix"),
        ("bgp withdraw --carrier telekom", "the topology has no carrier telekom"),
    ] {
        let error = world.tern(line).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{line}");
        assert!(error.to_string().starts_with(problem), "{line}: {error}");
    }
    let running = world.tern(&format!("geo lookup {}.1.2 --json", world.net)).unwrap();
    let located: serde_json::Value = serde_json::from_str(&running).unwrap();
    assert_eq!((located["carrier"].as_str(), located["province"].as_str()), (Some("unicom"), Some("CN-BJ")));
    let dir = world.dir.path().display();
    let offline = tern(&format!("geo lookup {}.1.2 --json --dir {dir}", world.net)).unwrap();
    assert_eq!(offline, running, "the same files, the same map");
    world.stop();
}

#[test]
fn a_second_world_at_the_same_addresses_is_refused() {
    let world = Running::start(50);
    let error = world.runtime.block_on(Suite::start(world.dir.path(), None)).err().expect("one is enough");
    assert_eq!(error.exit_code(), 2);
    let said = error.to_string();
    assert!(said.contains(".0.2:5300") && said.contains("--net"), "{said}");
    // And the first one still answers.
    assert_eq!(world.ask("1.1", "0.1", "www.yourcompany.com").len(), 3);
    world.stop();
}

#[test]
fn a_reload_takes_what_is_in_order_and_refuses_the_rest() {
    let mut world = Running::start(150);
    let path = world.dir.path().join("topology.toml");
    let before = std::fs::read_to_string(&path).unwrap();
    let ttl = |world: &Running| -> u64 {
        let explained = world.tern(&format!("explain {WWW} 192.0.2.1 --json")).unwrap();
        serde_json::from_str::<serde_json::Value>(&explained).unwrap()["ttl"].as_u64().unwrap()
    };
    let metrics = |world: &Running| {
        let mut page = ureq::get(format!("http://{}.0.1:9053/metrics", world.net)).call().unwrap();
        page.body_mut().read_to_string().unwrap()
    };
    assert_eq!(ttl(&world), 10);
    for (text, expected, stale) in [
        (before.replace("ttl = 10", "ttl = 20"), 20, 0),
        (before.replace("ttl = 10", "ttl = \"long\""), 20, 1),
        (before.clone(), 10, 0),
    ] {
        std::fs::write(&path, text).unwrap();
        world.runtime.block_on(world.suite.reload());
        assert_eq!(ttl(&world), expected);
        let metrics = metrics(&world);
        assert!(metrics.contains(&format!("tern_config_stale{{service=\"gslb\"}} {stale}\n")), "{metrics}");
        assert!(metrics.contains("tern_config_stale{service=\"root\"} 0\n"), "{metrics}");
    }
    world.stop();
}

#[test]
fn without_a_world_the_commands_say_how_to_get_one() {
    // The discard port: nobody serves HTTP there.
    let error = tern("bgp show --admin 127.0.0.1:9").unwrap_err();
    assert_eq!(error.exit_code(), 1);
    assert!(error.to_string().contains("start one with `tern up`"), "{error}");
}
