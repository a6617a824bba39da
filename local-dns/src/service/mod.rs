//! The resolver behind sockets.
//!
//! - `worker`: what a worker answers by itself: cached answers;
//! - [`Resolver`]: the slow path: records, else the iterator over real sockets;
//! - `flights`: identical questions in flight asked once;
//! - `upstream`: sockets towards servers;
//! - `metrics`: what is counted.

mod flights;
mod metrics;
mod upstream;
mod worker;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use serve::{Client, OwnedPacket, Service, Sink, Transport};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use wire::{Name, Query, Reply, Rtype};

use crate::cache::{Answer, AnswerKey, Answers, NameServer, Records};
use crate::clock::{Clock, Moment};
use crate::config::Config;
use crate::iterator::{Action, Event, Iteration, Limits, Resolution, Servers, World};
use flights::{Boarding, Flights};
use metrics::Metrics;
pub(crate) use metrics::ResolverCollector;
use upstream::Upstream;
pub use worker::Worker;

/// Longer answers over UDP than this are cut, and then malformed: we advertise less.
const DATAGRAM: usize = 4096;
/// Octets of a reply beside the template: header, question, OPT record.
const AROUND: usize = 512;

/// What a reload may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Settings {
    limits: Limits,
    upstream: Upstream,
}

impl Settings {
    fn of(config: &Config) -> Self {
        let v4 =
            config.send_from.iter().find_map(|ip| if let IpAddr::V4(v4) = ip { Some(*v4) } else { None });
        let v6 =
            config.send_from.iter().find_map(|ip| if let IpAddr::V6(v6) = ip { Some(*v6) } else { None });
        Self { limits: config.limits, upstream: Upstream { port: config.upstream_port, v4, v6 } }
    }
}

/// One resolver: caches, limits, sockets; shared by its workers and its slow path.
pub struct Resolver {
    settings: ArcSwap<Settings>,
    records: Records,
    servers: Servers,
    answers: Answers,
    flights: Flights<Asker>,
    clock: Clock,
    metrics: Metrics,
    first_level_slots: usize,
}

impl Resolver {
    pub(crate) fn new(
        config: &Config,
        hints: Vec<NameServer>,
        name: &str,
        clock: Clock,
    ) -> prometheus::Result<Self> {
        Ok(Self {
            settings: ArcSwap::from_pointee(Settings::of(config)),
            records: Records::new(config.cache.records, hints),
            servers: Servers::new(),
            answers: Answers::new(config.cache.answers),
            flights: Flights::new(),
            clock,
            metrics: Metrics::new(name)?,
            first_level_slots: config.cache.worker_slots,
        })
    }

    /// Takes what a reload may change. The caches stay.
    pub(crate) fn reload(&self, config: &Config, hints: Vec<NameServer>) {
        self.settings.store(Arc::new(Settings::of(config)));
        self.records.set_hints(hints);
    }

    /// Finds the answer to a query, and keeps it.
    async fn answer(&self, query: &Query<'_>) -> Arc<Answer> {
        let name = query.question.name.to_name();
        let limits = self.settings.load().limits;
        let resolution = self.resolve(&name, query.question.rtype).await;
        let answer = Answer::new(AnswerKey::of(query), &name, &resolution, self.clock.now(), &limits);
        let answer = Arc::new(answer);
        self.answers.put(&answer);
        answer
    }

    /// Resolves a question: from the records, else by asking servers.
    pub async fn resolve(&self, name: &Name, rtype: Rtype) -> Resolution {
        let settings = **self.settings.load();
        let deadline = self.clock.now() + Duration::from_millis(settings.limits.deadline_ms);
        let mut iteration = Iteration::new(name.clone(), rtype, deadline);
        let mut buffer = Vec::new();
        let mut action = self.step(&settings, &mut iteration, Event::Start);
        let resolution = loop {
            action = match action {
                Action::Done(resolution) => break resolution,
                // Nothing is under way: it can only be over.
                Action::Wait => self.step(&settings, &mut iteration, Event::Timeout),
                Action::Ask { server, transport, packet, timeout } => {
                    let asking = Asking { resolver: self, settings: &settings, server, packet: &packet };
                    let until = Instant::now() + timeout;
                    match transport {
                        Transport::Udp => asking.by_datagram(&mut iteration, until, &mut buffer).await,
                        Transport::Tcp => asking.by_stream(&mut iteration, until).await,
                    }
                }
            };
        };
        match iteration.packets() {
            0 => self.metrics.record_hits.inc(),
            _ => self.metrics.misses.inc(),
        }
        if let Some(failure) = resolution.failure {
            self.metrics.failures.with_label_values(&[failure.label()]).inc();
            tracing::debug!(%name, %rtype, %failure, packets = iteration.packets(), "not resolved");
        }
        resolution
    }

