//! The watched overrides file: what operators write is published within a moment, and what ends is
//! taken back in time.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serve::watch::Watch;
use tokio::task::JoinHandle;

use crate::engine::{Engine, EngineError, Published};
use crate::metrics::EngineMetrics;
use crate::overrides::Overrides;

/// Follows the overrides file until it is stopped or dropped.
#[derive(Debug)]
#[must_use = "whoever drops it stops following"]
pub struct Following {
    task: JoinHandle<()>,
}

impl Following {
    /// Watches `path` for `engine`. Runs within a tokio runtime.
    pub fn start(engine: Arc<Engine>, path: PathBuf, metrics: EngineMetrics) -> Self {
        let mut watch = Watch::new([path.clone()]);
        let task = tokio::spawn(async move {
            // The file may have changed between its first reading and the watch.
            apply(&engine, &path, &metrics);
            loop {
                tokio::select! {
                    () = watch.changed() => {}
                    () = ended(engine.next_expiry(Timestamp::now())) => {}
                }
                apply(&engine, &path, &metrics);
            }
        });
        Self { task }
    }

    /// Follows no longer.
    pub fn stop(self) {}
}

impl Drop for Following {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Returns when `until` has come; never without one.
async fn ended(until: Option<Timestamp>) {
    match until {
        Some(until) => {
            let left = Duration::try_from(until - Timestamp::now()).unwrap_or_default();
            // A moment more, so that the override has ended by every clock.
            tokio::time::sleep(left + Duration::from_millis(1)).await;
        }
        None => std::future::pending().await,
    }
}

fn apply(engine: &Engine, path: &std::path::Path, metrics: &EngineMetrics) {
    let now = Timestamp::now();
    let read = Overrides::load(path).map_err(EngineError::from);
    let published = read.and_then(|overrides| engine.set_overrides(overrides, now)).unwrap_or_else(|error| {
        metrics.refused();
        tracing::error!(%error, "overrides refused: the ones before hold on, until they end");
        engine.refuse(&error, now)
    });
    if let Some(Published { serial, moved }) = published {
        metrics.moved(moved);
        tracing::info!(serial, moved, "world {}→{serial}: overrides, {moved} rows moved", serial - 1);
    }
}
