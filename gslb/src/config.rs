//! What the GSLB is told: `example.toml` states every key with its default.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use geo::{Map, MapBuilder, Source};
use routing::Topology;
use serde::Deserialize;
use serve::ListenConfig;
use steering::Coefficients;
use zones::CompiledZone;

use crate::Failure;

/// The configuration file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// Where metrics, health and explain are served; nowhere if absent.
    pub admin: Option<SocketAddr>,
    /// The topology.
    pub topology: PathBuf,
    /// The zone that the services stand in: SOA and NS at its apex, static names beside them.
    pub zone: ZoneConfig,
    /// The operators' file; it need not exist.
    pub overrides: PathBuf,
    /// Where addresses are.
    #[serde(default)]
    pub geo: GeoConfig,
    /// How costs are estimated.
    #[serde(default)]
    pub steering: Coefficients,
    /// Sockets.
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

/// The sources of the map, each laid over those before it.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct GeoConfig {
    /// Whether to begin with the table that ships with Tern.
    pub shipped: bool,
    /// ip2region text (gz or not), MMDB, or override lists.
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
    pub zone: CompiledZone,
}

impl Config {
    /// Reads every file; relative paths count from `base`.
    ///
    /// # Errors
    /// The first file that is not in order, with its lines.
    pub fn read(&self, base: &Path) -> Result<Files, Failure> {
        let topology = Topology::load(&base.join(&self.topology)).map_err(Failure::of)?;
        let zone = zones::load(&base.join(&self.zone.file), &self.zone.name).map_err(Failure::of)?;
        Ok(Files { topology: Arc::new(topology), map: Arc::new(self.geo.read(base)?), zone })
    }

    /// Where the overrides file is.
    pub fn overrides_path(&self, base: &Path) -> PathBuf {
        base.join(&self.overrides)
    }
}

impl GeoConfig {
    /// Lays the sources over each other.
    ///
    /// # Errors
    /// The first source that can't be read.
    pub fn read(&self, base: &Path) -> Result<Map, Failure> {
        let start = if self.shipped { MapBuilder::shipped().map_err(Failure::of)? } else { MapBuilder::new() };
        let mut map = start;
        for path in &self.sources {
            map = map.layer(Source::open(&base.join(path)).map_err(Failure::of)?);
        }
        Ok(map.build())
    }
}
