//! Where an address is: who carries it, and at what place on the globe.
//!
//! Sources of all kinds are laid over each other into a [`Map`]; [`Map::locate`] answers from
//! it in nanoseconds, with the exact prefix that the answer holds for. Modules in reading order:
//!
//! - [`place`]: a [`Place`] and its [`Point`];
//! - [`embedded`]: IPv4 inside IPv6;
//! - `segments`: the address space as runs of equal value, merged and overlaid;
//! - `trie`, [`table`]: [`PrefixTable`], longest-prefix match, which steering uses too;
//! - `names`: names of carriers, countries, provinces and cities to codes and coordinates;
//! - [`source`]: reading ip2region text, MMDB and override lists (the only I/O);
//! - `layer`, [`map`]: what a source says, and [`Map`], all sources in one.
//!
//! ```
//! # fn main() -> Result<(), geo::SourceError> {
//! let list = "cidr,carrier,province\n192.0.2.0/24,电信,上海";
//! let own = geo::Source::overrides("mine.csv", list.as_bytes())?;
//! let map = geo::MapBuilder::shipped()?.layer(own).build();
//! let located = map.locate([192, 0, 2, 1].into());
//! assert_eq!(located.prefix.to_string(), "192.0.2.0/24");
//! assert_eq!(located.place.carrier.as_deref(), Some("telecom"));
//! assert_eq!(located.place.province.as_deref(), Some("CN-SH"));
//! # Ok(())
//! # }
//! ```

pub mod embedded;
mod layer;
pub mod map;
mod names;
pub mod place;
mod segments;
pub mod source;
pub mod table;
mod trie;

pub use embedded::embedded_v4;
pub use map::{Located, Map, MapBuilder, PlaceId};
pub use place::{Place, Point};
pub use source::{Source, SourceError};
pub use table::PrefixTable;

/// The override list of the default world: its loopback resolvers and where they stand.
pub const DEFAULT_OVERRIDES: &str = include_str!("../default/overrides.csv");