    fn step(&self, settings: &Settings, iteration: &mut Iteration, event: Event<'_>) -> Action {
        let mut world = World {
            records: &self.records,
            servers: &self.servers,
            limits: &settings.limits,
            families: settings.upstream.families(),
            now: self.clock.now(),
            rng: &mut rand::rng(),
        };
        iteration.step(event, &mut world)
    }
}

/// One packet on its way.
struct Asking<'a> {
    resolver: &'a Resolver,
    settings: &'a Settings,
    server: IpAddr,
    packet: &'a [u8],
}

impl Asking<'_> {
    fn step(&self, iteration: &mut Iteration, event: Event<'_>) -> Action {
        if matches!(event, Event::Timeout) {
            self.resolver.metrics.timeouts.inc();
        }
        self.resolver.step(self.settings, iteration, event)
    }

    /// Asks by a datagram, and listens until the iterator has heard its answer.
    async fn by_datagram(&self, iteration: &mut Iteration, until: Instant, buffer: &mut Vec<u8>) -> Action {
        self.resolver.metrics.udp.inc();
        let sent = Instant::now();
        let upstream = self.settings.upstream;
        let Ok(socket) = upstream.datagrams(self.server) else {
            return self.step(iteration, Event::Unsent);
        };
        let connected = socket.connect((self.server, upstream.port)).await;
        if connected.is_err() || socket.send(self.packet).await.is_err() {
            return self.step(iteration, Event::Unreachable);
        }
        buffer.resize(DATAGRAM, 0);
        loop {
            let event = match timeout_at(until, socket.recv(buffer)).await {
                Ok(Ok(length)) => Event::Response(&buffer[..length]),
                // The host says that nobody listens there.
                Ok(Err(_)) => Event::Unreachable,
                Err(_) => Event::Timeout,
            };
            let answered = matches!(event, Event::Response(_));
            match self.step(iteration, event) {
                Action::Wait => {}
                action => {
                    if answered {
                        self.resolver.metrics.rtt.observe(sent.elapsed().as_secs_f64());
                    }
                    return action;
                }
            }
        }
    }

    /// Asks over a stream.
    async fn by_stream(&self, iteration: &mut Iteration, until: Instant) -> Action {
        self.resolver.metrics.tcp.inc();
        match timeout_at(until, self.settings.upstream.stream(self.server, self.packet)).await {
            Ok(Ok(answer)) => self.step(iteration, Event::Response(&answer)),
            Ok(Err(_)) => self.step(iteration, Event::Unreachable),
            Err(_) => self.step(iteration, Event::Timeout),
        }
    }
}

/// The resolver as `serve` sees it.
pub(crate) struct LocalDns(pub(crate) Arc<Resolver>);

impl Service for LocalDns {
    type Worker = Worker;

    fn worker(&self, _core: usize) -> Worker {
        Worker::new(self.0.clone(), self.0.first_level_slots)
    }

    async fn slow(&self, packet: OwnedPacket, _client: Client, sink: Sink) {
        let resolver = &self.0;
        let (key, found) = {
            let Ok(query) = packet.query() else { return };
            let key = AnswerKey::of(&query);
            (key.to_octets(), resolver.answers.find(key, resolver.clock.now().as_secs()))
        };
        let asker = Asker { packet, sink };
        if let Some(answer) = found {
            resolver.metrics.late_hits.inc();
            return asker.hear(answer, resolver.clock.now()).await;
        }
        let (leader, asker) = match resolver.flights.board(key, asker) {
            Boarding::Lead(leader, asker) => (leader, asker),
            Boarding::Waits => return resolver.metrics.coalesced.inc(),
            // Silence, which `serve` counts: the asker comes again, and finds the answer perhaps.
            Boarding::Full(_) => return,
        };
        let Ok(query) = asker.packet.query() else { return };
        let answer = resolver.answer(&query).await;
        let now = resolver.clock.now();
        // Side by side: over TCP one may read slowly.
        let others = leader.land().into_iter().map(|other| other.hear(answer.clone(), now));
        let others: JoinSet<()> = others.collect();
        asker.hear(answer.clone(), now).await;
        others.join_all().await;
    }
}

/// Whoever waits for an answer.
struct Asker {
    packet: OwnedPacket,
    sink: Sink,
}

impl Asker {
    /// Sends it the answer, as its own flags and limits want it.
    async fn hear(mut self, answer: Arc<Answer>, now: Moment) {
        let Ok(query) = self.packet.query() else { return };
        let mut buffer = vec![0; self.sink.limit().min(answer.size() + AROUND)];
        let mut reply = Reply::to(&query, &mut buffer, self.sink.limit());
        worker::prepare(&mut reply);
        answer.write(&mut reply, now.as_secs());
        let length = reply.finish();
        // Who has gone away needs no answer, and serve counts it.
        let _ = self.sink.send(&buffer[..length]).await;
    }
}
