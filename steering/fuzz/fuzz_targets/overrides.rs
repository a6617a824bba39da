//! Any text is overrides or one complaint with its line; what is read survives being written.

#![no_main]

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use routing::{DEFAULT_TOPOLOGY, Topology};
use steering::{Overrides, OverridesError};

fuzz_target!(|text: &str| {
    let overrides = match Overrides::parse(text, "fuzz") {
        Ok(overrides) => overrides,
        Err(OverridesError::Bad { line, .. }) => {
            assert!((1..=1 + text.matches('\n').count()).contains(&line));
            return;
        }
        Err(error) => panic!("{error}"),
    };
    let now = Timestamp::UNIX_EPOCH;
    let written = overrides.to_toml();
    let again = Overrides::parse(&written, "again").expect("what is written can be read");
    assert!(again.iter().eq(overrides.iter()));
    thread_local!(static TOPOLOGY: Topology = Topology::parse(DEFAULT_TOPOLOGY, "default").expect("sound"));
    TOPOLOGY.with(|topology| {
        let _ = overrides.events(topology, now);
        let _ = overrides.states(topology, now);
    });
    let mut grown = Overrides::default();
    overrides.iter().for_each(|rule| grown.add(rule.clone(), now));
    assert!(grown.iter().count() <= overrides.iter().count());
});
