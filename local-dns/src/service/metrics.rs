//! What is counted. Workers count without a shared cache line; the sums are made when someone asks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts};

use super::Resolver;

/// Upper bounds of the round-trip times' buckets, in seconds.
const RTT_BUCKETS: [f64; 11] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0];

/// Hits of one worker; it alone writes.
#[derive(Default)]
#[repr(align(128))]
pub(super) struct WorkerHits {
    first: AtomicU64,
    answers: AtomicU64,
}

impl WorkerHits {
    pub(super) fn first(&self) {
        bump(&self.first);
    }

    pub(super) fn answers(&self) {
        bump(&self.answers);
    }
}

/// Counts one where this thread is the only one that counts here.
fn bump(count: &AtomicU64) {
    count.store(count.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
}

/// The counts of one resolver.
pub(super) struct Metrics {
    workers: Mutex<Vec<Arc<WorkerHits>>>,
    /// Questions that the shared cache answered on the slow path.
    pub(super) late_hits: IntCounter,
    /// Questions that the records answered without a packet.
    pub(super) record_hits: IntCounter,
    pub(super) misses: IntCounter,
    pub(super) coalesced: IntCounter,
    pub(super) failures: IntCounterVec,
    pub(super) udp: IntCounter,
    pub(super) tcp: IntCounter,
    pub(super) timeouts: IntCounter,
    pub(super) rtt: Histogram,
    queries: IntCounterVec,
    hits: IntCounterVec,
    in_flight: IntGauge,
    entries: IntGaugeVec,
    octets: IntGaugeVec,
    evictions: IntCounterVec,
}

impl Metrics {
    /// Metrics whose label `service` is `name`.
    pub(super) fn new(name: &str) -> prometheus::Result<Self> {
        let opts = |metric: &str, help: &str| {
            Opts::new(format!("tern_resolver_{metric}"), help).const_label("service", name)
        };
        let counter = |metric, help| IntCounter::with_opts(opts(metric, help));
        let by = |label: &str, metric, help| IntCounterVec::new(opts(metric, help), &[label]);
        let gauge = |metric, help| IntGaugeVec::new(opts(metric, help), &["cache"]);
        let queries = by("transport", "upstream_queries_total", "Packets sent to servers.")?;
        let rtt = HistogramOpts::new(
            "tern_resolver_upstream_rtt_seconds",
            "Time from a question over UDP to its answer.",
        );
        Ok(Self {
            workers: Mutex::default(),
            late_hits: IntCounter::new("unregistered_late_hits", "part of the hits")?,
            record_hits: IntCounter::new("unregistered_record_hits", "part of the hits")?,
            misses: counter("cache_misses_total", "Questions that took packets to answer.")?,
            coalesced: counter("coalesced_total", "Questions that waited for an identical one in flight.")?,
            failures: by("reason", "failures_total", "Questions that ended in SERVFAIL.")?,
            udp: queries.with_label_values(&["udp"]),
            tcp: queries.with_label_values(&["tcp"]),
            timeouts: counter("upstream_timeouts_total", "Packets to servers that got no answer in time.")?,
            rtt: Histogram::with_opts(rtt.const_label("service", name).buckets(RTT_BUCKETS.to_vec()))?,
            queries,
            hits: by(
                "level",
                "cache_hits_total",
                "Questions that a cache answered: the worker's own, the shared answers, the records.",
            )?,
            in_flight: IntGauge::with_opts(opts("in_flight", "Different questions being resolved."))?,
            entries: gauge("cache_entries", "Entries of a cache.")?,
            octets: gauge("cache_octets", "Octets that a cache holds, overheads by estimate.")?,
            evictions: by("cache", "cache_evictions_total", "Entries that had to make room.")?,
        })
    }

    /// The counts of a new worker.
    pub(super) fn worker(&self) -> Arc<WorkerHits> {
        let hits = Arc::<WorkerHits>::default();
        self.workers.lock().unwrap_or_else(PoisonError::into_inner).push(hits.clone());
        hits
    }

    fn all(&self) -> [&dyn Collector; 11] {
        [
            &self.misses,
            &self.coalesced,
            &self.failures,
            &self.timeouts,
            &self.rtt,
            &self.queries,
            &self.hits,
            &self.in_flight,
            &self.entries,
            &self.octets,
            &self.evictions,
        ]
    }

    /// Brings up to date what is counted elsewhere.
    fn refresh(&self, resolver: &Resolver) {
        // The lock also keeps two scrapes from setting the sums at once.
        let workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        let sum = |count: fn(&WorkerHits) -> &AtomicU64| -> u64 {
            workers.iter().map(|worker| count(worker).load(Ordering::Relaxed)).sum()
        };
        let set = |counters: &IntCounterVec, label: &str, value: u64| {
            let counter = counters.with_label_values(&[label]);
            counter.inc_by(value.saturating_sub(counter.get()));
        };
        set(&self.hits, "worker", sum(|worker| &worker.first));
        set(&self.hits, "answers", sum(|worker| &worker.answers) + self.late_hits.get());
        set(&self.hits, "records", self.record_hits.get());
        self.in_flight.set(resolver.flights.len() as i64);
        let caches = [("answers", resolver.answers.usage()), ("records", resolver.records.usage())];
        for (cache, usage) in caches {
            self.entries.with_label_values(&[cache]).set(usage.entries as i64);
            self.octets.with_label_values(&[cache]).set(usage.octets as i64);
            set(&self.evictions, cache, usage.evicted);
        }
    }
}

/// What Prometheus asks.
#[derive(Clone)]
pub(crate) struct ResolverCollector {
    resolver: Weak<Resolver>,
    descs: Vec<Desc>,
}

impl ResolverCollector {
    pub(crate) fn new(resolver: &Arc<Resolver>) -> Self {
        let all = resolver.metrics.all();
        let descs = all.iter().flat_map(|metric| metric.desc()).cloned().collect();
        Self { resolver: Arc::downgrade(resolver), descs }
    }
}

impl Collector for ResolverCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descs.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let Some(resolver) = self.resolver.upgrade() else { return Vec::new() };
        resolver.metrics.refresh(&resolver);
        resolver.metrics.all().iter().flat_map(|metric| metric.collect()).collect()
    }
}
