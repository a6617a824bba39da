//! Tern side by side with the servers that people run today: what a query costs each of them in CPU time
//! (DESIGN §6).
//!
//! For every scenario it generates the servers' configurations in a temporary folder, runs each server on
//! loopback, alone, with one worker pinned to core 0, and dnsperf pinned to core 1; the CPU time of the
//! server's processes before and after, divided by the queries that dnsperf completed, is the figure. A
//! server is measured only after a sample of its answers was found right. An echo that parses nothing
//! shows what the kernel alone costs.
//!
//! In reading order:
//!
//! - [`scenario`]: what is asked of whom, and the bars;
//! - [`questions`]: questions in wire form and the answers that are due;
//! - [`map`]: the clients' map, for the GSLBs;
//! - [`peers`], [`tern`]: the servers' configurations; [`echo`]: the floor;
//! - [`server`]: a running server, and its CPU time;
//! - [`load`], made by dnsperf;
//! - [`measure`]: interleaved rounds; [`report`]: tables and JSON;
//! - [`error`]: what can go wrong.

mod echo;
mod error;
mod load;
mod map;
mod measure;
mod peers;
mod questions;
mod report;
mod scenario;
mod server;
mod tern;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::{Command, ExitCode};

use clap::{Args, Parser, Subcommand};

use error::Error;
use report::Report;
use scenario::{Scenario, Which};

const AFTER_HELP: &str = "\
Needs two cores and Debian's dnsperf, gdnsd, nsd and unbound. Takes rounds × servers × seconds, and a second
or two for each start. Run it on an idle machine: the figures are CPU time, but caches are shared.

Examples:
  cargo run --release -p bench -- all
  cargo run --release -p bench -- gslb --rounds 9 --seconds 10
  cargo run --release -p bench -- authoritative --only nsd,echo --json > figures.json

Exit codes: 0 measured; 1 something failed, or queries were lost; 2 bad arguments.";

/// Measures Tern side by side with gdnsd, NSD and Unbound.
#[derive(Debug, Parser)]
#[command(version, after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Geo map and random client subnets: Tern's gslb and gdnsd.
    Gslb(Options),
    /// A records of one zone: Tern's authoritative and NSD.
    Authoritative(Options),
    /// Cache hits: Tern's local-dns and Unbound.
    LocalDns(Options),
    /// All of them, one after the other.
    All(Options),
    /// Runs the floor alone: sends every datagram back with QR set.
    Echo {
        /// Where it listens.
        address: SocketAddr,
    },
}

#[derive(Args, Clone, Debug)]
struct Options {
    /// How often each server is measured.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// How long each time.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=3600))]
    seconds: u32,
    /// Measure these servers alone.
    #[arg(long, value_delimiter = ',', value_parser = ["tern", "gdnsd", "nsd", "unbound", "echo"])]
    only: Vec<String>,
    /// Print JSON, every sample included.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let (all, options) = match Cli::parse().what {
        What::Echo { address } => {
            return end(echo::run(address).map_err(|source| Error::Echo { address, source }));
        }
        What::Gslb(options) => (vec![Which::Gslb], options),
        What::Authoritative(options) => (vec![Which::Authoritative], options),
        What::LocalDns(options) => (vec![Which::LocalDns], options),
        What::All(options) => (vec![Which::Gslb, Which::Authoritative, Which::LocalDns], options),
    };
    // One scenario that fails does not take the others' figures away.
    let mut code = ExitCode::SUCCESS;
    let mut reports = Vec::new();
    for which in all {
        match run(which, &options) {
            Ok(report) => reports.push(report),
            Err(error) => code = end(Err(error)),
        }
    }
    if let Err(error) = print(&reports, options.json) {
        code = end(Err(Error::Output(error)));
    }
    if reports.iter().any(|report| report.lost() > 0) {
        eprintln!("bench: queries were lost: these figures compare nothing");
        code = ExitCode::FAILURE;
    }
    code
}

fn end(result: Result<(), Error>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(which: Which, options: &Options) -> Result<Report, Error> {
    let wanted = |name: &str| options.only.is_empty() || options.only.iter().any(|only| only == name);
    if wanted(tern::TERN) {
        build(which)?;
    }
    let mut scenario = Scenario::new(which)?;
    scenario.launches.retain(|launch| wanted(launch.name));
    if scenario.launches.is_empty() {
        return Err(Error::Nothing(scenario.name));
    }
    eprintln!(
        "{}: {} questions, load of the machine {}",
        scenario.name,
        scenario.questions.count,
        load_average()
    );
    let (rounds, mut done, total) = (options.rounds, 0, options.rounds as usize * scenario.launches.len());
    let series = measure::run(&scenario, rounds, options.seconds, |round, server, sample| {
        done += 1;
        eprintln!(
            "[{done}/{total}] round {}: {server} {:.2} µs/query, {:.0} queries/s, {} lost",
            round + 1,
            sample.cpu_us,
            sample.qps,
            sample.lost
        );
    })?;
    Ok(Report::new(&scenario, series))
}

/// The machine's load over the last minute; well below 1 before figures are taken.
fn load_average() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}

/// Under `cargo run`, brings Tern's binary up to date: `cargo run -p bench` builds bench alone.
fn build(which: Which) -> Result<(), Error> {
    let (Some(cargo), Some(dir)) = (std::env::var_os("CARGO"), std::env::var_os("CARGO_MANIFEST_DIR")) else {
        return Ok(());
    };
    let status = Command::new(cargo)
        .args(["build", "--quiet", "--release", "-p", which.package()])
        .current_dir(dir)
        .status()
        .map_err(|source| Error::Spawn { program: "cargo", source })?;
    if status.success() { Ok(()) } else { Err(Error::Build(which.package())) }
}

fn print(reports: &[Report], json: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if json {
        serde_json::to_writer_pretty(&mut out, reports)?;
        return writeln!(out);
    }
    reports.iter().try_for_each(|report| write!(out, "{report}"))
}
