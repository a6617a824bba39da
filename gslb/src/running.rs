//! The GSLB as it runs.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use jiff::Timestamp;
use prometheus::Registry;
use serve::config::{ConfigFile, Invalid};
use serve::program::{Failure, Program};
use serve::{ListenConfig, Server, StartError};
use steering::Engine;
use steering::follow::Following;
use steering::metrics::{self, EngineMetrics};

use crate::config::{Config, Files};
use crate::pages::{Sources, pages};
use crate::service::Gslb;
use crate::zone::ServiceZone;

/// A GSLB that answers.
pub struct Running {
    server: Server,
    gslb: Arc<Gslb>,
    engine: Arc<Engine>,
    sources: Arc<ArcSwap<Sources>>,
    metrics: EngineMetrics,
    following: Following,
    /// Zones that a worker may still answer from; freed by the next reload, never on a worker.
    retired: Vec<Arc<ServiceZone>>,
    /// What only a restart can change.
    fixed: (Option<SocketAddr>, ListenConfig),
}

impl Running {
    /// Reads every file, builds the first world, and listens. `name` is the metrics' label `service`.
    ///
    /// # Errors
    /// What [`Config::read`] finds, or what keeps the sockets from being bound.
    pub async fn start(
        name: &str,
        config: &Config,
        file: &ConfigFile,
        registry: &Registry,
    ) -> Result<Self, Failure> {
        let Files { topology, map, zone, overrides, sources } = config.read(file)?;
        let engine = Engine::new(topology, map, config.steering, overrides, Timestamp::now());
        let engine = Arc::new(engine.map_err(Failure::configuration)?);
        let metrics = metrics::register(name, &engine, registry).map_err(StartError::from)?;
        let following = Following::start(Arc::clone(&engine), sources.overrides.clone(), metrics.clone());
        let gslb = Arc::new(Gslb::new(Arc::clone(&engine), zone));
        let server = serve::start(name, &config.server, Arc::clone(&gslb), registry).await?;
        let sources = Arc::new(ArcSwap::from_pointee(sources));
        let fixed = (config.admin, config.server.clone());
        Ok(Self { server, gslb, engine, sources, metrics, following, retired: Vec::new(), fixed })
    }

    /// The engine, for whoever answers from it too.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Where it listens.
    pub fn local_addrs(&self) -> &[SocketAddr] {
        self.server.local_addrs()
    }
}

impl Program for Running {
    const NAME: &'static str = "gslb";
    const ABOUT: &'static str =
        "Answers a service's name with the load balancers that the asker can really reach";
    const EXAMPLE: &'static str = include_str!("../example.toml");
    type Config = Config;

    fn admin(config: &Config) -> Option<SocketAddr> {
        config.admin
    }

    fn check(config: &Config, file: &ConfigFile) -> Result<(), Failure> {
        let files = config.read(file)?;
        steering::engine::check(&files.overrides, &files.topology, Timestamp::now())
            .map_err(Failure::configuration)
    }

    async fn start(config: Config, file: &ConfigFile, registry: &Registry) -> Result<Self, Failure> {
        Self::start(Self::NAME, &config, file, registry).await
    }

    /// Takes topology, map, zone, overrides and coefficients anew; sockets and admin endpoint can't change.
    async fn reload(&mut self, config: Config, file: &ConfigFile) -> Result<(), Failure> {
        let (admin, server) = &self.fixed;
        Invalid::unchanged([("admin", config.admin == *admin), ("server", config.server == *server)])
            .map_err(|invalid| file.wrong(&invalid))?;
        let Files { topology, map, zone, overrides, sources } = config.read(file)?;
        let published = self.engine.reload(topology, map, config.steering, overrides, Timestamp::now());
        let published = published.map_err(Failure::configuration)?;
        self.retired.push(self.gslb.publish(zone));
        self.retired.retain(|zone| Arc::strong_count(zone) > 1);
        // It reads the file once more, which may be another one, or have changed since.
        let path = sources.overrides.clone();
        self.following = Following::start(Arc::clone(&self.engine), path, self.metrics.clone());
        self.sources.store(Arc::new(sources));
        tracing::info!(serial = published.serial, "a new world by a new configuration");
        Ok(())
    }

    fn ready(&self) -> impl Fn() -> bool + Send + Sync + 'static {
        // There is a world before there is a server.
        || true
    }

    fn pages(&self) -> Router {
        pages(Arc::clone(&self.engine), Arc::clone(&self.sources))
    }

    async fn stop(self, grace: Duration) {
        self.following.stop();
        self.server.stop(grace).await;
    }
}
