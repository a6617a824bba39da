//! All services of a world's directory, running.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use prometheus::Registry;
use serve::StartError;
use serve::admin::{Admin, AdminServer};
use serve::config::ConfigFile;
use serve::program::{Failure, Program, Reloads};
use tokio::task::JoinHandle;

use super::ready::Standing;
use crate::error::Error;
use crate::world::{Kind, ROLES, Role};

/// A world that runs; it ends when dropped.
pub struct Suite {
    dir: PathBuf,
    /// The source of `--geo`, absolute.
    geo: Option<PathBuf>,
    services: Vec<(Role, Running)>,
    /// Of each service.
    reloads: Vec<Reloads>,
    admin: Option<AdminServer>,
}

/// A service that runs.
enum Running {
    Authoritative(Box<authoritative::Running>),
    Gslb(Box<gslb::Running>),
    LocalDns(Box<local_dns::Running>),
}

impl Suite {
    /// Starts every service by its file in `dir`, all at the same time, and then the GSLB's admin
    /// endpoint for all. The source `geo` lies over the shipped table and under the configured sources.
    ///
    /// # Errors
    /// [`Error::Config`] where a file is not in order or an address is taken; nothing runs then.
    pub async fn start(dir: &Path, geo: Option<&Path>) -> Result<Self, Error> {
        let geo = geo.map(std::path::absolute).transpose().map_err(Error::config)?;
        let registry = Registry::new();
        let starting: Vec<_> = ROLES
            .into_iter()
            .map(|role| {
                (role, Abort(tokio::spawn(start(role, dir.join(role.file), geo.clone(), registry.clone()))))
            })
            .collect();
        let mut services = Vec::new();
        for (role, mut started) in starting {
            let running = (&mut started.0).await.map_err(Error::failed)?;
            services.push((role, running.map_err(explained)?));
        }
        let reloads = ROLES.iter().map(|role| Reloads::new(role.name, &registry));
        let reloads = reloads.collect::<Result<_, _>>().map_err(Error::failed)?;
        let mut suite = Self { dir: dir.to_owned(), geo, services, reloads, admin: None };
        suite.start_admin(registry).await?;
        Ok(suite)
    }

    async fn start_admin(&mut self, registry: Registry) -> Result<(), Error> {
        let mut admin = Admin::new(registry);
        let mut address = None;
        for (role, running) in &self.services {
            admin = match running {
                Running::Authoritative(running) => admin.ready(running.ready()),
                // Pages of services that run more than once would clash: only the GSLB has its own.
                Running::Gslb(running) => {
                    let file = ConfigFile::read(&self.dir.join(role.file)).map_err(Error::config)?;
                    address = file.parse::<gslb::Config>().map_err(Error::config)?.admin;
                    admin.ready(running.ready()).merge(running.pages())
                }
                Running::LocalDns(running) => admin.ready(running.ready()),
            };
        }
        if let Some(address) = address {
            let failure = |error: StartError| explained(error.into());
            self.admin = Some(admin.start(address).await.map_err(failure)?);
        }
        Ok(())
    }

    /// Which service listens where.
    pub fn standing(&self) -> Standing {
        let addresses = |running: &Running| -> Vec<SocketAddr> {
            match running {
                Running::Authoritative(running) => running.local_addrs().to_vec(),
                Running::Gslb(running) => running.local_addrs().to_vec(),
                Running::LocalDns(running) => running.local_addrs().to_vec(),
            }
        };
        let services = self.services.iter().map(|(role, running)| (*role, addresses(running)));
        Standing { services: services.collect(), admin: self.admin.as_ref().map(AdminServer::local_addr) }
    }

    /// Reads every file again. A service whose files are not in order serves on as before, and says so
    /// in the log.
    pub async fn reload(&mut self) {
        for ((role, running), reloads) in self.services.iter_mut().zip(&self.reloads) {
            let path = self.dir.join(role.file);
            let done = match running {
                Running::Authoritative(running) => reload(&mut **running, &path, |_| ()).await,
                Running::Gslb(running) => {
                    let geo = self.geo.clone();
                    reload(&mut **running, &path, |config| lay_under(config, geo)).await
                }
                Running::LocalDns(running) => reload(&mut **running, &path, |_| ()).await,
            };
            reloads.count(&done);
            match done {
                Ok(()) => tracing::info!(service = role.name, "reloaded"),
                Err(error) => {
                    tracing::error!(service = role.name, %error, "reload refused: the old serves on")
                }
            }
        }
    }

    /// Stops: answers what has come, within `grace`.
    pub async fn stop(self, grace: Duration) {
        let stopping = self.services.into_iter().map(|(_, running)| {
            tokio::spawn(async move {
                match running {
                    Running::Authoritative(running) => running.stop(grace).await,
                    Running::Gslb(running) => running.stop(grace).await,
                    Running::LocalDns(running) => running.stop(grace).await,
                }
            })
        });
        for stopped in stopping.collect::<Vec<_>>() {
            if let Err(error) = stopped.await {
                tracing::warn!(%error, "a service did not stop in order");
            }
        }
        if let Some(admin) = self.admin {
            admin.stop().await;
        }
    }
}

/// A start that is given up when dropped.
struct Abort<T>(JoinHandle<T>);

impl<T> Drop for Abort<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn start(
    role: Role,
    path: PathBuf,
    geo: Option<PathBuf>,
    registry: Registry,
) -> Result<Running, Failure> {
    let file = ConfigFile::read(&path)?;
    match role.kind {
        Kind::Authoritative => {
            let config = file.parse()?;
            let running = authoritative::Running::start(role.name, &config, &file, &registry).await?;
            Ok(Running::Authoritative(Box::new(running)))
        }
        Kind::Gslb => {
            let mut config = file.parse()?;
            lay_under(&mut config, geo);
            let running = gslb::Running::start(role.name, &config, &file, &registry).await?;
            Ok(Running::Gslb(Box::new(running)))
        }
        Kind::LocalDns => {
            let config = file.parse()?;
            // Only this one knows the lines.
            local_dns::Running::check(&config, &file)?;
            let base = file.resolve(Path::new(""));
            let running = local_dns::start(config, &base, role.name, &registry).await?;
            Ok(Running::LocalDns(Box::new(running)))
        }
    }
}

/// The world's own overrides stay above the source of `--geo`.
fn lay_under(config: &mut gslb::Config, geo: Option<PathBuf>) {
    config.geo.sources.splice(0..0, geo);
}

async fn reload<P: Program>(
    running: &mut P,
    path: &Path,
    amend: impl FnOnce(&mut P::Config),
) -> Result<(), Failure> {
    let file = ConfigFile::read(path)?;
    let mut config = file.parse()?;
    amend(&mut config);
    P::check(&config, &file)?;
    running.reload(config, &file).await
}

/// A failure to start, with what only the suite can advise.
fn explained(failure: Failure) -> Error {
    let taken = |error: &StartError| match error {
        StartError::Listen { source, .. } => source.kind() == std::io::ErrorKind::AddrInUse,
        _ => false,
    };
    match &failure {
        Failure::Configuration(error) if error.downcast_ref().is_some_and(taken) => Error::config(format!(
            "{failure}\nIf that is another world, run this one beside it: with another --net, such as 127.9.0.0/16, and its own files"
        )),
        Failure::Configuration(_) => Error::config(failure),
        Failure::Running(_) => Error::failed(failure),
    }
}
