//! Any octets as a master file: an error or a zone; a zone is written out and read again the same, and
//! answers whatever is asked, if it is good enough to compile.
#![no_main]

use std::io::ErrorKind;
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use wire::{Name, Rtype};

fuzz_target!(|text: &[u8]| {
    let apex = Name::root();
    let read = |text: &[u8]| zones::parse(text, Path::new("fuzz"), &apex, &|_| Err(ErrorKind::NotFound.into()));
    let Ok(zone) = read(text) else { return };
    let written = zone.to_string();
    let again = read(written.as_bytes()).map_err(zones::LoadError::Bad);
    assert_eq!(again.map(|zone| zone.to_string()).ok(), Some(written));
    let Ok((compiled, _)) = zone.compile() else { return };
    for record in zone.records() {
        let Ok(owner) = Name::from_wire(record.owner) else { continue };
        let below = owner.child(b"x").unwrap_or_else(|_| owner.clone());
        for (name, rtype) in [(&owner, record.rtype), (&owner, Rtype::ANY), (&below, record.rtype)] {
            if compiled.find(&name.folded(), rtype).template().is_none() {
                let _ = compiled.compose(name, rtype);
            }
        }
    }
});
