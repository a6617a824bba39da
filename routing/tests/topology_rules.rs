//! Every rule of a topology file: break it in a small world and read the exact complaint.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;
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

#[test]
fn a_table_that_outgrows_its_ids_is_refused() {
    let rows: String = (0..=65535).map(|i| format!("{{ name = \"r{i}\", region = \"east\" }},\n")).collect();
    let text = SMALL.replace("routers = [\n", &format!("routers = [\n{rows}"));
    let last = 65535 + 2 + SMALL.lines().position(|line| line == "routers = [").unwrap();
    assert!(
        complaints(&text).starts_with(&format!(
            "{last}: router r65535: more than 65535 routers (mend: split the topology)"
        ))
    );
}

proptest! {
    /// However a file is mutilated, it is read or complained about, at lines that it has.
    #[test]
    fn no_text_is_too_broken(from in any::<prop::sample::Index>(), to in any::<prop::sample::Index>(), cut in 1usize..80) {
        let (from, to) = (from.index(SMALL.len()), to.index(SMALL.len()));
        let piece = &SMALL[from..(from + cut).min(SMALL.len())];
        let text = [&SMALL[..to], piece, &SMALL[(to + cut).min(SMALL.len())..]].concat();
        if let Err(problems) = Topology::parse(&text, "t.toml") {
            prop_assert!(!problems.0.is_empty());
            for problem in &problems.0 {
                prop_assert!((1..=text.lines().count() + 1).contains(&problem.line), "{}", problem);
            }
        }
    }
}

/// Without the file's name at the beginning of each line.
fn complaints(text: &str) -> String {
    match Topology::parse(text, "t.toml") {
        Ok(_) => String::new(),
        Err(problems) => problems.to_string().replace("t.toml:", ""),
    }
}
