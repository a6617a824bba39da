//! What may be typed.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use jiff::{SignedDuration, Timestamp};

use crate::site::Net;

/// Where the admin endpoint of the default world listens.
pub const ADMIN: &str = "127.0.0.1:9053";

/// Answers "where is the shop?" with the three nearest load balancers that the asker can reach.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "\
Exit codes: 0 fine, 1 failed, 2 something given is not in order.

Examples:
  tern up
  dig @127.0.1.1 -p 5300 www.yourcompany.com
  tern explain www.vip.yourcompany.com 202.96.209.133
  tern bgp withdraw --router cn-east-br1 --carrier telecom"
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a whole world in one process: root, .com, the shop's authoritative, GSLB, three local DNS
    Up(Up),
    /// Say which addresses a client gets for a service, and why not the others
    Explain(Explain),
    /// Check every file of a world's directory
    Check(Check),
    /// See and change what carriers hear from our routers
    #[command(subcommand)]
    Bgp(Bgp),
    /// Ask where addresses are
    #[command(subcommand)]
    Geo(Geo),
}

/// `tern up`.
#[derive(Debug, Args)]
#[command(after_help = "\
A world is a directory of files: topology, geo overrides, zones, one configuration per service. Without
--dir it is a temporary one that is removed at the end. Ctrl-C ends the world with exit code 0.

Examples:
  tern up
  tern up --dir ~/world                         write the files there, then edit them
  tern up --geo ip2region.txt.gz                place real addresses by real data
  tern up --net 127.9.0.0/16 --port 5399        a second world beside the first")]
pub struct Up {
    /// Run from the files in this directory; missing ones are written first, never over an existing one
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Lay this source (ip2region text, gzipped or not, or an MMDB) under the world's own geo overrides
    #[arg(long, value_name = "SOURCE")]
    pub geo: Option<PathBuf>,
    /// Move every address of the world from 127.0.0.0/16 into this network
    #[arg(long, value_name = "A.B.0.0/16")]
    pub net: Option<Net>,
    /// The port of every name server [default: 5300]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,
}

/// Which world a command is about.
#[derive(Debug, Args)]
pub struct Where {
    /// The admin endpoint of a running world
    #[arg(long, value_name = "ADDRESS", default_value = ADMIN, conflicts_with = "dir")]
    pub admin: SocketAddr,
    /// Work offline, from the files of this directory
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// An address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Family {
    /// IPv4
    #[value(name = "4")]
    V4,
    /// IPv6
    #[value(name = "6")]
    V6,
}

/// `tern explain`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tern explain www.vip.yourcompany.com 202.96.209.133
  tern explain www.vip.yourcompany.com 127.0.1.2 --family 6 --all
  tern explain img.vip.yourcompany.com 211.136.112.0 --json
  tern explain www.vip.yourcompany.com 127.0.1.1 --dir ~/world")]
pub struct Explain {
    /// The service's DNS name
    pub service: String,
    /// The client's address, or the first one of its subnet
    pub address: IpAddr,
    /// Which addresses it asks for: A or AAAA records
    #[arg(long, value_enum, default_value = "4")]
    pub family: Family,
    /// Show every candidate
    #[arg(long)]
    pub all: bool,
    /// One JSON object, with every candidate
    #[arg(long)]
    pub json: bool,
    /// The world.
    #[command(flatten)]
    pub world: Where,
}

/// `tern check`.
#[derive(Debug, Args)]
#[command(after_help = "\
Every problem is one line: file, line, what is wrong, how to mend it. Exit code 2 if there is any.

Example:
  tern check ~/world")]
pub struct Check {
    /// The directory
    pub dir: PathBuf,
}

/// `tern bgp`.
#[derive(Debug, Subcommand)]
pub enum Bgp {
    /// Show which carrier reaches which prefix, by which AS path, since when
    #[command(after_help = "\
Examples:
  tern bgp show
  tern bgp show telecom
  tern bgp show 198.18.0.0/24 --json")]
    Show(Show),
    /// Take announcements back
    #[command(after_help = "\
Examples:
  tern bgp withdraw --router cn-east-br1 --carrier telecom
  tern bgp withdraw --prefix 198.18.0.0/24 --why 'ticket 4711' --for 2h")]
    Withdraw(Change),
    /// Make announcements again
    #[command(after_help = "\
Examples:
  tern bgp announce --router cn-east-br1 --carrier telecom
  tern bgp announce --all")]
    Announce(Change),
}

/// `tern bgp show`.
#[derive(Debug, Args)]
pub struct Show {
    /// Only this carrier, or the prefixes that hold this prefix or address
    #[arg(value_name = "CARRIER|PREFIX")]
    pub only: Option<String>,
    /// A JSON array of rows
    #[arg(long)]
    pub json: bool,
    /// The world.
    #[command(flatten)]
    pub world: Where,
}

/// `tern bgp withdraw` and `tern bgp announce`: what all the given filters meet.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).multiple(true).args(["router", "carrier", "prefix", "all"])))]
pub struct Change {
    /// Only this router's announcements
    #[arg(long, value_name = "NAME")]
    pub router: Option<String>,
    /// Only announcements to this carrier
    #[arg(long, value_name = "NAME")]
    pub carrier: Option<String>,
    /// Only this prefix, as the topology writes it
    #[arg(long, value_name = "PREFIX")]
    pub prefix: Option<String>,
    /// All announcements of all routers
    #[arg(long, conflicts_with_all = ["router", "carrier", "prefix"])]
    pub all: bool,
    /// Why, for whoever reads the overrides file
    #[arg(long, value_name = "TEXT")]
    pub why: Option<String>,
    /// Until when it holds, such as 2026-11-22T12:00:00Z
    #[arg(long, value_name = "TIMESTAMP", conflicts_with = "hold")]
    pub until: Option<Timestamp>,
    /// For how long it holds, such as 2h or 30m
    #[arg(long = "for", id = "hold", value_name = "DURATION")]
    pub hold: Option<SignedDuration>,
    /// The world.
    #[command(flatten)]
    pub world: Where,
}

/// `tern geo`.
#[derive(Debug, Subcommand)]
pub enum Geo {
    /// Say where addresses are
    Lookup(Lookup),
}

/// `tern geo lookup`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tern geo lookup 202.96.209.133 211.136.112.50
  tern geo lookup 202.96.209.133 --db ip2region.txt.gz --json
  tern geo lookup 127.0.1.1 --admin 127.0.0.1:9053
  tern geo lookup 127.0.1.1 --dir ~/world")]
pub struct Lookup {
    /// The addresses
    #[arg(required = true, value_name = "ADDRESS")]
    pub addresses: Vec<IpAddr>,
    /// Sources to lay over the table that ships with Tern, in this order
    #[arg(long, value_name = "FILE")]
    pub db: Vec<PathBuf>,
    /// Ask the running world with this admin endpoint instead
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["db", "dir"])]
    pub admin: Option<SocketAddr>,
    /// Ask the map that the files of this directory make, instead
    #[arg(long, value_name = "DIR", conflicts_with = "db")]
    pub dir: Option<PathBuf>,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
}
