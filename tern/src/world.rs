//! A world is a directory of files: one configuration per service, and what these name. `tern up`
//! writes those that are missing, and never touches one that is there.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tempfile::TempDir;

use crate::error::Error;
use crate::site::{Net, Site};

/// What a service is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Serves zones.
    Authoritative,
    /// Serves what steering chooses.
    Gslb,
    /// Asks the others, and remembers.
    LocalDns,
}

/// A service of the world.
#[derive(Clone, Copy, Debug)]
pub struct Role {
    /// Its name in logs and metrics.
    pub name: &'static str,
    /// What it is, for people.
    pub title: &'static str,
    /// What runs.
    pub kind: Kind,
    /// Its configuration's file in the directory.
    pub file: &'static str,
    /// What the file says by default.
    pub template: &'static str,
}

/// The services, in the order that a query meets the first four.
pub const ROLES: [Role; 7] = [
    Role {
        name: "root",
        title: "root server",
        kind: Kind::Authoritative,
        file: "root.toml",
        template: include_str!("../world/root.toml"),
    },
    Role {
        name: "com",
        title: ".com server",
        kind: Kind::Authoritative,
        file: "com.toml",
        template: include_str!("../world/com.toml"),
    },
    Role {
        name: "authoritative",
        title: "authoritative, yourcompany.com",
        kind: Kind::Authoritative,
        file: "authoritative.toml",
        template: include_str!("../world/authoritative.toml"),
    },
    Role {
        name: "gslb",
        title: "GSLB, vip.yourcompany.com",
        kind: Kind::Gslb,
        file: "gslb.toml",
        template: include_str!("../world/gslb.toml"),
    },
    Role {
        name: "local-dns-telecom",
        title: "local DNS of China Telecom, Shanghai",
        kind: Kind::LocalDns,
        file: "local-dns-telecom.toml",
        template: include_str!("../world/local-dns-telecom.toml"),
    },
    Role {
        name: "local-dns-unicom",
        title: "local DNS of China Unicom, Beijing",
        kind: Kind::LocalDns,
        file: "local-dns-unicom.toml",
        template: include_str!("../world/local-dns-unicom.toml"),
    },
    Role {
        name: "local-dns-mobile",
        title: "local DNS of China Mobile, Guangzhou",
        kind: Kind::LocalDns,
        file: "local-dns-mobile.toml",
        template: include_str!("../world/local-dns-mobile.toml"),
    },
];

/// Every file of a world, as the default site has it.
pub fn files() -> Vec<(String, &'static str)> {
    let mut files: Vec<_> = ROLES.iter().map(|role| (role.file.to_owned(), role.template)).collect();
    files.push(("topology.toml".to_owned(), routing::topology::DEFAULT_TOPOLOGY));
    files.push(("geo-overrides.csv".to_owned(), geo::DEFAULT_OVERRIDES));
    files.push(("zones/root.hints".to_owned(), zones::default::ROOT_HINTS));
    for (apex, text) in zones::default::DEFAULT {
        let name = if *apex == "." { "root" } else { apex.trim_end_matches('.') };
        files.push((format!("zones/{name}.zone"), text));
    }
    files
}

/// A world's directory, with every file in it.
#[derive(Debug)]
pub struct World {
    dir: PathBuf,
    /// Removes it at the end.
    temporary: Option<TempDir>,
}

impl World {
    /// Takes `dir`, or a temporary directory, and writes what is missing: for `net` and `port`, or for
    /// those of the files that are there, or for the default site.
    ///
    /// # Errors
    /// [`Error::Config`] where files that are there stand elsewhere than asked; [`Error::Failed`] where
    /// one cannot be written.
    pub fn prepare(dir: Option<&Path>, net: Option<Net>, port: Option<u16>) -> Result<Self, Error> {
        let (dir, temporary) = match dir {
            Some(dir) => (std::path::absolute(dir).map_err(|error| unwritable(dir, &error))?, None),
            None => {
                let made = tempfile::Builder::new().prefix("tern-").tempdir();
                let temporary = made.map_err(|error| unwritable(&std::env::temp_dir(), &error))?;
                (temporary.path().to_owned(), Some(temporary))
            }
        };
        let site = site(&dir, net, port)?;
        for (name, text) in files() {
            write_if_missing(&dir.join(name), &site.render(text))?;
        }
        Ok(Self { dir, temporary })
    }

    /// The directory, absolute.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whether it goes with the process.
    pub fn is_temporary(&self) -> bool {
        self.temporary.is_some()
    }
}

/// Where the services of the files listen that are there.
#[derive(Deserialize)]
struct Listening {
    #[serde(default)]
    server: Listen,
}

#[derive(Default, Deserialize)]
struct Listen {
    #[serde(default)]
    listen: Vec<SocketAddr>,
}

/// Where the missing files are to stand.
fn site(dir: &Path, net: Option<Net>, port: Option<u16>) -> Result<Site, Error> {
    let mut found = None;
    for role in ROLES {
        let file = dir.join(role.file);
        if !file.exists() {
            continue;
        }
        let Listening { server } = serve::config::load(&file).map_err(Error::config)?;
        for address in server.listen {
            let Some(its_net) = Net::around(address.ip()) else { continue };
            let elsewhere = |option: String| {
                Err(Error::config(format!(
                    "{}: listens on {address}, not where {option} moves the world (mend: leave {option} \
                     out to run the files as they are, or give another --dir)",
                    file.display()
                )))
            };
            if let Some(net) = net.filter(|net| !net.contains(address.ip())) {
                return elsewhere(format!("--net {net}"));
            }
            if let Some(port) = port.filter(|&port| port != address.port()) {
                return elsewhere(format!("--port {port}"));
            }
            found.get_or_insert(Site { net: its_net, port: address.port() });
        }
    }
    let Site { net: default_net, port: default_port } = found.unwrap_or_default();
    Ok(Site { net: net.unwrap_or(default_net), port: port.unwrap_or(default_port) })
}

fn write_if_missing(path: &Path, text: &str) -> Result<(), Error> {
    let write = || {
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        match OpenOptions::new().write(true).create_new(true).open(path) {
            Ok(mut file) => file.write_all(text.as_bytes()),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error),
        }
    };
    write().map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &std::io::Error) -> Error {
    Error::failed(format!(
        "{}: cannot be written: {error} (mend: give a --dir that this user may write to)",
        path.display()
    ))
}
