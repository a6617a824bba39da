//! Ids and the vectors they index: after loading, rows refer to each other by id, never by name.

use std::collections::HashMap;
use std::ops::{Deref, Index};
use std::sync::Arc;

/// An index into one of the topology's [`Table`]s.
pub trait Id: Copy + Eq + Ord + std::hash::Hash {
    /// How many rows a table of these can have.
    const LIMIT: usize;
    /// The id of the row at `index`, which is below `LIMIT`.
    fn from_index(index: usize) -> Self;
    /// The row's place in its table, in the order of the file.
    fn index(self) -> usize;
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident($width:ty);)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name($width);

        impl Id for $name {
            const LIMIT: usize = <$width>::MAX as usize;
            fn from_index(index: usize) -> Self {
                Self(<$width>::try_from(index).unwrap_or(<$width>::MAX))
            }
            fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

ids! {
    /// A [`Region`](super::Region).
    RegionId(u16);
    /// A [`Zone`](super::Zone).
    ZoneId(u16);
    /// A [`Vpc`](super::Vpc).
    VpcId(u32);
    /// A [`Subnet`](super::Subnet).
    SubnetId(u32);
    /// An [`Instance`](super::Instance).
    InstanceId(u32);
    /// A gateway [`Node`](super::Node).
    NodeId(u32);
    /// A [`Carrier`](super::Carrier).
    CarrierId(u16);
    /// A further [`Network`](super::Network).
    NetworkId(u32);
    /// A border [`Router`](super::Router).
    RouterId(u16);
    /// An eBGP [`Session`](super::Session).
    SessionId(u32);
    /// An announced [`Prefix`](super::Prefix).
    PrefixId(u32);
    /// An [`Slb`](super::Slb).
    SlbId(u32);
    /// A [`Service`](super::Service).
    ServiceId(u32);
}

/// Rows of one kind in the order of the file, indexed by their id and found by their name.
///
/// It is a slice, too: `topology.regions().iter()`.
#[derive(Clone, Debug)]
pub struct Table<I, T> {
    rows: Vec<T>,
    names: HashMap<Arc<str>, I>,
}

impl<I: Id, T> Table<I, T> {
    /// Appends a row; a name that is already there keeps its first row.
    pub(super) fn push(&mut self, name: Arc<str>, row: T) {
        let id = I::from_index(self.rows.len());
        self.names.entry(name).or_insert(id);
        self.rows.push(row);
    }

    /// The row of this name.
    pub fn find(&self, name: &str) -> Option<I> {
        self.names.get(name).copied()
    }

    /// Every row with its id, in the order of the file.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = (I, &T)> + ExactSizeIterator {
        self.rows.iter().enumerate().map(|(i, row)| (I::from_index(i), row))
    }

    /// Every id, in the order of the file.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = I> + ExactSizeIterator + use<I, T> {
        (0..self.rows.len()).map(I::from_index)
    }
}

impl<I, T> Default for Table<I, T> {
    fn default() -> Self {
        Self { rows: Vec::new(), names: HashMap::new() }
    }
}

impl<I, T> Deref for Table<I, T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.rows
    }
}

impl<I: Id, T> Index<I> for Table<I, T> {
    type Output = T;
    /// Panics on an id of another topology.
    fn index(&self, id: I) -> &T {
        &self.rows[id.index()]
    }
}
