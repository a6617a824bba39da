//! What is counted: per worker without contention, summed when somebody asks.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts};
use tokio::sync::mpsc;
use wire::Rcode;

use crate::service::Transport;
use crate::sink::Job;

/// A count that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// Counts one where only one thread at a time may count: no locked instruction.
    pub(crate) fn bump(&self) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    /// Counts one where several threads may.
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Why a query got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dropped {
    /// Too short, or a response.
    Malformed,
    /// The access list says silence.
    Acl,
    /// The service chose silence.
    Service,
    /// The slow path's queue was full, and the service prefers silence then.
    QueueFull,
    /// The socket did not take the answer, or the asker had gone.
    SendFailed,
}

const DROPPED: [(Dropped, &str); 5] = [
    (Dropped::Malformed, "malformed"),
    (Dropped::Acl, "acl"),
    (Dropped::Service, "service"),
    (Dropped::QueueFull, "queue-full"),
    (Dropped::SendFailed, "send-failed"),
];

/// Response codes 0 to 23 (BADCOOKIE) have a count each; the last is for all others.
const RCODES: usize = 25;

/// The counts of one worker, or of everything that shares; on cache lines of their own.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Counters {
    udp: Counter,
    tcp: Counter,
    responses: [Counter; RCODES],
    dropped: [Counter; DROPPED.len()],
    /// Queries that went down the slow path.
    pub(crate) slow: Counter,
    /// Queries that were to, and found its queue full; answered SERVFAIL or dropped.
    pub(crate) slow_full: Counter,
    /// Panics that were caught.
    pub(crate) panics: Counter,
}

impl Counters {
    pub(crate) fn queries(&self, transport: Transport) -> &Counter {
        match transport {
            Transport::Udp => &self.udp,
            Transport::Tcp => &self.tcp,
        }
    }

    pub(crate) fn response(&self, Rcode(rcode): Rcode) -> &Counter {
        &self.responses[usize::from(rcode).min(RCODES - 1)]
    }

    pub(crate) fn dropped(&self, reason: Dropped) -> &Counter {
        &self.dropped[reason as usize]
    }
}

/// All counts of one server, as Prometheus sees them.
#[derive(Debug)]
pub(crate) struct ServerCounters {
    workers: Mutex<Vec<Arc<Counters>>>,
    /// What the slow path counts.
    pub(crate) shared: Arc<Counters>,
    /// TCP connections that are open.
    pub(crate) connections: AtomicUsize,
    /// TCP connections that were closed at once for one of the limits.
    pub(crate) connections_refused: Counter,
    slow_queue: mpsc::WeakSender<Job>,
    metrics: Metrics,
}

/// The metrics, filled anew from the counts at every scrape.
#[derive(Debug)]
struct Metrics {
    queries: Opts,
    responses: Opts,
    dropped: Opts,
    slow: Opts,
    slow_full: Opts,
    panics: Opts,
    refused: Opts,
    waiting: Opts,
    connections: Opts,
    descs: Vec<Desc>,
}

impl Metrics {
    fn new(service: &str) -> prometheus::Result<Self> {
        let opts = |name: &str, help: &str| Opts::new(name, help).const_label("service", service);
        let mut metrics = Self {
            queries: opts("tern_queries_total", "Packets received, good or bad."),
            responses: opts("tern_responses_total", "Responses sent, by response code."),
            dropped: opts("tern_dropped_total", "Queries that got no response, by reason."),
            slow: opts("tern_slow_total", "Queries that went down the slow path."),
            slow_full: opts("tern_slow_queue_full_total", "Queries that found the slow path's queue full."),
            panics: opts("tern_panics_total", "Panics that were caught while answering."),
            refused: opts("tern_tcp_refused_total", "TCP connections closed at once for a limit."),
            waiting: opts("tern_slow_queue_length", "Queries waiting for the slow path."),
            connections: opts("tern_tcp_connections", "TCP connections open."),
            descs: Vec::new(),
        };
        let labelled =
            [(&metrics.queries, "transport"), (&metrics.responses, "rcode"), (&metrics.dropped, "reason")];
        let plain = [
            &metrics.slow,
            &metrics.slow_full,
            &metrics.panics,
            &metrics.refused,
            &metrics.waiting,
            &metrics.connections,
        ];
        let desc = |opts: &Opts, labels: Vec<String>| {
            Desc::new(opts.name.clone(), opts.help.clone(), labels, opts.const_labels.clone())
        };
        metrics.descs = labelled
            .into_iter()
            .map(|(opts, label)| desc(opts, vec![label.to_owned()]))
            .chain(plain.into_iter().map(|opts| desc(opts, Vec::new())))
            .collect::<Result<_, _>>()?;
        Ok(metrics)
    }
}

