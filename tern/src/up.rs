//! `tern up`: every service of a world in one process, with one registry of metrics and one admin
//! endpoint, the GSLB's.

mod ready;
mod suite;

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli;
use crate::error::Error;
use crate::world::World;

pub use ready::Standing;
pub use suite::Suite;

/// A stop is over after so long.
const GRACE: Duration = Duration::from_millis(4500);

/// Runs the command until a signal ends it.
///
/// # Errors
/// [`Error::Config`] where a file is not in order or an address is taken; nothing runs then.
pub fn run(command: &cli::Up, out: &mut impl Write) -> Result<(), Error> {
    let began = Instant::now();
    serve::program::log();
    let world = World::prepare(command.dir.as_deref(), command.net, command.port)?;
    let runtime = Runtime::new().map_err(Error::failed)?;
    let done = runtime.block_on(live(command, &world, began, out));
    // What is not done by now was given its time.
    runtime.shutdown_background();
    done
}

async fn live(command: &cli::Up, world: &World, began: Instant, out: &mut impl Write) -> Result<(), Error> {
    // First of all, so that no signal leaves a temporary directory behind.
    let mut signals = Signals::new().map_err(Error::failed)?;
    let spinner = command.geo.as_deref().map(Spinner::start);
    let mut suite = tokio::select! {
        suite = Suite::start(world.dir(), command.geo.as_deref()) => suite?,
        () = signals.stopped() => return Ok(()),
    };
    drop(spinner);
    write!(out, "{}", suite.standing().text(world))?;
    out.flush()?;
    tracing::info!(ms = began.elapsed().as_millis(), dir = %world.dir().display(), "ready");
    while signals.next().await == Told::Reload {
        suite.reload().await;
    }
    tracing::info!("stopping");
    suite.stop(GRACE).await;
    Ok(())
}

/// Says on a terminal that a source is being read.
struct Spinner(ProgressBar);

impl Spinner {
    fn start(source: &Path) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let style = ProgressStyle::with_template("{spinner} {msg} {elapsed}");
        let bar = ProgressBar::new_spinner()
            .with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
            .with_message(format!("reading {}", source.display()));
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(bar)
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
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
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Returns when it is time to stop.
    async fn stopped(&mut self) {
        while self.next().await == Told::Reload {}
    }

    async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.terminate.recv() => Told::Stop,
            _ = self.interrupt.recv() => Told::Stop,
            _ = self.hangup.recv() => Told::Reload,
        }
    }
}
