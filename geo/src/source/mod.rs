//! What operators have: files that say where addresses are. All of this crate's I/O is here.
//!
//! [`Source::open`] tells the kind of a file by its content, gzipped or not; a reader per kind
//! turns it into rows:
//!
//! - `ip2region`: the source text of ip2region,
//! - `mmdb`: City, ASN and ISP databases in MaxMind's format,
//! - `overrides`: the operator's own list, CSV.

mod ip2region;
mod mmdb;
mod overrides;

use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::layer::Layer;

/// A source that cannot be used. The text names the file, the line or offset, and the mend.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The file cannot be read.
    #[error("{file}: {error}; give the path of a readable file")]
    Read {
        /// The path.
        file: String,
        /// Why not.
        error: io::Error,
    },
    /// The file is of no known kind.
    #[error(
        "{file}: neither ip2region text, nor an MMDB, nor an override list; \
         an override list begins with the row `{header}`",
        header = overrides::HEADER
    )]
    Kind {
        /// The path.
        file: String,
    },
    /// A line of a text is wrong.
    #[error("{file}:{line}: {problem}; {mend}")]
    Line {
        /// The path.
        file: String,
        /// From 1.
        line: u64,
        /// What is wrong.
        problem: String,
        /// What to do.
        mend: String,
    },
    /// A database is broken, or of a type without places.
    #[error("{file}: {problem}; {mend}")]
    Database {
        /// The path.
        file: String,
        /// What is wrong, and the offset in the file where it is known.
        problem: String,
        /// What to do.
        mend: String,
    },
}

/// What a file was found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The text that ip2region databases are made of.
    Ip2region,
    /// A database in MaxMind's format.
    Mmdb,
    /// An override list.
    Overrides,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ip2region => "ip2region text",
            Self::Mmdb => "MMDB",
            Self::Overrides => "override list",
        })
    }
}

/// A source that was read, checked and normalised: a layer for
/// [`MapBuilder`](crate::MapBuilder).
#[derive(Clone, Debug)]
pub struct Source {
    kind: Kind,
    layer: Layer,
}

impl Source {
    /// Reads the file at `path`, gzipped or not, of whatever kind it is.
    ///
    /// # Errors
    /// A file that cannot be read, is of no known kind, or is not in order.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, SourceError> {
        let path = path.as_ref();
        let file = path.display().to_string();
        let read = fs::read(path).and_then(unpacked);
        let bytes = read.map_err(|error| SourceError::Read { file: file.clone(), error })?;
        Self::read(&file, bytes)
    }

    /// Reads `bytes`, not gzipped, of whatever kind they are; `file` is for errors.
    ///
    /// # Errors
    /// Bytes of no known kind, or not in order.
    pub fn read(file: &str, bytes: Vec<u8>) -> Result<Self, SourceError> {
        if mmdb::is_mmdb(&bytes) {
            return Ok(Self { kind: Kind::Mmdb, layer: mmdb::read(file, bytes)? });
        }
        let said = |line: &&[u8]| !line.trim_ascii().is_empty() && !line.starts_with(b"#");
        let first = bytes.split(|&byte| byte == b'\n').find(said).unwrap_or_default();
        if first.contains(&b'|') {
            Self::ip2region(file, &bytes)
        } else if overrides::is_header(first) {
            Self::overrides(file, &bytes)
        } else {
            Err(SourceError::Kind { file: file.to_owned() })
        }
    }

    /// Reads an override list, CSV with a header: `cidr,carrier,country,province,city,lat,lon,asn`
    /// (`cidr` must be there, the others may be missing). A blank says nothing and leaves what
    /// lies below; of nested prefixes the longer counts, of equal ones the last. `#` begins a
    /// comment line.
    ///
    /// # Errors
    /// The first line that is not in order.
    pub fn overrides(file: &str, text: &[u8]) -> Result<Self, SourceError> {
        Ok(Self { kind: Kind::Overrides, layer: overrides::read(file, text)? })
    }

    /// Reads ip2region source text: lines of `start|end|country|region|province|city|isp`, `0`
    /// for unknown. Lines may stand in any order but must not overlap.
    ///
    /// # Errors
    /// The first line that is not in order.
    pub fn ip2region(file: &str, text: &[u8]) -> Result<Self, SourceError> {
        Ok(Self { kind: Kind::Ip2region, layer: ip2region::read(file, text)? })
    }

    /// What the file was found to be.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// How many rows it has.
    pub fn rows(&self) -> usize {
        self.layer.len()
    }

    pub(crate) fn into_layer(self) -> Layer {
        self.layer
    }
}

/// The content, unpacked if it begins as gzip does (RFC 1952 section 2.3.1).
fn unpacked(bytes: Vec<u8>) -> io::Result<Vec<u8>> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes);
    }
    let mut content = Vec::new();
    MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut content)?;
    Ok(content)
}

#[cfg(test)]
mod tests;
