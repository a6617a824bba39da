//! `tern check`, and what the services say of their files in a world.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use tern::check::Report;
use tern::world::{ROLES, World};

fn world() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    World::prepare(Some(dir.path()), None, None).unwrap();
    dir
}

/// The problems after `edit` of a file, without the directory's path.
fn problems(name: &str, edit: impl FnOnce(String) -> String) -> Vec<String> {
    let dir = world();
    let path = dir.path().join(name);
    fs::write(&path, edit(fs::read_to_string(&path).unwrap_or_default())).unwrap();
    let here = format!("{}/", dir.path().display());
    Report::of(dir.path()).lines.iter().map(|line| line.replace(&here, "")).collect()
}

#[test]
fn the_default_world_is_in_order() {
    let dir = world();
    let report = Report::of(dir.path());
    assert!(report.lines.is_empty() && report.notes.is_empty(), "{report:?}");
    // Seven configurations, four zones, topology and geo overrides.
    assert_eq!(report.checked, 13);
}

#[test]
fn an_unknown_key_in_any_table_of_any_configuration_is_refused() {
    for role in ROLES {
        let tables = role.template.lines().filter(|line| line.starts_with('[')).count();
        // The place before the first table, and after each header.
        for at in 0..=tables {
            let mut line = 0;
            let said = problems(role.file, |text| {
                let mut lines: Vec<_> = text.lines().collect();
                let headers = lines.iter().enumerate().filter(|(_, line)| line.starts_with('['));
                line = match at {
                    0 => 1,
                    at => 2 + headers.map(|(index, _)| index).nth(at - 1).unwrap(),
                };
                lines.insert(line - 1, "colour = 1");
                lines.join("\n")
            });
            let expected = format!("{}:{line}: unknown key `colour`", role.file);
            assert!(said.len() == 1 && said[0].starts_with(&expected), "{expected}: {said:?}");
        }
    }
}

#[test]
fn every_kind_of_file_is_read_and_named_with_its_line() {
    for (name, edit, problem) in [
        ("zones/com.zone", "junk\n", "zones/com.zone:"),
        ("zones/vip.yourcompany.com.zone", "junk\n", "zones/vip.yourcompany.com.zone:"),
        ("zones/root.hints", "junk\n", "zones/root.hints:"),
        ("topology.toml", "[[colour]]\n", "topology.toml:"),
        ("geo-overrides.csv", "here,telecom,CN,CN-SH,Shanghai,31,121,4134\n", "geo-overrides.csv:"),
        ("overrides.toml", "[[override]]\naction = \"withdraw\"\nrouter = \"r\"\n", "overrides.toml:"),
    ] {
        let said = problems(name, |text| text + edit);
        assert!(!said.is_empty(), "{name} is taken as it is");
        for line in said {
            assert!(line.starts_with(problem), "{name}: {line}");
        }
    }
}

#[test]
fn all_problems_are_listed_each_once() {
    let dir = world();
    for name in ["zones/com.zone", "zones/root.zone", "geo-overrides.csv"] {
        let path = dir.path().join(name);
        fs::write(&path, fs::read_to_string(&path).unwrap() + "junk\n").unwrap();
    }
    fs::remove_file(dir.path().join("local-dns-mobile.toml")).unwrap();
    let report = Report::of(dir.path());
    for name in ["zones/com.zone:", "zones/root.zone:", "geo-overrides.csv:"] {
        let found = report.lines.iter().filter(|line| line.contains(name)).count();
        assert_eq!(found, 1, "{name}: {report:?}");
    }
    assert_eq!(report.lines.len(), 3);
    assert!(report.notes.len() == 1 && report.notes[0].ends_with("is missing; `tern up` writes it"));
}

#[test]
fn a_directory_without_a_world_is_said() {
    assert_eq!(Report::of(Path::new("/nonexistent")).checked, 0);
}
