//! Where names stand in RDATA: what a reader must decompress and a writer may compress.

use crate::name::{self, MAX_NAME, NameError};
use crate::types::Rtype;

/// A piece of RDATA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// So many octets.
    Octets(usize),
    /// A character string: a length octet and as many more (RFC 1035 §3.3).
    Text,
    /// A domain name.
    Name,
}

/// The pieces up to the last name; what follows them is opaque.
pub(crate) fn parts(rtype: Rtype) -> &'static [Part] {
    use Part::{Name, Octets, Text};
    match rtype {
        Rtype::NS
        | Rtype::CNAME
        | Rtype::PTR
        | Rtype::DNAME
        | Rtype::MD
        | Rtype::MF
        | Rtype::MB
        | Rtype::MG
        | Rtype::MR
        | Rtype::NXT => &[Name],
        Rtype::SOA | Rtype::MINFO | Rtype::RP => &[Name, Name],
        Rtype::MX | Rtype::AFSDB | Rtype::RT | Rtype::KX => &[Octets(2), Name],
        Rtype::PX => &[Octets(2), Name, Name],
        Rtype::SRV => &[Octets(6), Name],
        Rtype::NAPTR => &[Octets(4), Text, Text, Text, Name],
        Rtype::SIG => &[Octets(18), Name],
        _ => &[],
    }
}

/// Whether a writer may compress the names of this type: only those of RFC 1035 (RFC 3597 §4).
pub(crate) fn compressible(rtype: Rtype) -> bool {
    matches!(
        rtype,
        Rtype::NS
            | Rtype::CNAME
            | Rtype::PTR
            | Rtype::SOA
            | Rtype::MX
            | Rtype::MD
            | Rtype::MF
            | Rtype::MB
            | Rtype::MG
            | Rtype::MR
            | Rtype::MINFO
    )
}

/// Appends the RDATA at `start..end` of a message, its names decompressed.
///
/// # Errors
/// [`NameError`] where a name is bad or a piece overruns the RDATA.
pub(crate) fn expand(
    message: &[u8],
    rtype: Rtype,
    start: usize,
    end: usize,
    out: &mut Vec<u8>,
) -> Result<(), NameError> {
    let mut at = start;
    for part in parts(rtype) {
        let next = match *part {
            Part::Octets(count) => at + count,
            Part::Text => at + 1 + usize::from(*message.get(at).ok_or(NameError::Truncated)?),
            Part::Name => {
                let mut buffer = [0; MAX_NAME];
                let (length, next) = name::expand(message, at, &mut buffer)?;
                out.extend_from_slice(&buffer[..length]);
                next
            }
        };
        if next > end {
            return Err(NameError::Truncated);
        }
        if *part != Part::Name {
            out.extend_from_slice(message.get(at..next).ok_or(NameError::Truncated)?);
        }
        at = next;
    }
    out.extend_from_slice(message.get(at..end).ok_or(NameError::Truncated)?);
    Ok(())
}
