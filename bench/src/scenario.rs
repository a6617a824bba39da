//! What is measured: for each scenario the questions, the answers that are due, the servers and the bars.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

use fastrand::Rng;
use ipnet::Ipv4Net;
use tempfile::TempDir;
use wire::{Ask, ClientSubnet, Name, Rtype};

use crate::error::Error;
use crate::peers::Place;
use crate::questions::{Question, Questions};
use crate::server::{Launch, Server};
use crate::{map, peers, tern};

/// Where the measured server listens.
pub(crate) const SERVER: Ipv4Addr = Ipv4Addr::new(127, 77, 0, 1);

/// Where the server listens that resolvers ask.
pub(crate) const UPSTREAM: Ipv4Addr = Ipv4Addr::new(127, 77, 0, 2);

/// The port of both.
pub(crate) const PORT: u16 = 5377;

/// The default world's domain.
pub(crate) const SHOP: &str = "yourcompany.com";

/// Names of the authoritative and the local-dns scenario.
const NAMES: u32 = 10_000;

/// Questions of a scenario; dnsperf goes round and round.
const QUESTIONS: u32 = 200_000;

/// Of everything that is made up, so that every run measures the same.
const SEED: u64 = 7;

/// Which service is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// Geo map and random client subnets: gdnsd.
    Gslb,
    /// A records of one zone: NSD.
    Authoritative,
    /// Cache hits: Unbound.
    LocalDns,
}

impl Which {
    /// The package, and the binary, of Tern's service.
    pub(crate) fn package(self) -> &'static str {
        match self {
            Self::Gslb => "gslb",
            Self::Authoritative => "authoritative",
            Self::LocalDns => "local-dns",
        }
    }
}

/// A scenario, ready to run.
#[derive(Debug)]
pub(crate) struct Scenario {
    /// How the report calls it.
    pub(crate) name: &'static str,
    /// What is asked, in a line.
    pub(crate) what: String,
    /// The questions.
    pub(crate) questions: Questions,
    /// Whether every question is asked once before the measure.
    pub(crate) warm: bool,
    /// The servers; Tern's comes first where it is measured, the echo last.
    pub(crate) launches: Vec<Launch>,
    /// Tern's cost over that of a server, at the most (DESIGN §6).
    pub(crate) bars: &'static [(&'static str, f64)],
    // Ends before its files go.
    _upstream: Option<Server>,
    /// Where configurations and logs lie.
    pub(crate) dir: TempDir,
}

impl Scenario {
    /// Where the measured server listens.
    pub(crate) fn address() -> SocketAddr {
        (SERVER, PORT).into()
    }

    /// Writes questions and configurations; starts the upstream server where there is one.
    ///
    /// # Errors
    /// When a file cannot be written, a peer is not installed, or the upstream server does not start.
    pub(crate) fn new(which: Which) -> Result<Self, Error> {
        let dir =
            TempDir::with_prefix("tern-bench-").map_err(|source| Error::file(Path::new("/tmp"), source))?;
        match which {
            Which::Gslb => gslb(dir),
            Which::Authoritative => authoritative(dir),
            Which::LocalDns => local_dns(dir),
        }
    }
}

fn gslb(dir: TempDir) -> Result<Scenario, Error> {
    let mut rng = Rng::with_seed(SEED);
    let map = map::generate(&mut rng);
    let name = name(&format!("www.vip.{SHOP}"))?;
    // Clients live where the map is fine: a prefix is as likely as another, however short.
    let questions: Vec<Question> = (0..QUESTIONS)
        .map(|_| {
            let entry = map[rng.usize(..map.len())];
            let host = u32::from(entry.prefix.network()) | rng.u32(..) & u32::from(entry.prefix.hostmask());
            let subnet = ClientSubnet::new(IpAddr::V4(host.into()), 24);
            let mut packet = Vec::new();
            Ask { client_subnet: Some(subnet), ..Ask::new(0, &name, Rtype::A) }.write(&mut packet);
            Question { packet, net: entry.site().net(), count: 3, scope: Some(entry.prefix.prefix_len()) }
        })
        .collect();
    let path = dir.path();
    Ok(Scenario {
        name: "gslb",
        what: format!("three A records by geo and ECS, a random /24 of {} prefixes", map.len()),
        questions: Questions::write(path, &questions)?,
        warm: false,
        launches: vec![tern::gslb(path, &map)?, peers::gdnsd(path, &map)?, peers::echo()?],
        bars: &[("gdnsd", 1.00)],
        _upstream: None,
        dir,
    })
}

fn authoritative(dir: TempDir) -> Result<Scenario, Error> {
    let path = dir.path();
    let file = peers::write(path, "bench.zone", &zone("bench."))?;
    let launches = vec![
        tern::authoritative(path, "bench.", &file)?,
        peers::nsd(path, "bench", &file, Place::Measured)?,
        peers::echo()?,
    ];
    Ok(Scenario {
        name: "authoritative",
        what: format!("an A record, a random one of {NAMES} names"),
        questions: Questions::write(path, &random_names(false)?)?,
        warm: false,
        launches,
        bars: &[("nsd", 0.95), ("echo", 1.10)],
        _upstream: None,
        dir,
    })
}

/// The upstream's zone is the root and holds the names itself: what recursion costs is not measured here.
fn local_dns(dir: TempDir) -> Result<Scenario, Error> {
    let path = dir.path();
    let file = peers::write(path, "root.zone", &zone("."))?;
    let questions = random_names(true)?;
    let launch = peers::nsd(path, ".", &file, Place::Upstream)?;
    let upstream = Server::start(&launch, path, (UPSTREAM, PORT).into(), &questions[0])?;
    Ok(Scenario {
        name: "local-dns",
        what: format!("an A record from the cache, a random one of {NAMES} names"),
        questions: Questions::write(path, &questions)?,
        warm: true,
        launches: vec![tern::local_dns(path)?, peers::unbound(path)?, peers::echo()?],
        bars: &[("unbound", 0.90)],
        _upstream: Some(upstream),
        dir,
    })
}

/// The address of a name.
fn address(index: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 0, 0, 0)) + index)
}

/// A zone, `bench.` or one above it, with [`NAMES`] names and an address each.
fn zone(apex: &str) -> String {
    let mut zone = format!(
        "$ORIGIN bench.\n$TTL 86400\n{apex} SOA ns hostmaster 1 7200 1800 259200 60\n{apex} NS ns\nns A {UPSTREAM}\n"
    );
    for index in 0..NAMES {
        let _ = writeln!(zone, "host{index:05} A {}", address(index));
    }
    zone
}

/// Every name once, then random ones.
fn random_names(recursion_desired: bool) -> Result<Vec<Question>, Error> {
    let mut rng = Rng::with_seed(SEED);
    let random = (NAMES..QUESTIONS).map(|_| rng.u32(..NAMES));
    (0..NAMES)
        .chain(random)
        .map(|index| {
            let name = name(&format!("host{index:05}.bench"))?;
            let mut packet = Vec::new();
            Ask { recursion_desired, ..Ask::new(0, &name, Rtype::A) }.write(&mut packet);
            Ok(Question { packet, net: Ipv4Net::from(address(index)), count: 1, scope: None })
        })
        .collect()
}

fn name(text: &str) -> Result<Name, Error> {
    text.parse().map_err(|source| Error::Name { name: text.into(), source })
}
