//! A world that does not run: a directory's files, worked out by the code that a running one uses.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gslb::config::Files;
use jiff::Timestamp;
use routing::Topology;
use serve::config::ConfigFile;
use steering::{Engine, Explanation, Family, explain};
use wire::Name;

use crate::error::Error;
use crate::table::nearest;

/// The GSLB's configuration in a world's directory.
const GSLB: &str = "gslb.toml";

/// The world of a directory.
pub struct Offline {
    /// Its answers.
    pub engine: Engine,
    /// Its operators' file.
    pub overrides: PathBuf,
}

impl Offline {
    /// Reads the files that the directory's GSLB would, overrides included.
    ///
    /// # Errors
    /// [`Error::Config`]: what is wrong in which file.
    pub fn open(dir: &Path, now: Timestamp) -> Result<Self, Error> {
        let file = ConfigFile::read(&dir.join(GSLB)).map_err(Error::config)?;
        let config: gslb::Config = file.parse().map_err(Error::config)?;
        let Files { topology, map, overrides, sources, .. } = config.read(&file).map_err(Error::config)?;
        let engine = Engine::new(topology, map, config.steering, overrides, now).map_err(Error::config)?;
        Ok(Self { engine, overrides: sources.overrides })
    }

    /// The topology.
    pub fn topology(&self) -> Arc<Topology> {
        Arc::clone(&self.engine.world().layout.topology)
    }

    /// The answer of a service to an address.
    ///
    /// # Errors
    /// [`Error::Config`] where there is no such service.
    pub fn explain(&self, service: &str, address: IpAddr, family: Family) -> Result<Explanation, Error> {
        let world = self.engine.world();
        let name: Name = service.parse().map_err(|error| Error::config(format!("{service:?}: {error}")))?;
        let Some(id) = world.layout.find(&name.folded()) else {
            let services = world.layout.topology.services().iter().map(|service| &*service.name);
            let near = nearest(service, services).join(", ");
            return Err(Error::config(format!("{service} is no service (mend: write one of {near})")));
        };
        Ok(explain::explain(&world, id, address, family))
    }
}
