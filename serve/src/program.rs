//! What every binary of the suite has in common: arguments, logs, signals, exit codes.

use std::error::Error;
use std::future::Future;
use std::io::{self, IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use axum::Router;
use clap::{CommandFactory, FromArgMatches, Parser};
use prometheus::{IntCounterVec, IntGauge, Opts, Registry};
use serde::de::DeserializeOwned;
use thiserror::Error;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::timeout;
use tracing_subscriber::EnvFilter;

use crate::admin::{Admin, AdminServer};
use crate::config::{ConfigError, ConfigFile};
use crate::error::StartError;

/// A stop has to be over after so long.
const GRACE: Duration = Duration::from_millis(4500);

/// Why a program ends with an error.
#[derive(Debug, Error)]
pub enum Failure {
    /// What it was told cannot work: exit code 2.
    #[error(transparent)]
    Configuration(Box<dyn Error + Send + Sync>),
    /// It was told well, and failed: exit code 1.
    #[error(transparent)]
    Running(Box<dyn Error + Send + Sync>),
}

impl Failure {
    /// What it was told cannot work.
    pub fn configuration(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Configuration(error.into())
    }

    /// It failed.
    pub fn running(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Running(error.into())
    }

    /// What the process exits with.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Configuration(_) => 2,
            Self::Running(_) => 1,
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::configuration(error)
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        Self::configuration(error)
    }
}

/// A binary: a service as it runs, and how it comes to that. `main` is `serve::program::run::<It>()`.
pub trait Program: Sized {
    /// The binary's name, and the label `service` of its metrics.
    const NAME: &'static str;
    /// What it is, in a line.
    const ABOUT: &'static str;
    /// The example file: every key, with its default.
    const EXAMPLE: &'static str;
    /// The file's content.
    type Config: DeserializeOwned;

    /// Where the admin endpoint listens; nowhere if none.
    fn admin(config: &Self::Config) -> Option<SocketAddr>;

    /// Finds what cannot work, without touching the network; reads the files that `config` names.
    ///
    /// # Errors
    /// [`Failure::Configuration`], best from [`ConfigFile::wrong`].
    fn check(config: &Self::Config, file: &ConfigFile) -> Result<(), Failure>;

    /// Starts it. The file has passed [`Program::check`].
    ///
    /// # Errors
    /// [`Failure`]; nothing runs then.
    fn start(
        config: Self::Config,
        file: &ConfigFile,
        registry: &Registry,
    ) -> impl Future<Output = Result<Self, Failure>>;

    /// Takes a new configuration, whole or not at all. The file has passed [`Program::check`].
    ///
    /// # Errors
    /// [`Failure`]; the old configuration serves on.
    fn reload(
        &mut self,
        config: Self::Config,
        file: &ConfigFile,
    ) -> impl Future<Output = Result<(), Failure>>;

    /// Whether it has something to serve from: what `/readyz` asks.
    fn ready(&self) -> impl Fn() -> bool + Send + Sync + 'static;

    /// Its own pages on the admin endpoint.
    fn pages(&self) -> Router;

    /// Answers what has come, and ends within `grace`.
    fn stop(self, grace: Duration) -> impl Future<Output = ()>;
}

#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The configuration file (TOML)
    #[arg(long, value_name = "FILE", required_unless_present = "example")]
    config: Option<PathBuf>,
    /// Check the configuration, then exit with 0 if it is good and with 2 if not
    #[arg(long)]
    check: bool,
    /// Print a configuration file that states every key with its default
    #[arg(long)]
    example: bool,
}

/// Runs a program to its end: exit code 0 where it was stopped, 1 where it failed, 2 where it was told
/// what cannot work.
pub fn run<P: Program>() -> ExitCode {
    let command = Arguments::command().name(P::NAME).about(P::ABOUT).after_help(after_help(P::NAME));
    let arguments = Arguments::from_arg_matches(&command.get_matches()).unwrap_or_else(|error| error.exit());
    match act::<P>(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(io::stderr(), "{}: {failure}", P::NAME);
            ExitCode::from(failure.exit_code())
        }
    }
}

fn after_help(name: &str) -> String {
    format!(
        "Examples:\n  \
         {name} --example > {name}.toml          a file to start from\n  \
         {name} --config {name}.toml --check     is it good?\n  \
         {name} --config {name}.toml             serve\n\n\
         SIGHUP reloads the configuration; SIGTERM answers what has come and ends within 5 s.\n\
         TERN_LOG or RUST_LOG says what to log, like `info` (the default) or `debug`.\n\
         Exit codes: 0 stopped, 1 failed, 2 bad configuration."
    )
}

