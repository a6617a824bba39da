//! Every rule of a topology file: break it in a small world and read the exact complaint.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use routing::Topology;

const SMALL: &str = include_str!("small.toml");
const RULES: &str = include_str!("topology_rules.txt");

#[test]
fn the_small_world_keeps_every_rule() {
    assert_eq!(complaints(SMALL), "");
}

#[test]
fn every_broken_rule_has_its_complaint() {
    let cases = RULES.split("\n\n").skip(1);
    assert!(cases.clone().count() > 90);
    for case in cases {
        let lines = |sign| case.lines().filter_map(move |line: &str| line.strip_prefix(sign));
        let (good, bad) =
            (lines("- ").collect::<Vec<_>>().join("\n"), lines("+ ").collect::<Vec<_>>().join("\n"));
        let expected: Vec<_> = case.lines().filter(|line| !line.starts_with(['-', '+'])).collect();
        assert!(!expected.is_empty(), "no complaint expected: {case}");
        assert_eq!(SMALL.matches(&good).count(), 1, "must stand once in small.toml: {good}");
        assert_eq!(complaints(&SMALL.replace(&good, &bad)), expected.join("\n"), "{case}");
    }
}

/// Without the file's name at the beginning of each line.
fn complaints(text: &str) -> String {
    match Topology::parse(text, "t.toml") {
        Ok(_) => String::new(),
        Err(problems) => problems.to_string().replace("t.toml:", ""),
    }
}
