//! A zone as its master file has it: records in order, each with the place it was read from.

use std::fmt;
use std::path::{Path, PathBuf};

use wire::{Name, Rtype};

use crate::rdata;

/// A zone, parsed and not yet checked; all of class IN. Displays as a master file that parses to the
/// same records.
#[derive(Clone, Debug)]
pub struct Zone {
    pub(crate) apex: Name,
    pub(crate) files: Vec<PathBuf>,
    pub(crate) entries: Vec<Entry>,
    /// Owners and RDATA in wire form, one behind the other; records in a row share their owner.
    pub(crate) octets: Vec<u8>,
}

/// One record, by offsets: a zone may have millions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) owner_at: u32,
    pub(crate) rdata_at: u32,
    pub(crate) ttl: u32,
    pub(crate) line: u32,
    pub(crate) rdata_len: u16,
    pub(crate) rtype: Rtype,
    pub(crate) file: u16,
    pub(crate) owner_len: u8,
}

/// One record of a [`Zone`].
#[derive(Clone, Copy, Debug)]
pub struct ZoneRecord<'z> {
    /// Its owner in wire form, case kept.
    pub owner: &'z [u8],
    /// Its type.
    pub rtype: Rtype,
    /// Its TTL in seconds.
    pub ttl: u32,
    /// Its data in wire form, names uncompressed.
    pub rdata: &'z [u8],
    /// The file it was read from.
    pub file: &'z Path,
    /// The line there, from 1.
    pub line: u32,
}

impl Zone {
    /// The name that the zone hangs from.
    pub fn apex(&self) -> &Name {
        &self.apex
    }

    /// How many records.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it has no record.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The records in the order they were read.
    pub fn records(&self) -> impl Iterator<Item = ZoneRecord<'_>> {
        self.entries.iter().map(|entry| self.record(entry))
    }

    /// The files that it was read from: the master file, then what it includes.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    pub(crate) fn record(&self, entry: &Entry) -> ZoneRecord<'_> {
        let slice = |at: u32, len: usize| self.octets.get(at as usize..at as usize + len).unwrap_or_default();
        ZoneRecord {
            owner: slice(entry.owner_at, usize::from(entry.owner_len)),
            rtype: entry.rtype,
            ttl: entry.ttl,
            rdata: slice(entry.rdata_at, usize::from(entry.rdata_len)),
            file: self.files.get(usize::from(entry.file)).map_or(Path::new(""), PathBuf::as_path),
            line: entry.line,
        }
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.records().try_for_each(|record| writeln!(f, "{record}"))
    }
}

impl fmt::Display for ZoneRecord<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let owner = Name::from_wire(self.owner).map_err(|_| fmt::Error)?;
        write!(f, "{owner} {} IN {} ", self.ttl, self.rtype)?;
        rdata::present(self.rtype, self.rdata, f)
    }
}
