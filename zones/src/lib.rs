//! Zones: from a master file (RFC 1035 §5) to answers that stand ready in wire form. Shared by every
//! service that holds a zone.
//!
//! ```
//! use std::path::Path;
//! use wire::{Name, Rcode, Rtype};
//!
//! let text = "
//!     $TTL 1h
//!     @    SOA ns1 admin 1 1h 15m 1w 5m
//!     @    NS  ns1
//!     ns1  A   192.0.2.1
//! ";
//! # let text = &text.replace("\n    ", "\n");
//! let apex: Name = "example.".parse()?;
//! let no_includes = |_: &Path| Err(std::io::ErrorKind::Unsupported.into());
//! let zone = zones::parse(text.as_bytes(), Path::new("example.zone"), &apex, &no_includes);
//! let (compiled, warnings) = zone.and_then(|zone| zone.compile()).map_err(zones::LoadError::Bad)?;
//! assert!(warnings.is_empty());
//! let name: Name = "nowhere.example.".parse()?;
//! assert_eq!(compiled.find(&name.folded(), Rtype::A).rcode(), Rcode::NXDOMAIN);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! In reading order:
//!
//! - [`parse`](fn@parse), [`parse_file`]: master files, over `scan` (entries and tokens) and `rdata`;
//! - [`Zone`], [`ZoneRecord`]: what a master file holds;
//! - [`Problem`], [`LoadError`]: what is wrong with it, where, and how to mend it;
//! - `tree`: names, empty non-terminals, cuts; [`Zone::check`] and [`Zone::compile`] work on it;
//! - [`CompiledZone`], [`Found`]: answers by name and type; `compose` writes those below a DNAME;
//! - [`ZoneSet`]: the zones of one server;
//! - [`default`]: the default world's zones.

mod chain;
mod check;
mod compile;
mod compiled;
mod compose;
pub mod default;
mod parse;
mod problem;
mod rdata;
mod scan;
mod set;
mod table;
mod tree;
mod zone;

use std::path::Path;

pub use compiled::{CompiledZone, Found};
pub use parse::{ReadFile, parse, parse_file};
pub use problem::{LoadError, Problem, Severity};
pub use set::{ZoneSet, ZoneTwice};
pub use zone::{Zone, ZoneRecord};

/// Reads, checks and compiles the zone `apex` from a master file; returns the warnings too.
///
/// # Errors
/// [`LoadError`]; it names file and line, and says what to do.
pub fn load(file: &Path, apex: &wire::Name) -> Result<(CompiledZone, Vec<Problem>), LoadError> {
    parse_file(file, apex)?.compile().map_err(LoadError::Bad)
}
