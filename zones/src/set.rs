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

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use std::path::Path;

    use super::*;

    fn zone(apex: &str) -> Arc<CompiledZone> {
        let text = "$TTL 1\n@ SOA ns.other. a 1 2 3 4 5\n@ NS ns.other.\n";
        // For the root and `other.` the server is in the zone, and has an address.
        let text =
            if ".other.".ends_with(apex) { format!("{text}ns.other. A 192.0.2.1\n") } else { text.into() };
        let none = |_: &Path| Err(std::io::ErrorKind::NotFound.into());
        let zone = crate::parse(text.as_bytes(), Path::new("z"), &apex.parse().unwrap(), &none).unwrap();
        Arc::new(zone.compile().unwrap_or_else(|problems| panic!("{problems:?}")).0)
    }

    #[test]
    fn the_longest_apex_answers_and_the_parent_for_ds() {
        let set = ZoneSet::new(["com.", "Shop.com.", "a.b.shop.com."].map(zone).to_vec()).unwrap();
        let apex = |qname: &str, qtype| {
            let name: Name = qname.parse().unwrap();
            set.find(&name.folded(), qtype).map(|zone| zone.apex().to_string())
        };
        let table = [
            ("shop.com.", Rtype::A, Some("Shop.com.")),
            ("www.SHOP.com.", Rtype::DS, Some("Shop.com.")),
            ("shop.com.", Rtype::DS, Some("com.")),
            ("a.b.shop.com.", Rtype::DS, Some("Shop.com.")),
            ("x.a.b.shop.com.", Rtype::A, Some("a.b.shop.com.")),
            ("b.shop.com.", Rtype::A, Some("Shop.com.")),
            ("com.", Rtype::DS, Some("com.")),
            ("workshop.com.", Rtype::A, Some("com.")),
            ("net.", Rtype::A, None),
            (".", Rtype::NS, None),
        ];
        for (qname, qtype, want) in table {
            assert_eq!(apex(qname, qtype).as_deref(), want, "{qname} {qtype}");
        }
        let root = ZoneSet::new(vec![zone(".")]).unwrap();
        assert!(root.find(&Name::root().folded(), Rtype::DS).is_some());
        assert!(ZoneSet::new(Vec::new()).unwrap().find(&Name::root().folded(), Rtype::A).is_none());
        let twice = ZoneSet::new(vec![zone("com."), zone("COM.")]).unwrap_err();
        assert_eq!(twice, ZoneTwice("com.".parse().unwrap()));
    }

    #[test]
    fn digests_tell_zones_apart() {
        assert_eq!(zone("com.").digest(), zone("com.").digest());
        assert_ne!(zone("com.").digest(), zone("net.").digest());
    }
}
