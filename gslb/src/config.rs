//! What the GSLB is told: `example.toml` states every key with its default.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use geo::{Map, MapBuilder, Source};
use routing::Topology;
use serde::Deserialize;
use serve::ListenConfig;
use serve::config::{ConfigFile, Invalid};
use serve::program::Failure;
use steering::{Coefficients, Overrides};
use wire::Name;

use crate::pages::Sources;
use crate::zone::ServiceZone;

/// The configuration file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// Where metrics, health and explain are served; nowhere if absent.
    pub admin: Option<SocketAddr>,
    /// The topology.
    pub topology: PathBuf,
    /// The operators' file; it need not exist.
    pub overrides: PathBuf,
    /// The zone that the services stand in: SOA and NS at its apex, static names beside them.
    pub zone: ZoneConfig,
    /// Where addresses are.
    #[serde(default)]
    pub geo: GeoConfig,
    /// How costs are estimated.
    #[serde(default)]
    pub steering: Coefficients,
    /// Sockets.
    #[serde(default)]
    pub server: ListenConfig,
}

/// The zone of the services.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ZoneConfig {
    /// Its apex.
    pub name: String,
    /// Its master file (RFC 1035 §5).
    pub file: PathBuf,
}

/// The sources of the map.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct GeoConfig {
    /// Whether to begin with the table that ships with Tern.
    pub shipped: bool,
    /// ip2region text (gz or not), MMDB, or override lists, each laid over those before it.
    pub sources: Vec<PathBuf>,
}

impl Default for GeoConfig {
    fn default() -> Self {
        Self { shipped: true, sources: Vec::new() }
    }
}

/// What the configuration's files say, all of them read and checked.
pub struct Files {
    /// The topology.
    pub topology: Arc<Topology>,
    /// The map.
    pub map: Arc<Map>,
    /// The zone.
    pub zone: ServiceZone,
    /// What the operators say.
    pub overrides: Overrides,
    /// Where topology and overrides were read.
    pub sources: Sources,
}

impl Config {
    /// Reads every file that the configuration names; relative paths count from its own.
    ///
    /// # Errors
    /// The first that is not in order, with file and line; all at once for topology and zone.
    pub fn read(&self, file: &ConfigFile) -> Result<Files, Failure> {
        self.server.check().map_err(|invalid| file.wrong(&invalid.within("server")))?;
        let absolute = |path| std::path::absolute(file.resolve(path)).map_err(Failure::configuration);
        let sources = Sources { topology: absolute(&self.topology)?, overrides: absolute(&self.overrides)? };
        let topology = Topology::load(&sources.topology).map_err(Failure::configuration)?;
        let zone = self.read_zone(file, &topology)?;
        let map = self.geo.read(file)?;
        let overrides = Overrides::load(&sources.overrides).map_err(Failure::configuration)?;
        Ok(Files { topology: Arc::new(topology), map: Arc::new(map), zone, overrides, sources })
    }

    fn read_zone(&self, file: &ConfigFile, topology: &Topology) -> Result<ServiceZone, Failure> {
        let wrong = |key: &str, problem: String, mend: &str| {
            Failure::from(file.wrong(&Invalid::new(key, problem, mend)))
        };
        let apex: Name = self.zone.name.parse().map_err(|error| {
            wrong("zone.name", format!("{:?}: {error}", self.zone.name), "write a domain name")
        })?;
        let mut services = Vec::new();
        for service in topology.services().iter() {
            let name: Name = service.name.parse().map_err(Failure::configuration)?;
            if !name.is_at_or_below(&apex) || name == apex {
                let problem = format!("the service {name} is not below {apex}");
                return Err(wrong(
                    "zone.name",
                    problem,
                    "name the zone that holds every service of the topology",
                ));
            }
            services.push(name);
        }
        ServiceZone::read(&file.resolve(&self.zone.file), &apex, &services).map_err(Failure::configuration)
    }
}

impl GeoConfig {
    /// Lays the sources over each other.
    ///
    /// # Errors
    /// The first source that can't be read.
    pub fn read(&self, file: &ConfigFile) -> Result<Map, Failure> {
        let mut map = if self.shipped {
            MapBuilder::shipped().map_err(Failure::configuration)?
        } else {
            MapBuilder::new()
        };
        for path in &self.sources {
            map = map.layer(Source::open(file.resolve(path)).map_err(Failure::configuration)?);
        }
        Ok(map.build())
    }
}
