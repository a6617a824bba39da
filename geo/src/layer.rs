//! What one source says: rows of address ranges with what is said of them.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::place::Place;
use crate::segments::{Row, Segments, key_v4, keys};

/// What a row says of its addresses, and of which parts it speaks at all. A part that is spoken
/// of replaces what lies below even when it is unknown; the others leave it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Says {
    pub(crate) place: Place,
    pub(crate) carrier: bool,
    pub(crate) asn: bool,
    /// Country, province, city and point: one part, so that no city of one source lands in the
    /// province of another.
    pub(crate) location: bool,
}

impl Says {
    /// The place below, corrected by this.
    pub(crate) fn over(&self, below: &Place) -> Place {
        let said = |spoken| if spoken { &self.place } else { below };
        let location = said(self.location);
        Place {
            carrier: said(self.carrier).carrier.clone(),
            asn: said(self.asn).asn,
            country: location.country.clone(),
            province: location.province.clone(),
            city: location.city.clone(),
            point: location.point,
        }
    }

    /// This row inside a row of the same source.
    fn inside(&self, outer: &Self) -> Self {
        Self {
            place: self.over(&outer.place),
            carrier: self.carrier || outer.carrier,
            asn: self.asn || outer.asn,
            location: self.location || outer.location,
        }
    }
}

/// Distinct values by number.
#[derive(Clone, Debug)]
pub(crate) struct Interner<V> {
    values: Vec<V>,
    numbers: HashMap<V, u32>,
}

impl<V: Clone + Eq + Hash> Interner<V> {
    pub(crate) fn new() -> Self {
        Self { values: Vec::new(), numbers: HashMap::new() }
    }

    /// The number of `value`, new or old.
    pub(crate) fn number(&mut self, value: V) -> u32 {
        *self.numbers.entry(value).or_insert_with_key(|value| {
            self.values.push(value.clone());
            // Numbers are of distinct places; memory ends long before they do.
            u32::try_from(self.values.len() - 1).unwrap_or(u32::MAX)
        })
    }

    pub(crate) fn get(&self, number: u32) -> &V {
        &self.values[number as usize]
    }

    /// The values, by number.
    pub(crate) fn into_values(self) -> Vec<V> {
        self.values
    }
}

/// The rows of one source. Rows nest or lie apart.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    v4: Vec<Row<u32>>,
    v6: Vec<Row<u32>>,
    says: Interner<Says>,
}

impl Layer {
    pub(crate) fn new() -> Self {
        Self { v4: Vec::new(), v6: Vec::new(), says: Interner::new() }
    }

    /// A number for `says`, to add rows with.
    pub(crate) fn number(&mut self, says: Says) -> u32 {
        self.says.number(says)
    }

    pub(crate) fn says(&self, number: u32) -> &Says {
        self.says.get(number)
    }

    pub(crate) fn add_net(&mut self, net: IpNet, value: u32) {
        let (first, last) = keys(net);
        let rows = if net.addr().is_ipv4() { &mut self.v4 } else { &mut self.v6 };
        rows.push(Row { first, last, value });
    }

    /// Adds `first..=last`; `false`, and nothing is added, where the two differ in family or
    /// stand the wrong way round.
    pub(crate) fn add_range(&mut self, first: IpAddr, last: IpAddr, value: u32) -> bool {
        let (rows, first, last) = match (first, last) {
            (IpAddr::V4(first), IpAddr::V4(last)) => {
                (&mut self.v4, key_v4(first), key_v4(last) | (u128::MAX >> 32))
            }
            (IpAddr::V6(first), IpAddr::V6(last)) => (&mut self.v6, first.into(), last.into()),
            _ => return false,
        };
        if first <= last {
            rows.push(Row { first, last, value });
        }
        first <= last
    }

    pub(crate) fn len(&self) -> usize {
        self.v4.len() + self.v6.len()
    }

    /// What is said of every IPv4 and every IPv6 key. Inside a row, a row of the same source
    /// corrects it as a later source would.
    pub(crate) fn segments(&mut self) -> [Segments<Option<u32>>; 2] {
        let mut inside = HashMap::new();
        [std::mem::take(&mut self.v4), std::mem::take(&mut self.v6)].map(|rows| {
            let rows =
                rows.into_iter().map(|row| Row { first: row.first, last: row.last, value: Some(row.value) });
            Segments::nested(None, rows.collect(), |outer, own| {
                let (Some(outer), Some(number)) = (outer, own) else {
                    return own;
                };
                Some(*inside.entry((outer, number)).or_insert_with(|| {
                    let says = self.says.get(number).inside(self.says.get(outer));
                    self.says.number(says)
                }))
            })
        })
    }
}
