//! What an engine tells Prometheus.

use std::sync::Arc;

use jiff::Timestamp;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Gauge, GaugeVec, IntCounter, IntGauge, Opts, Registry};

use crate::engine::Engine;

/// Counters of an engine's inputs.
#[derive(Clone, Debug)]
pub struct EngineMetrics {
    moved: IntCounter,
    refused: IntCounter,
}

impl EngineMetrics {
    /// So many rows have moved.
    pub(crate) fn moved(&self, rows: usize) {
        self.moved.inc_by(rows as u64);
    }

    /// The overrides file was not in order.
    pub(crate) fn refused(&self) {
        self.refused.inc();
    }
}

/// Registers the metrics of `engine`; `name` is the label `service`.
///
/// # Errors
/// Where they are registered already.
pub fn register(name: &str, engine: &Arc<Engine>, registry: &Registry) -> prometheus::Result<EngineMetrics> {
    let opts = |metric: &str, help: &str| Opts::new(metric, help).const_label("service", name);
    let metrics = EngineMetrics {
        moved: IntCounter::with_opts(opts(
            "tern_answers_moved_total",
            "Rows (service and client group) whose answer an override changed.",
        ))?,
        refused: IntCounter::with_opts(opts(
            "tern_overrides_refused_total",
            "Times that the overrides file was refused.",
        ))?,
    };
    registry.register(Box::new(metrics.moved.clone()))?;
    registry.register(Box::new(metrics.refused.clone()))?;
    registry.register(Box::new(WorldCollector {
        serial: IntGauge::with_opts(opts("tern_world_serial", "Serial of the current world."))?,
        age: Gauge::with_opts(opts("tern_world_age_seconds", "Seconds since the current world was built."))?,
        groups: IntGauge::with_opts(opts("tern_world_groups", "Groups of clients."))?,
        fallbacks: IntGauge::with_opts(opts(
            "tern_world_fallback_answers",
            "Answers for which health, reachability or operators had to be ignored.",
        ))?,
        stale: IntGauge::with_opts(opts("tern_overrides_stale", "1 while the overrides file is refused."))?,
        info: GaugeVec::new(
            opts("tern_world_info", "1; the label is the hash of all inputs: equal ids, equal answers."),
            &["id"],
        )?,
        engine: Arc::clone(engine),
    }))?;
    Ok(metrics)
}

/// Looks at the current world when asked.
struct WorldCollector {
    engine: Arc<Engine>,
    serial: IntGauge,
    age: Gauge,
    groups: IntGauge,
    fallbacks: IntGauge,
    stale: IntGauge,
    info: GaugeVec,
}

impl WorldCollector {
    fn all(&self) -> [&dyn Collector; 6] {
        [&self.serial, &self.age, &self.groups, &self.fallbacks, &self.stale, &self.info]
    }
}

impl Collector for WorldCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.all().into_iter().flat_map(Collector::desc).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let world = self.engine.world();
        let as_gauge = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        self.serial.set(i64::try_from(world.serial).unwrap_or(i64::MAX));
        self.age.set((Timestamp::now() - world.built).total(jiff::Unit::Second).unwrap_or(0.0));
        self.groups.set(as_gauge(world.layout.groups().len()));
        self.fallbacks.set(as_gauge(world.fallbacks()));
        self.stale.set(self.engine.refused().is_some().into());
        self.info.reset();
        self.info.with_label_values(&[format!("{:032x}", world.id)]).set(1.0);
        self.all().into_iter().flat_map(Collector::collect).collect()
    }
}