impl ServerCounters {
    /// # Errors
    /// Where `service` makes no label.
    pub(crate) fn new(service: &str, slow_queue: mpsc::WeakSender<Job>) -> prometheus::Result<Self> {
        Ok(Self {
            workers: Mutex::default(),
            shared: Arc::default(),
            connections: AtomicUsize::new(0),
            connections_refused: Counter::default(),
            slow_queue,
            metrics: Metrics::new(service)?,
        })
    }

    /// The counts of one more worker.
    pub(crate) fn worker(&self) -> Arc<Counters> {
        let counters = Arc::new(Counters::default());
        self.workers.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&counters));
        counters
    }

    fn sum(&self, count: impl Fn(&Counters) -> &Counter) -> u64 {
        let workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        workers.iter().chain([&self.shared]).map(|counters| count(counters).get()).sum()
    }

    fn families(&self) -> prometheus::Result<Vec<MetricFamily>> {
        let metrics = &self.metrics;
        let queries = IntCounterVec::new(metrics.queries.clone(), &["transport"])?;
        for (transport, label) in [(Transport::Udp, "udp"), (Transport::Tcp, "tcp")] {
            queries.with_label_values(&[label]).inc_by(self.sum(|counters| counters.queries(transport)));
        }
        let responses = IntCounterVec::new(metrics.responses.clone(), &["rcode"])?;
        for code in 0..RCODES as u16 {
            let label =
                if usize::from(code) == RCODES - 1 { "other".to_owned() } else { Rcode(code).to_string() };
            let count = self.sum(|counters| counters.response(Rcode(code)));
            // Unassigned codes appear when they happen.
            if count > 0 || !label.starts_with("RCODE") {
                responses.with_label_values(&[&label]).inc_by(count);
            }
        }
        let dropped = IntCounterVec::new(metrics.dropped.clone(), &["reason"])?;
        for (reason, label) in DROPPED {
            dropped.with_label_values(&[label]).inc_by(self.sum(|counters| counters.dropped(reason)));
        }
        let mut families = [queries, responses, dropped].map(|vec| vec.collect()).concat();
        for (opts, count) in [
            (&metrics.slow, self.sum(|counters| &counters.slow)),
            (&metrics.slow_full, self.sum(|counters| &counters.slow_full)),
            (&metrics.panics, self.sum(|counters| &counters.panics)),
            (&metrics.refused, self.connections_refused.get()),
        ] {
            let counter = IntCounter::with_opts(opts.clone())?;
            counter.inc_by(count);
            families.extend(counter.collect());
        }
        let waiting = self.slow_queue.upgrade().map_or(0, |queue| queue.max_capacity() - queue.capacity());
        for (opts, value) in
            [(&metrics.waiting, waiting), (&metrics.connections, self.connections.load(Ordering::Relaxed))]
        {
            let gauge = IntGauge::with_opts(opts.clone())?;
            gauge.set(value as i64);
            families.extend(gauge.collect());
        }
        Ok(families)
    }
}

/// What the registry holds: it does not keep the server alive.
#[derive(Clone, Debug)]
pub(crate) struct ServerCollector {
    descs: Vec<Desc>,
    counters: Weak<ServerCounters>,
}

impl ServerCollector {
    pub(crate) fn new(counters: &Arc<ServerCounters>) -> Self {
        Self { descs: counters.metrics.descs.clone(), counters: Arc::downgrade(counters) }
    }
}

impl Collector for ServerCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descs.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        // The names and labels were checked when the server started.
        self.counters.upgrade().and_then(|counters| counters.families().ok()).unwrap_or_default()
    }
}
