//! The server as it runs.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use prometheus::{IntGaugeVec, Opts, Registry};
use serve::{ConfigFile, Failure, Invalid, ListenConfig, Program, Server, StartError};
use zones::ZoneSet;

use crate::config::Config;
use crate::service::Authoritative;

/// How often it is asked whether the last worker has let go of zones that are served no more.
const RELEASE_AFTER: Duration = Duration::from_secs(1);

/// A server that answers.
pub struct Running {
    server: Server,
    service: Arc<Authoritative>,
    metrics: Metrics,
    /// What it was started with, and a reload cannot change.
    fixed: (Option<SocketAddr>, ListenConfig),
}

impl Running {
    /// Reads the zones and listens. `name` is the metrics' label `service`.
    ///
    /// # Errors
    /// What [`Config::read`] finds, or what keeps the sockets from being bound.
    pub async fn start(
        name: &str,
        config: &Config,
        file: &ConfigFile,
        registry: &Registry,
    ) -> Result<Self, Failure> {
        let zones = config.read(file)?;
        let metrics = Metrics::new(name, registry).map_err(StartError::from)?;
        metrics.set(&zones);
        let service = Arc::new(Authoritative::new(zones));
        let server = serve::start(name, &config.server, Arc::clone(&service), registry).await?;
        let fixed = (config.admin, config.server.clone());
        Ok(Self { server, service, metrics, fixed })
    }

    /// Where it listens.
    pub fn local_addrs(&self) -> &[SocketAddr] {
        self.server.local_addrs()
    }
}

impl Program for Running {
    const NAME: &'static str = "authoritative";
    const ABOUT: &'static str = "Answers for its zones";
    const EXAMPLE: &'static str = include_str!("../example.toml");
    type Config = Config;

    fn admin(config: &Config) -> Option<SocketAddr> {
        config.admin
    }

    fn check(config: &Config, file: &ConfigFile) -> Result<(), Failure> {
        config.read(file).map(drop)
    }

    async fn start(config: Config, file: &ConfigFile, registry: &Registry) -> Result<Self, Failure> {
        Self::start(Self::NAME, &config, file, registry).await
    }

    /// Takes all zones anew, or none; a change of sockets, access list or admin endpoint is refused, lest
    /// somebody believe that it is in force.
    async fn reload(&mut self, config: Config, file: &ConfigFile) -> Result<(), Failure> {
        let (admin, server) = &self.fixed;
        Invalid::unchanged([("admin", config.admin == *admin), ("server", config.server == *server)])
            .map_err(|invalid| file.wrong(&invalid))?;
        let zones = config.read(file)?;
        self.metrics.set(&zones);
        tokio::spawn(release(self.service.publish(zones)));
        Ok(())
    }

    fn ready(&self) -> impl Fn() -> bool + Send + Sync + 'static {
        // There are zones before there is a server.
        || true
    }

    fn pages(&self) -> Router {
        Router::new()
    }

    async fn stop(self, grace: Duration) {
        self.server.stop(grace).await;
    }
}

/// Keeps zones until no worker has them, so that none spends its time on freeing them.
async fn release(zones: Arc<ZoneSet>) {
    while Arc::strong_count(&zones) > 1 {
        tokio::time::sleep(RELEASE_AFTER).await;
    }
}

/// What is told of the zones.
struct Metrics {
    serial: IntGaugeVec,
    records: IntGaugeVec,
}

impl Metrics {
    fn new(service: &str, registry: &Registry) -> prometheus::Result<Self> {
        let gauge = |name: &str, help: &str| {
            let gauge = IntGaugeVec::new(Opts::new(name, help).const_label("service", service), &["zone"])?;
            registry.register(Box::new(gauge.clone()))?;
            prometheus::Result::Ok(gauge)
        };
        Ok(Self {
            serial: gauge("tern_zone_serial", "The serial number of the zone's SOA.")?,
            records: gauge("tern_zone_records", "Records of the zone.")?,
        })
    }

    fn set(&self, zones: &ZoneSet) {
        self.serial.reset();
        self.records.reset();
        for zone in zones.zones() {
            let apex = zone.apex().to_string();
            self.serial.with_label_values(&[&apex]).set(zone.serial().into());
            self.records.with_label_values(&[&apex]).set(zone.records() as i64);
        }
    }
}