fn act<P: Program>(arguments: &Arguments) -> Result<(), Failure> {
    let Some(path) = arguments.config.as_deref().filter(|_| !arguments.example) else {
        return io::stdout().write_all(P::EXAMPLE.as_bytes()).map_err(Failure::running);
    };
    // Before anything is read: what is read has warnings.
    log();
    let (config, file) = read::<P>(path)?;
    if arguments.check {
        return writeln!(io::stdout(), "{}: good", path.display()).map_err(Failure::running);
    }
    let runtime = tokio::runtime::Runtime::new().map_err(Failure::running)?;
    let done = runtime.block_on(live::<P>(config, &file));
    // What is not done by now was given its time.
    runtime.shutdown_background();
    done
}

fn read<P: Program>(path: &Path) -> Result<(P::Config, ConfigFile), Failure> {
    let file = ConfigFile::read(path)?;
    let config = file.parse()?;
    P::check(&config, &file)?;
    Ok((config, file))
}

/// Logs on stderr; a subscriber that is there already stays.
pub fn log() {
    let filter = EnvFilter::try_from_env("TERN_LOG")
        .or_else(|_| EnvFilter::try_from_default_env())
        .unwrap_or_else(|_| EnvFilter::new("info"));
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let _ = logs.with_ansi(io::stderr().is_terminal()).try_init();
}

/// Starts, reloads on SIGHUP, stops on SIGTERM and SIGINT.
async fn live<P: Program>(config: P::Config, file: &ConfigFile) -> Result<(), Failure> {
    // First of all, so that no signal kills what has just begun.
    let mut signals = Signals::new().map_err(Failure::running)?;
    let registry = Registry::new();
    let reloads = Reloads::new(P::NAME, &registry).map_err(StartError::from)?;
    let admin_address = P::admin(&config);
    let mut program = P::start(config, file, &registry).await?;
    let admin = match start_admin(&program, admin_address, registry).await {
        Ok(admin) => admin,
        Err(failure) => {
            program.stop(GRACE).await;
            return Err(failure);
        }
    };
    tracing::info!(name = P::NAME, "ready");
    while signals.next().await == Told::Reload {
        let done = reload(&mut program, &file.path).await;
        reloads.count(&done);
        match done {
            Ok(()) => tracing::info!(file = %file.path.display(), "reloaded"),
            Err(error) => tracing::error!(%error, "reload refused: the old configuration serves on"),
        }
    }
    tracing::info!("stopping");
    if timeout(GRACE, program.stop(GRACE)).await.is_err() {
        tracing::warn!("stopped before everything was answered");
    }
    if let Some(admin) = admin {
        admin.stop().await;
    }
    Ok(())
}

async fn start_admin<P: Program>(
    program: &P,
    address: Option<SocketAddr>,
    registry: Registry,
) -> Result<Option<AdminServer>, Failure> {
    let Some(address) = address else { return Ok(None) };
    let admin = Admin::new(registry).ready(program.ready()).merge(program.pages());
    Ok(Some(admin.start(address).await?))
}

async fn reload<P: Program>(program: &mut P, path: &Path) -> Result<(), Failure> {
    let (config, file) = read::<P>(path)?;
    program.reload(config, &file).await
}

/// What a signal says.
#[derive(PartialEq, Eq)]
enum Told {
    Reload,
    Stop,
}

struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.terminate.recv() => Told::Stop,
            _ = self.interrupt.recv() => Told::Stop,
            _ = self.hangup.recv() => Told::Reload,
        }
    }
}

/// Counts reloads, and tells whether the file on disk is the one that is served.
pub struct Reloads {
    total: IntCounterVec,
    stale: IntGauge,
}

impl Reloads {
    /// Registers the metrics; `service` is their label.
    ///
    /// # Errors
    /// Where they are registered already.
    pub fn new(service: &str, registry: &Registry) -> prometheus::Result<Self> {
        let opts = |name: &str, help: &str| Opts::new(name, help).const_label("service", service);
        let total = opts("tern_config_reloads_total", "Reloads of the configuration, by result.");
        let stale = opts("tern_config_stale", "1 while the last reload was refused.");
        let reloads =
            Self { total: IntCounterVec::new(total, &["result"])?, stale: IntGauge::with_opts(stale)? };
        for result in ["done", "refused"] {
            reloads.total.with_label_values(&[result]);
        }
        registry.register(Box::new(reloads.total.clone()))?;
        registry.register(Box::new(reloads.stale.clone()))?;
        Ok(reloads)
    }

    /// A reload was done, or refused.
    pub fn count<T, E>(&self, result: &Result<T, E>) {
        self.total.with_label_values(&[if result.is_ok() { "done" } else { "refused" }]).inc();
        self.stale.set(result.is_err().into());
    }
}
