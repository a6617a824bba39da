//! Any bytes read as an override list: an error with its line, or a map that agrees with itself.
#![no_main]

use geo::{MapBuilder, Source};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    match Source::overrides("f", text) {
        Err(error) => assert!(error.to_string().starts_with("f:"), "{error}"),
        Ok(source) => {
            let map = MapBuilder::new().layer(source).build();
            for (net, id) in map.leaves() {
                let located = map.locate(net.addr());
                assert_eq!((located.prefix, located.id), (net, id));
            }
        }
    }
});
