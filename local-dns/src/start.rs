//! A resolver that runs: in its own process, or beside others in one.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use prometheus::Registry;
use serve::Server;
use serve::config::{ConfigFile, Invalid};
use serve::program::{Failure, Program};
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::config::Config;
use crate::service::{LocalDns, Resolver, ResolverCollector};

/// A resolver that runs until it is stopped.
#[must_use = "a resolver that is dropped stops"]
pub struct Running {
    config: Config,
    resolver: Arc<Resolver>,
    server: Server,
    clock: JoinHandle<()>,
    collector: ResolverCollector,
    registry: Registry,
}

/// Starts a resolver. Files that `config` names are relative to `base`; `name` is the label `service` of
/// its metrics, the only one of its kind in `registry`.
///
/// # Errors
/// [`Failure::Configuration`] where something can't work; nothing runs then.
pub async fn start(config: Config, base: &Path, name: &str, registry: &Registry) -> Result<Running, Failure> {
    config.check().map_err(Failure::configuration)?;
    let hints = config.root_hints(base).map_err(Failure::configuration)?;
    let clock = Clock::new();
    let resolver = Resolver::new(&config, hints, name, clock.clone()).map_err(Failure::running)?;
    let resolver = Arc::new(resolver);
    let server = serve::start(name, &config.listen(), Arc::new(LocalDns(resolver.clone())), registry).await?;
    let collector = ResolverCollector::new(&resolver);
    registry.register(Box::new(collector.clone())).map_err(Failure::running)?;
    let clock = tokio::spawn(clock.run());
    Ok(Running { config, resolver, server, clock, collector, registry: registry.clone() })
}

impl Running {
    /// The addresses that it listens on, ports filled in.
    pub fn local_addrs(&self) -> &[SocketAddr] {
        self.server.local_addrs()
    }

    /// The resolver itself.
    pub fn resolver(&self) -> &Arc<Resolver> {
        &self.resolver
    }

    /// Takes new limits, source addresses, port and root hints; the caches stay.
    ///
    /// # Errors
    /// [`Failure::Configuration`] where something can't work, or only a restart can change it; the old
    /// configuration serves on.
    pub fn reload(&mut self, config: Config, base: &Path) -> Result<(), Failure> {
        config.check().map_err(Failure::configuration)?;
        Invalid::unchanged([
            ("admin", self.config.admin == config.admin),
            ("server", self.config.server == config.server),
            ("cache", self.config.cache == config.cache),
        ])
        .map_err(Failure::configuration)?;
        let hints = config.root_hints(base).map_err(Failure::configuration)?;
        self.resolver.reload(&config, hints);
        self.config = config;
        Ok(())
    }

    /// Answers what has come, and ends within `grace`.
    pub async fn stop(self, grace: Duration) {
        let Self { server, clock, collector, registry, .. } = self;
        server.stop(grace).await;
        clock.abort();
        let _ = registry.unregister(Box::new(collector));
    }
}

impl Program for Running {
    const NAME: &'static str = "local-dns";
    const ABOUT: &'static str = "A carrier's recursive resolver";
    const EXAMPLE: &'static str = include_str!("../example.toml");
    type Config = Config;

    fn admin(config: &Config) -> Option<SocketAddr> {
        config.admin
    }

    fn check(config: &Config, file: &ConfigFile) -> Result<(), Failure> {
        config.check().map_err(|invalid| file.wrong(&invalid))?;
        let listening = config.server.check().map_err(|invalid| file.wrong(&invalid.within("server")));
        listening?;
        config.root_hints(&file.resolve(Path::new(""))).map_err(Failure::configuration)?;
        Ok(())
    }

    async fn start(config: Config, file: &ConfigFile, registry: &Registry) -> Result<Self, Failure> {
        start(config, &file.resolve(Path::new("")), Self::NAME, registry).await
    }

    async fn reload(&mut self, config: Config, file: &ConfigFile) -> Result<(), Failure> {
        Self::reload(self, config, &file.resolve(Path::new("")))
    }

    fn ready(&self) -> impl Fn() -> bool + Send + Sync + 'static {
        // It has its hints: it can answer.
        || true
    }

    fn pages(&self) -> axum::Router {
        axum::Router::new()
    }

    fn stop(self, grace: Duration) -> impl Future<Output = ()> {
        Self::stop(self, grace)
    }
}
