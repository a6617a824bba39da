//! Root hints: where recursion begins when nothing is known. A master file with the root's NS records
//! and their addresses.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use wire::{Name, Rtype};
use zones::Problem;

use crate::cache::NameServer;
use crate::rrset;

/// The root's servers as IANA publishes them.
pub const BUILT_IN: &str = include_str!("../root.hints");

/// Why root hints can't be used.
#[derive(Debug, thiserror::Error)]
pub enum HintsError {
    /// The file can't be read.
    #[error("{}: cannot read the root hints: {source} (mend: correct `root-hints`, or leave it empty for the built-in ones)", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is no master file.
    #[error("{}", .0.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n"))]
    Bad(Vec<Problem>),
    /// No server of the root has an address.
    #[error("{}: no server of the root has an address (mend: add `. NS` records, and A or AAAA records for their names)", file.display())]
    Empty {
        /// The file.
        file: PathBuf,
    },
}

/// Reads a file of root hints.
///
/// # Errors
/// [`HintsError`]
pub fn load(file: &Path) -> Result<Vec<NameServer>, HintsError> {
    let text = std::fs::read_to_string(file)
        .map_err(|source| HintsError::Unreadable { file: file.into(), source })?;
    parse(&text, file)
}

/// Reads the text of root hints, which errors call `file`.
///
/// # Errors
/// [`HintsError`]
pub fn parse(text: &str, file: &Path) -> Result<Vec<NameServer>, HintsError> {
    let root = Name::root();
    let zone = zones::parse(text.as_bytes(), file, &root, &|path| std::fs::read(path));
    let zone = zone.map_err(HintsError::Bad)?;
    let mut servers: Vec<NameServer> = Vec::new();
    for record in zone.records().filter(|record| record.rtype == Rtype::NS && record.owner == root.as_wire())
    {
        let Ok(name) = Name::from_wire(record.rdata) else { continue };
        let of = |owner: &[u8]| owner.eq_ignore_ascii_case(name.as_wire());
        let addresses: Vec<IpAddr> = zone
            .records()
            .filter(|record| of(record.owner))
            .filter_map(|record| rrset::address(record.rtype, record.rdata))
            .collect();
        if !addresses.is_empty() {
            servers.push(NameServer { name, addresses });
        }
    }
    match servers.is_empty() {
        true => Err(HintsError::Empty { file: file.into() }),
        false => Ok(servers),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_hints_have_thirteen_servers_of_two_addresses() {
        let servers = parse(BUILT_IN, Path::new("built-in")).unwrap();
        assert_eq!(servers.len(), 13);
        assert!(servers.iter().all(|server| server.addresses.len() == 2));
        assert_eq!(servers[0].name.to_string(), "a.root-servers.net.");
        assert_eq!(servers[12].addresses[0], "202.12.27.33".parse::<IpAddr>().unwrap());
    }

    #[test]
    fn the_default_worlds_hints_are_read() {
        let servers = parse(zones::default::ROOT_HINTS, Path::new("root.hints")).unwrap();
        assert_eq!(servers.iter().flat_map(|server| &server.addresses).count(), 1);
    }

    #[test]
    fn bad_hints_say_where_and_how() {
        let error = parse(". 1 NS ns.\nns. 1 A 300.0.0.1\n", Path::new("h")).unwrap_err().to_string();
        assert!(error.starts_with("h:2: ") && error.contains("mend"), "{error}");
        let error = parse(". 1 NS ns.\nother. 1 A 192.0.2.1\n", Path::new("h")).unwrap_err().to_string();
        assert!(error.starts_with("h: no server of the root has an address (mend"), "{error}");
        let error = load(Path::new("/nowhere/h")).unwrap_err().to_string();
        assert!(error.contains("/nowhere/h") && error.contains("mend"), "{error}");
    }
}
