//! Tern's own services: their binaries, built beside this one, and their configurations. One worker each.

use std::path::Path;

use crate::error::Error;
use crate::map::{self, Entry};
use crate::peers::{SERVER_CORE, write};
use crate::scenario::{PORT, SERVER, UPSTREAM};
use crate::server::Launch;

/// How the report calls Tern's server.
pub(crate) const TERN: &str = "tern";

fn service(dir: &Path, binary: &str, config: &str) -> Result<Launch, Error> {
    let this = std::env::current_exe().map_err(|source| Error::file(Path::new("bench"), source))?;
    let config = write(dir, &format!("{binary}.toml"), config)?;
    Ok(Launch {
        name: TERN,
        program: this.with_file_name(binary),
        args: vec!["--config".into(), config.into()],
        version: "--version",
        core: SERVER_CORE,
    })
}

/// The GSLB with the default world's topology and `map` above its geo data.
pub(crate) fn gslb(dir: &Path, map: &[Entry]) -> Result<Launch, Error> {
    let _places = write(dir, "overrides.csv", &map::overrides(map))?;
    service(dir, "gslb", "")
}

/// The authoritative server with one zone.
pub(crate) fn authoritative(dir: &Path, zone: &str, file: &Path) -> Result<Launch, Error> {
    let config = format!(
        "[listen]\nlisten = [\"{SERVER}:{PORT}\"]\nworkers = 1\n
[[zone]]\nname = \"{zone}\"\nfile = \"{}\"\n",
        file.display()
    );
    service(dir, "authoritative", &config)
}

/// The resolver, below a root that [`UPSTREAM`] serves.
pub(crate) fn local_dns(dir: &Path) -> Result<Launch, Error> {
    let hints = write(dir, "root.hints", &format!(". 86400 IN NS ns.\nns. 86400 IN A {UPSTREAM}\n"))?;
    let config = format!(
        "root-hints = \"{}\"\nupstream-port = {PORT}\n
[listen]\nlisten = [\"{SERVER}:{PORT}\"]\nworkers = 1\n",
        hints.display()
    );
    service(dir, "local-dns", &config)
}
