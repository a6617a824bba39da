//! The peers' configurations: one thread or process that answers, no logs, minimal answers, no rate limit
//! and no DNSSEC, so that every server does the same work; else their defaults.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::map::{self, Entry, Site};
use crate::scenario::{PORT, SERVER, SHOP, UPSTREAM};
use crate::server::{Launch, find};

/// The core that the measured server runs on; dnsperf and the upstream server take [`LOAD_CORE`].
pub(crate) const SERVER_CORE: usize = 0;

/// The core that makes the load.
pub(crate) const LOAD_CORE: usize = 1;

/// Writes `text` to `dir/name`, making the directories in between.
///
/// # Errors
/// When that fails.
pub(crate) fn write(dir: &Path, name: &str, text: &str) -> Result<PathBuf, Error> {
    let file = dir.join(name);
    let parent = file.parent().unwrap_or(dir);
    fs::create_dir_all(parent).map_err(|source| Error::file(parent, source))?;
    fs::write(&file, text).map_err(|source| Error::file(&file, source))?;
    Ok(file)
}

/// How the report calls the floor.
pub(crate) const ECHO: &str = "echo";

fn installed(name: &'static str, version: &'static str, args: [&Path; 3]) -> Result<Launch, Error> {
    let program = find(name).ok_or(Error::Missing(name))?;
    Ok(Launch { name, program, args: args.map(Into::into).into(), version, core: SERVER_CORE })
}

/// This very program, as the floor.
///
/// # Errors
/// When the system does not say where it is.
pub(crate) fn echo() -> Result<Launch, Error> {
    let program = std::env::current_exe().map_err(|source| Error::file(Path::new("bench"), source))?;
    let args = ["echo".into(), format!("{SERVER}:{PORT}").into()];
    Ok(Launch { name: ECHO, program, args: args.into(), version: "--version", core: SERVER_CORE })
}

/// gdnsd: plugin_geoip over the map, three addresses for each datacentre.
///
/// # Errors
/// When it is not installed or its files cannot be written.
pub(crate) fn gdnsd(dir: &Path, map: &[Entry]) -> Result<Launch, Error> {
    let nets = write(dir, "gdnsd/geoip/nets", &map::nets(map))?;
    let names: Vec<String> = Site::all().map(map::datacentre).collect();
    let mut dcmap = String::new();
    for site in Site::all() {
        let hosts = site.net().hosts().take(3).map(|host| host.to_string()).collect::<Vec<_>>();
        let _ = writeln!(dcmap, "        {} => [{}]", map::datacentre(site), hosts.join(", "));
    }
    let config = format!(
        "options => {{
  listen => {{ {SERVER}:{PORT} => {{ udp_threads = 1, tcp_threads = 1 }} }}
  run_dir = {dir}/gdnsd/run
  state_dir = {dir}/gdnsd/state
}}
plugins => {{ geoip => {{
  maps => {{ map => {{ datacenters => [{names}], nets = {nets} }} }}
  resources => {{ www => {{ map => map, service_types => up, dcmap => {{
{dcmap}  }} }} }}
}} }}
",
        dir = dir.display(),
        names = names.join(", "),
        nets = nets.display(),
    );
    write(dir, "gdnsd/config", &config)?;
    let zone =
        format!("@ SOA ns hostmaster 1 7200 1800 259200 60\n@ NS ns\nns A {SERVER}\nwww 10 DYNA geoip!www\n");
    write(dir, &format!("gdnsd/zones/vip.{SHOP}"), &zone)?;
    installed("gdnsd", "-h", ["-c".as_ref(), &dir.join("gdnsd"), "start".as_ref()])
}

/// NSD: one server process for `zone` from the master file `file`.
///
/// # Errors
/// When it is not installed or its files cannot be written.
pub(crate) fn nsd(dir: &Path, zone: &str, file: &Path, place: Place) -> Result<Launch, Error> {
    let (name, address, core) = match place {
        Place::Measured => ("nsd", SERVER, SERVER_CORE),
        Place::Upstream => ("nsd-upstream", UPSTREAM, LOAD_CORE),
    };
    let config = format!(
        "server:
  server-count: 1
  ip-address: {address}@{PORT}
  username: \"\"
  database: \"\"
  pidfile: \"\"
  zonesdir: {dir}
  xfrdfile: {dir}/{name}.xfrd
  zonelistfile: {dir}/{name}.zones
  minimal-responses: yes
  rrl-ratelimit: 0
remote-control:
  control-enable: no
zone:
  name: \"{zone}\"
  zonefile: {file}
",
        dir = dir.display(),
        file = file.display(),
    );
    let config = write(dir, &format!("{name}.conf"), &config)?;
    let launch = installed("nsd", "-v", ["-d".as_ref(), "-c".as_ref(), &config])?;
    Ok(Launch { name, core, ..launch })
}

/// What an NSD is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    /// The peer.
    Measured,
    /// The server that resolvers ask.
    Upstream,
}

/// Unbound: one thread, recursion from a root that [`UPSTREAM`] serves.
///
/// # Errors
/// When it is not installed or its files cannot be written.
pub(crate) fn unbound(dir: &Path) -> Result<Launch, Error> {
    let config = format!(
        "server:
  num-threads: 1
  interface: {SERVER}
  port: {PORT}
  access-control: 127.0.0.0/8 allow
  do-not-query-localhost: no
  do-daemonize: no
  username: \"\"
  chroot: \"\"
  pidfile: \"\"
  directory: {dir}
  use-syslog: no
  module-config: \"iterator\"
  msg-cache-size: 64m
  rrset-cache-size: 128m
remote-control:
  control-enable: no
stub-zone:
  name: \".\"
  stub-addr: {UPSTREAM}@{PORT}
",
        dir = dir.display()
    );
    let config = write(dir, "unbound.conf", &config)?;
    installed("unbound", "-V", ["-d".as_ref(), "-c".as_ref(), &config])
}
