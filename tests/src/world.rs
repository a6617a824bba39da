//! `tern up` on a loopback network of its own.

use std::ffi::OsStr;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::dig::{self, Dug};
use crate::metrics::Metrics;
use crate::process::{Ended, Process, output, run};
use crate::{binary, packet};

/// The port of every name server.
pub const PORT: u16 = 5300;
/// The port of the admin endpoint.
const ADMIN_PORT: u16 = 9053;
/// How long a world may take to be ready: a debug build on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who answers in the default world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The root server.
    Root,
    /// The server of `.com`.
    Com,
    /// The shop's authoritative server.
    Authoritative,
    /// The GSLB.
    Gslb,
    /// The local DNS of China Telecom in Shanghai.
    Telecom,
    /// The local DNS of China Unicom in Beijing.
    Unicom,
    /// The local DNS of China Mobile in Guangzhou.
    Mobile,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Root, Self::Com, Self::Authoritative, Self::Gslb, Self::Telecom, Self::Unicom, Self::Mobile];
    /// The resolvers.
    pub const RESOLVERS: [Self; 3] = [Self::Telecom, Self::Unicom, Self::Mobile];

    fn host(self) -> [u8; 2] {
        match self {
            Self::Root => [0, 2],
            Self::Com => [0, 3],
            Self::Authoritative => [0, 4],
            Self::Gslb => [0, 5],
            Self::Telecom => [1, 1],
            Self::Unicom => [1, 2],
            Self::Mobile => [1, 3],
        }
    }

    /// A name that this server knows.
    pub fn knows(self) -> &'static str {
        match self {
            Self::Root => "ns.root.tern",
            Self::Com => "ns.nic.com",
            Self::Gslb => "www.vip.yourcompany.com",
            _ => "status.yourcompany.com",
        }
    }

    /// The file of its configuration in a world's directory.
    pub fn config(self) -> String {
        format!("{}.toml", self.label())
    }

    /// The label `service` of this server's metrics.
    pub fn label(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Com => "com",
            Self::Authoritative => "authoritative",
            Self::Gslb => "gslb",
            Self::Telecom => "local-dns-telecom",
            Self::Unicom => "local-dns-unicom",
            Self::Mobile => "local-dns-mobile",
        }
    }
}

/// A loopback network, 127.`second`.0.0/16, that no other test takes while this one lives.
pub struct Net {
    /// The second octet.
    pub second: u8,
    /// Whoever holds this socket holds the network; no world uses its address.
    _claim: UdpSocket,
}

impl Net {
    /// Takes one that is free.
    pub fn claim() -> Arc<Self> {
        let claim = |second: u8| {
            let claim = UdpSocket::bind((Ipv4Addr::new(127, second, 255, 254), PORT)).ok()?;
            // Somebody's own world claims nothing.
            UdpSocket::bind((Ipv4Addr::new(127, second, 0, 5), PORT)).ok()?;
            TcpListener::bind((Ipv4Addr::new(127, second, 0, 1), ADMIN_PORT)).ok()?;
            Some(Arc::new(Self { second, _claim: claim }))
        };
        (0..254).find_map(|_| claim(fastrand::u8(1..=254))).expect("a free network on loopback")
    }

    /// The address 127.0.`high`.`low` of the default world, here.
    pub fn ip(&self, [high, low]: [u8; 2]) -> IpAddr {
        Ipv4Addr::new(127, self.second, high, low).into()
    }

    /// Where `role` listens.
    pub fn address(&self, role: Role) -> SocketAddr {
        SocketAddr::new(self.ip(role.host()), PORT)
    }

    /// `tern up` here.
    pub fn up(&self) -> Command {
        let mut command = binary::command("tern");
        command.args(["up", "--net", &format!("127.{}.0.0/16", self.second)]);
        command
    }
}

/// A running default world.
pub struct World {
    process: Process,
    net: Arc<Net>,
    /// Where its temporary directory goes: an end by `SIGKILL` leaves nothing behind.
    _directory: TempDir,
}

