//! Full speed: by `dnsperf`, and by a sender of our own where every query carries a client subnet of
//! its own. (`dnsperf -E` sends one option in all queries.)

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::process::Command;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;

use crate::packet;
use crate::process::{output, resident_kib};

/// What a load came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Queries that were sent.
    pub sent: u64,
    /// Queries that nobody answered.
    pub lost: u64,
    /// Answers with the response code NOERROR.
    pub noerror: u64,
    /// Answers with another one, or with another scope or count of records than they should have.
    pub wrong: u64,
}

/// How long a query may take before it counts as lost.
const PATIENCE: Duration = Duration::from_secs(5);

/// Runs `dnsperf` against `server` for `duration`, over `questions`, lines like `www.example.com A`.
pub fn dnsperf(server: SocketAddr, questions: &[&str], duration: Duration) -> Load {
    let mut file = NamedTempFile::new().expect("a temporary file");
    for question in questions {
        writeln!(file, "{question}").expect("it takes a few lines");
    }
    let mut dnsperf = Command::new("dnsperf");
    dnsperf.args(["-s", &server.ip().to_string(), "-p", &server.port().to_string(), "-d"]).arg(file.path());
    dnsperf.args(["-c", "64", "-T", "1", "-t", &PATIENCE.as_secs().to_string()]);
    let text = output(dnsperf.args(["-l", &duration.as_secs().max(1).to_string()]));
    let number = |label: &str| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(label)).unwrap_or_default();
        let number = line.split_whitespace().next().and_then(|number| number.parse().ok());
        number.unwrap_or_else(|| panic!("no {label:?} in\n{text}"))
    };
    let (sent, lost) = (number("Queries sent:"), number("Queries lost:"));
    let codes = text.lines().find_map(|line| line.trim().strip_prefix("Response codes:")).unwrap_or_default();
    let noerror = codes.split("NOERROR").nth(1).and_then(|rest| rest.split_whitespace().next());
    let noerror = noerror.and_then(|number| number.parse().ok()).unwrap_or(0);
    Load { sent, lost, noerror, wrong: number("Queries completed:") - noerror }
}

/// Sends questions for `name` to `server` for `duration`, each with the random /24 of a client, from
/// `flows` sockets with `window` questions under way on each. A good answer has `records` records and
/// a scope that is not 0.
pub fn random_subnets(server: SocketAddr, name: &str, records: u16, duration: Duration, seed: u64) -> Load {
    const FLOWS: u64 = 8;
    let deadline = Instant::now() + duration;
    let flow = |flow| {
        let name = name.to_owned();
        thread::spawn(move || Flow::new(server, &name, records, seed + flow).run(deadline))
    };
    let flows: Vec<_> = (0..FLOWS).map(flow).collect();
    flows.into_iter().map(|flow| flow.join().expect("a flow ends well")).fold(Load::default(), |all, one| {
        Load {
            sent: all.sent + one.sent,
            lost: all.lost + one.lost,
            noerror: all.noerror + one.noerror,
            wrong: all.wrong + one.wrong,
        }
    })
}

/// One socket with a window of questions.
struct Flow {
    socket: UdpSocket,
    /// A question, whose id and client subnet change.
    question: Vec<u8>,
    records: u16,
    random: fastrand::Rng,
    load: Load,
}

impl Flow {
    const WINDOW: u16 = 12;

    fn new(server: SocketAddr, name: &str, records: u16, seed: u64) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback has free ports");
        socket.connect(server).expect("an address of loopback");
        socket.set_read_timeout(Some(PATIENCE)).expect("not zero");
        let subnet = packet::client_subnet(1, 24, 0, &[0, 0, 0]);
        let question = packet::with_opt(packet::question(0, name, packet::A), 0, &subnet);
        Self { socket, question, records, random: fastrand::Rng::with_seed(seed), load: Load::default() }
    }

    fn run(mut self, deadline: Instant) -> Load {
        let mut first = 0_u16;
        while Instant::now() < deadline {
            (0..Self::WINDOW).for_each(|number| self.ask(first.wrapping_add(number)));
            let mut open = Self::WINDOW;
            while open > 0 {
                let mut buffer = [0; 1500];
                let Ok(length) = self.socket.recv(&mut buffer) else { break };
                // An answer that came after its time belongs to an earlier window.
                if packet::id(&buffer).wrapping_sub(first) < Self::WINDOW {
                    self.judge(&buffer[..length]);
                    open -= 1;
                }
            }
            self.load.lost += u64::from(open);
            first = first.wrapping_add(Self::WINDOW);
        }
        self.load
    }

    fn ask(&mut self, id: u16) {
        // Unicast addresses: 1.0.0.0 to 223.255.255.255.
        let client = Ipv4Addr::from(self.random.u32(0x0100_0000..0xe000_0000)).octets();
        let end = self.question.len();
        self.question[..2].copy_from_slice(&id.to_be_bytes());
        self.question[end - 3..].copy_from_slice(&client[..3]);
        self.socket.send(&self.question).expect("loopback takes datagrams");
        self.load.sent += 1;
    }

    fn judge(&mut self, reply: &[u8]) {
        let records = u16::from_be_bytes([reply[6], reply[7]]);
        // The OPT record with the client subnet alone: its scope stands before three octets of address.
        let scope = reply[reply.len() - 4];
        match reply[3] & 15 {
            0 if records == self.records && scope > 0 => self.load.noerror += 1,
            _ => self.load.wrong += 1,
        }
    }
}

/// Watches the memory of the process `id` while `work` runs: the medians, in KiB, of the second and of the last
/// third of that time.
pub fn watch_memory<T>(id: u32, work: impl FnOnce() -> T) -> (T, [u64; 2]) {
    let (done, ended) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let watcher = scope.spawn(move || {
            let mut samples = vec![resident_kib(id)];
            while ended.recv_timeout(Duration::from_millis(20)) == Err(RecvTimeoutError::Timeout) {
                samples.push(resident_kib(id));
            }
            samples
        });
        let worked = work();
        drop(done);
        let samples = watcher.join().expect("a watcher ends well");
        let third = samples.len() / 3;
        let median = |part: &[u64]| {
            let mut part = part.to_vec();
            part.sort_unstable();
            part.get(part.len() / 2).copied().unwrap_or_default()
        };
        (worked, [median(&samples[third..2 * third]), median(&samples[2 * third..])])
    })
}
