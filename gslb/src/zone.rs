//! The zone that the services stand in: what a master file says beside them.

use std::collections::HashSet;
use std::path::Path;

use wire::{Folded, Name, Rtype};
use zones::{CompiledZone, LoadError, Problem, Severity, ZoneRecord};

/// The zone beside the services.
pub struct ServiceZone {
    /// The zone itself.
    pub zone: CompiledZone,
    /// Names that exist although the zone may have nothing at them (RFC 8020 §2): those of the services, and
    /// those between them and the apex.
    pub steered: HashSet<Folded>,
}

impl ServiceZone {
    /// Reads the zone that begins at `apex`, for `services` below it.
    ///
    /// # Errors
    /// Where the master file can't be read or is not in order, and where a record stands in the way of a
    /// service.
    pub fn read(path: &Path, apex: &Name, services: &[Name]) -> Result<Self, LoadError> {
        let zone = zones::parse_file(path, apex)?;
        let up_to_apex = |service: &Name| {
            std::iter::successors(Some(service.clone()), Name::parent).take_while(|name| name != apex)
        };
        let steered = services.iter().flat_map(up_to_apex).map(|name| name.folded()).collect();
        let clashes: Vec<_> = zone
            .records()
            .filter_map(|record| {
                let (what, mend) = clash(&record, apex, services, &steered)?;
                let (severity, file) = (Severity::Error, record.file.to_owned());
                Some(Problem { severity, file, line: record.line, what, mend: mend.to_owned() })
            })
            .collect();
        if !clashes.is_empty() {
            return Err(LoadError::Bad(clashes));
        }
        let (zone, warnings) = zone.compile().map_err(LoadError::Bad)?;
        warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
        Ok(Self { zone, steered })
    }
}

/// Why a record can't stand beside the services, and the mend.
fn clash(
    record: &ZoneRecord<'_>,
    apex: &Name,
    services: &[Name],
    steered: &HashSet<Folded>,
) -> Option<(String, &'static str)> {
    let owner = Name::from_wire(record.owner).ok()?;
    let is_steered = |name: &Name| steered.contains(&name.folded());
    match record.rtype {
        Rtype::DNAME => Some((
            format!("{owner} has a DNAME"),
            "keep names that rename others in a zone of `authoritative`",
        )),
        rtype @ (Rtype::A | Rtype::AAAA | Rtype::CNAME) if services.contains(&owner) => Some((
            format!("{owner} is a service and has a record of type {rtype}"),
            "remove the record: the service's addresses are steered",
        )),
        Rtype::CNAME | Rtype::NS if owner != *apex && is_steered(&owner) => {
            Some((format!("a service stands at or below {owner}"), "give the record another name"))
        }
        // It would answer below a service too: the zone does not know that name.
        _ if owner.is_wildcard()
            && owner.parent().is_some_and(|above| above == *apex || is_steered(&above)) =>
        {
            Some((format!("{owner} is a wildcard above a service"), "write out the names that it stands for"))
        }
        _ => None,
    }
}
