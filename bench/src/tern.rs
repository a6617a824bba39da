//! Tern's own services: their binaries, built beside this one, and their configurations. One worker each.

use std::path::Path;

use crate::error::Error;
use crate::map::{self, Entry};
use crate::peers::{SERVER_CORE, write};
use crate::scenario::{PORT, SERVER, SHOP, UPSTREAM};
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

/// The GSLB with the default world's topology and `map` for geo data.
pub(crate) fn gslb(dir: &Path, map: &[Entry]) -> Result<Launch, Error> {
    write(dir, "topology.toml", routing::DEFAULT_TOPOLOGY)?;
    write(dir, "places.csv", &map::overrides(map))?;
    let apex = format!("vip.{SHOP}");
    let zone = format!(
        "$ORIGIN {apex}.\n$TTL 3600\n@ SOA ns hostmaster 1 7200 1800 259200 60\n@ NS ns\nns A {SERVER}\n"
    );
    write(dir, "vip.zone", &zone)?;
    let config = format!(
        "topology = \"topology.toml\"
overrides = \"overrides.toml\"

[zone]
name = \"{apex}\"
file = \"vip.zone\"

[geo]
shipped = false
sources = [\"places.csv\"]
{}",
        server()
    );
    service(dir, "gslb", &config)
}

/// The authoritative server with one zone.
pub(crate) fn authoritative(dir: &Path, zone: &str, file: &Path) -> Result<Launch, Error> {
    let file = file.display();
    let config = format!("[[zone]]\nname = \"{zone}\"\nfile = \"{file}\"\n{}", server());
    service(dir, "authoritative", &config)
}

/// The resolver, below a root that [`UPSTREAM`] serves.
pub(crate) fn local_dns(dir: &Path) -> Result<Launch, Error> {
    write(dir, "root.hints", &format!(". 86400 IN NS ns.bench.\nns.bench. 86400 IN A {UPSTREAM}\n"))?;
    let config = format!("root-hints = \"root.hints\"\nupstream-port = {PORT}\n{}", server());
    service(dir, "local-dns", &config)
}

/// The table of sockets, the same in every service.
fn server() -> String {
    format!("\n[server]\nlisten = [\"{SERVER}:{PORT}\"]\nworkers = 1\n")
}
