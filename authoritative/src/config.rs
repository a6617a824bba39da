//! What the server is told: `example.toml` states every key with its default.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use serde::Deserialize;
use serve::{ConfigFile, Failure, Invalid, ListenConfig};
use wire::Name;
use zones::{CompiledZone, LoadError, Problem, ZoneSet};

/// The configuration file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// Where metrics and health are served; nowhere if absent.
    pub admin: Option<SocketAddr>,
    /// The zones to answer for.
    pub zone: Vec<ZoneConfig>,
    /// Sockets.
    #[serde(default)]
    pub server: ListenConfig,
    /// The zones, once they have been read: they are large, and checked before they are served.
    #[serde(skip)]
    read: OnceLock<Arc<ZoneSet>>,
}

/// One zone.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ZoneConfig {
    /// Its apex.
    pub name: String,
    /// Its master file (RFC 1035 §5); a relative path counts from the configuration's folder.
    pub file: PathBuf,
}

impl Config {
    /// Checks the configuration and reads the zones that it names, the first time it is called; logs
    /// their warnings.
    ///
    /// # Errors
    /// [`Failure::Configuration`] with file, line and mend; the errors of all zones, one a line.
    pub fn read(&self, file: &ConfigFile) -> Result<Arc<ZoneSet>, Failure> {
        if let Some(zones) = self.read.get() {
            return Ok(Arc::clone(zones));
        }
        self.server.check().map_err(|invalid| file.wrong(&invalid.within("server")))?;
        if self.zone.is_empty() {
            let mend = "add a table [[zone]] with name and file";
            return Err(file.wrong(&Invalid::new("zone", "no zone to answer for", mend)).into());
        }
        let (mut zones, mut errors) = (Vec::new(), Vec::new());
        for (index, zone) in self.zone.iter().enumerate() {
            match zone.read(index, file) {
                Ok((zone, warnings)) => {
                    warnings.iter().for_each(|problem| tracing::warn!("{problem}"));
                    zones.push(Arc::new(zone));
                }
                Err(failure) => errors.push(failure.to_string()),
            }
        }
        if !errors.is_empty() {
            return Err(Failure::configuration(errors.join("\n")));
        }
        let zones = ZoneSet::new(zones).map_err(|twice| {
            let same = |zone: &ZoneConfig| zone.name.parse().is_ok_and(|name: Name| name == twice.0);
            let second = self.zone.iter().rposition(same).unwrap_or(0);
            let problem = format!("the zone {} is there twice", twice.0);
            file.wrong(&Invalid::new(format!("zone.{second}.name"), problem, "remove one"))
        })?;
        Ok(Arc::clone(self.read.get_or_init(|| Arc::new(zones))))
    }
}

impl ZoneConfig {
    /// Reads the zone; `index` is its place in the configuration.
    fn read(&self, index: usize, file: &ConfigFile) -> Result<(CompiledZone, Vec<Problem>), Failure> {
        let wrong = |key: &str, problem: String, mend: &str| {
            Failure::from(file.wrong(&Invalid::new(format!("zone.{index}.{key}"), problem, mend)))
        };
        let apex: Name = self.name.parse().map_err(|error| {
            wrong("name", format!("{:?} is no name: {error}", self.name), "write a domain name")
        })?;
        zones::load(&file.resolve(&self.file), &apex).map_err(|error| match error {
            LoadError::Unreadable { file, source, .. } => {
                let mend = "correct the path, or let this user read the file";
                wrong("file", format!("cannot read {}: {source}", file.display()), mend)
            }
            bad @ LoadError::Bad(_) => Failure::configuration(bad),
        })
    }
}
