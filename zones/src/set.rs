//! The zones of one server, found by name.

use std::sync::Arc;

use wire::{Folded, Name, Rtype};

use crate::compiled::CompiledZone;
use crate::table::Table;

/// Two zones with one apex.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the zone {0} is there twice (mend: remove one)")]
pub struct ZoneTwice(pub Name);

/// Several zones; immutable, to be swapped whole.
#[derive(Clone, Debug)]
pub struct ZoneSet {
    zones: Vec<Arc<CompiledZone>>,
    table: Table<u32>,
    names: Vec<u8>,
    /// Octets of the longest apex.
    longest: usize,
}

impl ZoneSet {
    /// Joins zones.
    ///
    /// # Errors
    /// [`ZoneTwice`].
    pub fn new(zones: Vec<Arc<CompiledZone>>) -> Result<Self, ZoneTwice> {
        let mut set = Self { zones, table: Table::with_capacity(8), names: Vec::new(), longest: 0 };
        for (index, zone) in set.zones.iter().enumerate() {
            let apex = zone.apex().folded();
            if set.table.get(&set.names, apex.as_wire()).is_some() {
                return Err(ZoneTwice(zone.apex().clone()));
            }
            let at = set.names.len();
            set.names.extend_from_slice(apex.as_wire());
            set.table.insert(&set.names, at as u32, apex.as_wire().len(), index as u32);
            set.longest = set.longest.max(apex.as_wire().len());
        }
        Ok(set)
    }

    /// The zones, in the order they were given.
    pub fn zones(&self) -> &[Arc<CompiledZone>] {
        &self.zones
    }

    /// The zone that answers a question: the one with the longest apex that the name is at or below; for
    /// the DS of an apex the parent zone, if it is here (RFC 4035 §3.1.4.1).
    pub fn find(&self, qname: &Folded, qtype: Rtype) -> Option<&CompiledZone> {
        let own = qname.as_wire().len();
        let mut above = qname.ancestors().skip_while(|name| name.len() > self.longest).filter_map(|name| {
            Some((name.len(), self.zones.get(self.table.get(&self.names, name)? as usize)?))
        });
        let (length, zone) = above.next()?;
        if qtype == Rtype::DS && length == own {
            return above.next().map(|(_, parent)| &**parent).or(Some(zone));
        }
        Some(zone)
    }
}