impl World {
    /// Starts one, and waits until it is ready.
    pub fn start() -> Self {
        Self::with::<&str>(&[])
    }

    /// Starts one with further arguments to `tern up`.
    pub fn with<S: AsRef<OsStr>>(arguments: &[S]) -> Self {
        Self::on(&Net::claim(), arguments)
    }

    /// Starts one on `net`.
    pub fn on<S: AsRef<OsStr>>(net: &Arc<Net>, arguments: &[S]) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let mut process = Process::start(net.up().env("TMPDIR", directory.path()).args(arguments));
        if let Err(why) = process.wait_for(|line| line == "ready", PATIENCE) {
            panic!("tern up: {why}");
        }
        Self { process, net: Arc::clone(net), _directory: directory }
    }

    /// What it says once it is ready, to its last line.
    pub fn greeting(&mut self) -> String {
        let last = self.process.wait_for(|line| line.starts_with("Ctrl-C"), PATIENCE);
        last.unwrap_or_else(|why| panic!("tern up: {why}"));
        self.process.said()
    }

    /// Where it runs.
    pub fn net(&self) -> &Net {
        &self.net
    }

    /// The process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Where `role` listens.
    pub fn address(&self, role: Role) -> SocketAddr {
        self.net.address(role)
    }

    /// Where the admin endpoint listens.
    pub fn admin(&self) -> SocketAddr {
        SocketAddr::new(self.net.ip([0, 1]), ADMIN_PORT)
    }

    /// Text that speaks of the default world's addresses, speaking of this one's.
    pub fn moved(&self, text: &str) -> String {
        text.replace("127.0.", &format!("127.{}.", self.net.second))
    }

    /// Asks `role` by `dig`, with `dig`'s arguments after the server.
    pub fn dig(&self, role: Role, arguments: &str) -> Dug {
        dig::ask(self.address(role), arguments)
    }

    /// The addresses that `role` answers for the A records of `name`, sorted.
    pub fn addresses(&self, role: Role, name: &str) -> Vec<IpAddr> {
        self.dig(role, &format!("{name} A")).sorted_addresses()
    }

    /// `tern`, told to ask this world.
    pub fn tern(&self, arguments: &str) -> Ended {
        run(&mut self.tern_command(arguments))
    }

    /// As [`World::tern`]; must end with exit code 0.
    pub fn tern_says(&self, arguments: &str) -> String {
        output(&mut self.tern_command(arguments))
    }

    /// As [`World::tern_says`], of a command that says one JSON value.
    pub fn tern_json(&self, arguments: &str) -> Value {
        let said = self.tern_says(&format!("{arguments} --json"));
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{arguments}: {error}: {said}"))
    }

    fn tern_command(&self, arguments: &str) -> Command {
        let mut command = binary::command("tern");
        command.args(arguments.split_whitespace()).arg("--admin").arg(self.admin().to_string());
        command
    }

    /// A page of the admin endpoint, by `curl`.
    pub fn page(&self, path: &str) -> String {
        let url = format!("http://{}/{path}", self.admin());
        output(Command::new("curl").args(["--silent", "--show-error", "--fail", "--max-time", "10", &url]))
    }

    /// What it counts.
    pub fn metrics(&self) -> Metrics {
        Metrics::read(&self.page("metrics"))
    }

    /// Whether `role` answers a question for what it knows.
    pub fn answers(&self, role: Role) -> bool {
        answers(self.address(role), role, Duration::from_secs(5))
    }

    /// Sends `signal` and waits for the end, which must come within `patience`.
    pub fn stop(self, signal: &str, patience: Duration) -> Ended {
        self.process.signal(signal);
        self.process.wait(patience)
    }
}

/// Whether who listens at `address` answers as `role` does, within `patience`.
pub fn answers(address: SocketAddr, role: Role, patience: Duration) -> bool {
    let question = packet::question(4711, role.knows(), packet::A);
    let reply = packet::exchange_udp(address, &question, patience);
    reply.is_some_and(|reply| packet::id(&reply) == 4711 && packet::rcode(&reply) == packet::NOERROR)
}
