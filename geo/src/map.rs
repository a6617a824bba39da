//! `Map`: from an address to its place, laid together from sources.

use std::collections::HashMap;
use std::net::IpAddr;

use ipnet::IpNet;
use xxhash_rust::xxh3::Xxh3;

use crate::layer::Interner;
use crate::place::Place;
use crate::segments::Segments;
use crate::source::{Source, SourceError};
use crate::table::PrefixTable;

/// The table that the product ships.
const SHIPPED: &str = include_str!("../data/china.csv");

/// The number of a place in its map: an index into [`Map::places`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlaceId(u32);

impl PlaceId {
    /// The index into [`Map::places`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Where an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Located<'a> {
    /// Its place.
    pub place: &'a Place,
    /// The number of that place.
    pub id: PlaceId,
    /// The shortest prefix around the address, in its own family, that is all in that place.
    pub prefix: IpNet,
}

/// An immutable map from address to place.
#[derive(Clone, Debug)]
pub struct Map {
    table: PrefixTable<PlaceId>,
    places: Vec<Place>,
    digest: u128,
}

impl Map {
    /// The map of the table that the product ships.
    ///
    /// # Errors
    /// None, as long as the shipped table is in order, which a test holds.
    pub fn shipped() -> Result<Self, SourceError> {
        Ok(MapBuilder::shipped()?.build())
    }

    /// Where `address` is.
    pub fn locate(&self, address: IpAddr) -> Located<'_> {
        let (id, length) = self.table.get(address);
        // The table's lengths fit the family; the address alone is the honest way out of a lie.
        let prefix = IpNet::new(address, length).unwrap_or_else(|_| address.into());
        Located { place: &self.places[id.index()], id, prefix: prefix.trunc() }
    }

    /// Every prefix with its place, disjoint and in order (see [`PrefixTable::iter`]).
    pub fn leaves(&self) -> impl Iterator<Item = (IpNet, PlaceId)> {
        self.table.iter()
    }

    /// The distinct places, by [`PlaceId`].
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// A hash of the content: equal for equal maps, on any node and however they were built.
    pub fn digest(&self) -> u128 {
        self.digest
    }

    /// Octets of the look-up table, without the places.
    pub fn memory(&self) -> usize {
        self.table.memory()
    }
}

/// Lays sources over each other into a [`Map`].
#[derive(Clone, Debug)]
pub struct MapBuilder {
    /// The number in `places` of every IPv4 and every IPv6 key.
    families: [Segments<u32>; 2],
    places: Interner<Place>,
}

impl Default for MapBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl MapBuilder {
    /// Nothing is known of any address.
    pub fn new() -> Self {
        let mut places = Interner::new();
        let unknown = places.number(Place::default());
        Self { families: [Segments::uniform(unknown), Segments::uniform(unknown)], places }
    }

    /// What the table says that the product ships.
    ///
    /// # Errors
    /// None, as long as the shipped table is in order, which a test holds.
    pub fn shipped() -> Result<Self, SourceError> {
        Ok(Self::new().layer(Source::overrides("geo/data/china.csv", SHIPPED.as_bytes())?))
    }

    /// Lays `source` over what is there. What the source speaks of (carrier; ASN; country,
    /// province, city and point as one) replaces what lies below, where it has a row.
    #[must_use]
    pub fn layer(mut self, source: Source) -> Self {
        let mut layer = source.into_layer();
        let says = layer.segments();
        let mut known = HashMap::new();
        for (family, says) in self.families.iter_mut().zip(&says) {
            *family = family.overlay(says, |below, says| {
                let Some(says) = says else { return below };
                *known.entry((below, says)).or_insert_with(|| {
                    let place = layer.says(says).over(self.places.get(below));
                    self.places.number(place)
                })
            });
        }
        self
    }

    /// The map.
    pub fn build(self) -> Map {
        let mut places = Interner::new();
        let mut renumbered = HashMap::new();
        let [v4, v6] = self.families.map(|family| {
            family.overlay(&Segments::uniform(()), |old, ()| {
                let new = renumbered.entry(old);
                PlaceId(*new.or_insert_with(|| places.number(self.places.get(old).clone())))
            })
        });
        let places = places.into_values();
        Map { digest: digest(&[&v4, &v6], &places), table: PrefixTable::from_segments(&v4, &v6), places }
    }
}

/// Hash of the runs of both families, each with the hash of its place.
fn digest(families: &[&Segments<PlaceId>; 2], places: &[Place]) -> u128 {
    let places: Vec<u64> = places.iter().map(place_digest).collect();
    let mut hash = Xxh3::new();
    for family in families {
        hash.update(&(family.len() as u64).to_le_bytes());
        for (first, _, id) in family.runs() {
            hash.update(&first.to_le_bytes());
            hash.update(&places[id.index()].to_le_bytes());
        }
    }
    hash.digest128()
}

fn place_digest(place: &Place) -> u64 {
    let mut hash = Xxh3::new();
    for text in [&place.carrier, &place.country, &place.province, &place.city] {
        // 0xff is not in UTF-8: it tells unknown from empty and one field from the next.
        hash.update(text.as_ref().map_or(&[0xff], |text| text.as_bytes()));
        hash.update(&[0xff]);
    }
    hash.update(&place.asn.map_or(u64::MAX, u64::from).to_le_bytes());
    if let Some(point) = place.point {
        hash.update(&point.lat().to_le_bytes());
        hash.update(&point.lon().to_le_bytes());
    }
    hash.digest()
}

#[cfg(test)]
mod tests;
