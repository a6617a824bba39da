//! Any bytes read as whatever they look like, with a database's marker at their end among them:
//! an error that names the file, or a map.
#![no_main]

use geo::{MapBuilder, Source};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match Source::read("f", bytes.to_vec()) {
        Err(error) => assert!(error.to_string().starts_with('f'), "{error}"),
        Ok(source) => drop(MapBuilder::new().layer(source).build()),
    }
});
