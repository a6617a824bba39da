//! A network of scripted servers on a scripted clock: latency, loss, lies.
//!
//! [`script`] reads a scenario file; [`server`] answers as it says; [`Net`] runs questions through the
//! iterator against them.

pub mod script;
pub mod server;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use local_dns::cache::{NameServer, Records};
use local_dns::clock::Moment;
use local_dns::iterator::{Action, Event, Families, Iteration, Limits, Resolution, Servers, World};
use rand::SeedableRng;
use rand::rngs::StdRng;
use serve::Transport;
use server::{Reply, Server};
use wire::{Name, Rtype};

/// The network, the resolver's memory, and the clock.
pub struct Net {
    pub servers: HashMap<IpAddr, Server>,
    pub records: Records,
    pub known: Servers,
    pub limits: Limits,
    pub families: Families,
    pub now: Moment,
    pub rng: StdRng,
    /// Packets per server.
    pub sent: HashMap<IpAddr, usize>,
}

/// What came of one question.
pub struct Outcome {
    pub resolution: Resolution,
    pub packets: u32,
    /// Packets that went over TCP.
    pub tcp: usize,
    /// How long it took, in milliseconds.
    pub millis: u64,
}

impl Net {
    /// A resolver that knows the root's servers by the hints.
    pub fn new(hints: Vec<NameServer>, seed: u64) -> Self {
        Self {
            servers: HashMap::new(),
            records: Records::new(1 << 24, hints),
            known: Servers::new(),
            limits: Limits::default(),
            families: Families { v4: true, v6: true },
            now: Moment::from_millis(1000),
            rng: StdRng::seed_from_u64(seed),
            sent: HashMap::new(),
        }
    }

    pub fn step(&mut self, iteration: &mut Iteration, event: Event<'_>) -> Action {
        let mut world = World {
            records: &self.records,
            servers: &self.known,
            limits: &self.limits,
            families: self.families,
            now: self.now,
            rng: &mut self.rng,
        };
        iteration.step(event, &mut world)
    }

    /// Asks, and lets time pass as the servers say.
    pub fn ask(&mut self, name: &Name, rtype: Rtype) -> Outcome {
        let (began, mut tcp) = (self.now, 0);
        let deadline = self.now + std::time::Duration::from_millis(self.limits.deadline_ms);
        let mut iteration = Iteration::new(name.clone(), rtype, deadline);
        let mut action = self.step(&mut iteration, Event::Start);
        loop {
            action = match action {
                Action::Done(resolution) => {
                    let millis = self.now.since(began).as_millis() as u64;
                    return Outcome { resolution, packets: iteration.packets(), tcp, millis };
                }
                Action::Wait => panic!("nothing to wait for"),
                Action::Ask { server, transport, packet, timeout } => {
                    *self.sent.entry(server).or_default() += 1;
                    tcp += usize::from(transport == Transport::Tcp);
                    let sent = self.now;
                    self.exchange(&mut iteration, server, transport, &packet, sent + timeout)
                }
            };
        }
    }

    fn exchange(
        &mut self,
        iteration: &mut Iteration,
        server: IpAddr,
        transport: Transport,
        packet: &[u8],
        until: Moment,
    ) -> Action {
        let sent = self.now;
        let reply = match self.servers.get_mut(&server) {
            Some(server) => server.answer(packet, transport, &mut self.rng),
            None => Reply::Unreachable,
        };
        let packets = match reply {
            Reply::Unreachable => return self.step(iteration, Event::Unreachable),
            Reply::Packets(packets) => packets,
        };
        for (delay, packet) in packets {
            let arrival = sent + delay;
            if arrival >= until {
                break;
            }
            self.now = arrival;
            match self.step(iteration, Event::Response(&packet)) {
                Action::Wait => {}
                action => return action,
            }
        }
        self.now = until;
        self.step(iteration, Event::Timeout)
    }
}

/// The answer's records as text, sorted within each RRset's place.
pub fn show(resolution: &Resolution, now: Moment) -> Vec<String> {
    let line = |set: &Arc<local_dns::rrset::Rrset>| {
        let (owner, ttl, rtype) = (set.owner.clone(), set.ttl(now), set.rtype);
        set.rdatas().map(|data| format!("{owner} {ttl} {rtype} {}", script::show(rtype, data))).collect()
    };
    resolution.answer.iter().flat_map(|set| -> Vec<String> { line(set) }).collect()
}
