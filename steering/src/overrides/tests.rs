#![allow(clippy::unwrap_used)]

use routing::Event;
use routing::topology::{DEFAULT_TOPOLOGY, Topology};

use super::*;
use crate::policy::OperatorState;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn topology() -> Topology {
    Topology::parse(DEFAULT_TOPOLOGY, "topology.toml").unwrap()
}

fn complaint(text: &str) -> String {
    let read = Overrides::parse(text, "o.toml").and_then(|overrides| {
        overrides.events(&topology(), NOW)?;
        overrides.states(&topology(), NOW)
    });
    read.unwrap_err().to_string()
}

fn rule(action: Action, router: &str, carrier: Option<&str>) -> Override {
    Override { router: Some(router.into()), carrier: carrier.map(Into::into), ..Override::new(action) }
}

#[test]
fn mistakes_are_named_with_their_line() {
    for (text, wanted) in [
        ("[[override]]\naction = \"explode\"\n", "o.toml:2: unknown variant `explode`"),
        ("\n[[override]]\naction = \"drain\"\n", "o.toml:2: this action needs slb (mend: add slb = …)"),
        (
            "[[override]]\naction = \"drain\"\nslb = \"x\"\nrouter = \"y\"\n",
            "o.toml:1: this action takes no router",
        ),
        ("[[override]]\naction = \"drain\"\nslb = \"nowhere-*\"\n", "o.toml:1: no SLB matches \"nowhere-*\""),
        (
            "[[override]]\naction = \"withdraw\"\nrouter = \"br9\"\n",
            "o.toml:1: router \"br9\" does not exist (mend: see the topology's routers)",
        ),
        (
            "[[override]]\naction = \"withdraw\"\nprefix = \"10.0.0.0/8\"\n",
            "o.toml:1: prefix \"10.0.0.0/8\" does not exist (mend: see the topology's prefixes)",
        ),
        (
            "[[override]]\naction = \"link-down\"\nlink = [4134, 1]\n",
            "o.toml:1: AS 4134 and AS 1 have no link",
        ),
        ("[[override]]\naction = \"withdraw\"\ncolour = 1\n", "o.toml:3: unknown field `colour`"),
        ("[[override]]\naction = \"withdraw\"\nuntil = \"noon\"\n", "o.toml:3: "),
        ("[[overide]]\n", "o.toml:1: unknown field `overide`"),
        ("[[override]\n", "o.toml:1: "),
    ] {
        let said = complaint(text);
        assert!(said.starts_with(wanted), "{said:?} should begin with {wanted:?}");
        assert!(said.contains("(mend: "), "{said}");
    }
}

#[test]
fn the_last_one_wins_and_an_expired_one_counts_no_more() {
    let text = "[[override]]\naction = \"drain\"\nslb = \"cn-east-*\"\n\
                [[override]]\naction = \"normal\"\nslb = \"cn-east-slb1\"\n\
                [[override]]\naction = \"down\"\nslb = \"cn-north-slb1\"\nuntil = \"1970-01-01T00:00:10Z\"\n";
    let overrides = Overrides::parse(text, "o.toml").unwrap();
    let topology = topology();
    let operator = |name: &str, second| {
        let states = overrides.states(&topology, Timestamp::from_second(second).unwrap()).unwrap();
        states[topology.slbs().find(name).unwrap().index()].operator
    };
    use routing::topology::Id;
    assert_eq!(operator("cn-east-slb1", 0), OperatorState::InService);
    assert_eq!(operator("cn-east-slb2", 0), OperatorState::Draining);
    assert_eq!(operator("cn-north-slb1", 9), OperatorState::Down);
    assert_eq!(operator("cn-north-slb1", 10), OperatorState::InService);
    assert_eq!(overrides.next_expiry(NOW), Timestamp::from_second(10).ok());
}

#[test]
fn what_undoes_all_leaves_an_empty_file() {
    let mut overrides = Overrides::default();
    overrides.add(rule(Action::Withdraw, "cn-east-br1", Some("telecom")), NOW);
    overrides.add(rule(Action::Withdraw, "cn-east-br1", Some("telecom")), NOW);
    assert_eq!(overrides.iter().count(), 1, "said twice counts once");
    overrides.add(rule(Action::Announce, "cn-east-br1", Some("telecom")), NOW);
    assert_eq!(overrides.iter().count(), 0);
    // What is of another kind is nothing to undo.
    overrides.add(Override { slb: Some("*".into()), ..Override::new(Action::Drain) }, NOW);
    overrides.add(Override::new(Action::Announce), NOW);
    assert_eq!(overrides.iter().map(|rule| rule.action).collect::<Vec<_>>(), [Action::Drain]);
}

#[test]
fn a_prefix_may_be_written_in_any_form() {
    let text = "[[override]]\naction = \"withdraw\"\nprefix = \"2001:2:0:0::/64\"\n";
    let overrides = Overrides::parse(text, "o.toml").unwrap();
    let prefix = topology().prefixes().find("2001:2::/64");
    assert!(prefix.is_some());
    let events = overrides.events(&topology(), NOW).unwrap();
    assert_eq!(events, [Event::Withdraw { router: None, carrier: None, prefix }]);
}

#[test]
fn a_lock_keeps_out_and_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("overrides.toml");
    let lock = Overrides::lock(&path).unwrap();
    let other = std::fs::File::open(directory.path()).unwrap();
    assert!(other.try_lock().is_err());
    drop(lock);
    assert!(other.try_lock().is_ok());
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn a_link_is_the_same_from_both_ends() {
    let link = |action, ends| Override { link: Some(ends), ..Override::new(action) };
    let mut overrides = Overrides::default();
    overrides.add(link(Action::LinkDown, [4134, 4837]), NOW);
    overrides.add(link(Action::LinkDown, [65001, 4134]), NOW);
    overrides.add(link(Action::LinkUp, [4837, 4134]), NOW);
    let events = overrides.events(&topology(), NOW).unwrap();
    assert_eq!(events, [Event::LinkDown(65001, 4134), Event::LinkUp(4837, 4134)]);
}

#[test]
fn a_pattern_of_many_stars_takes_no_time() {
    let text = format!("[[override]]\naction = \"drain\"\nslb = \"{}x\"\n", "*-".repeat(10_000));
    assert!(complaint(&text).starts_with("o.toml:1: no SLB matches"));
    let many = Overrides::parse(
        &format!("[[override]]\naction = \"drain\"\nslb = \"{}\"\n", "*".repeat(64)),
        "o.toml",
    );
    let states = many.unwrap().states(&topology(), NOW).unwrap();
    assert!(states.iter().all(|state| state.operator == OperatorState::Draining));
}

#[test]
fn an_exception_to_a_wider_override_is_kept() {
    let mut overrides = Overrides::default();
    overrides.add(rule(Action::Withdraw, "cn-east-br1", None), NOW);
    overrides.add(rule(Action::Announce, "cn-east-br1", Some("telecom")), NOW);
    let events = overrides.events(&topology(), NOW).unwrap();
    assert!(matches!(events[..], [Event::Withdraw { .. }, Event::Announce { carrier: Some(_), .. }]));
    overrides.add(rule(Action::Announce, "cn-east-br1", None), NOW);
    assert_eq!(overrides.iter().count(), 0, "the wider one undoes both");
}

#[test]
fn what_is_saved_is_what_is_loaded() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("overrides.toml");
    assert_eq!(Overrides::load(&path).unwrap().iter().count(), 0, "no file says nothing");
    let mut overrides = Overrides::default();
    overrides.add(
        Override {
            by: Some("alice".into()),
            at: Some(NOW),
            why: Some("a \"quoted\" reason\nover two lines".into()),
            until: Timestamp::from_second(3600).ok(),
            ..rule(Action::Withdraw, "cn-east-br1", Some("telecom"))
        },
        NOW,
    );
    overrides.add(Override { link: Some([4134, 4837]), ..Override::new(Action::LinkDown) }, NOW);
    overrides.save(&path).unwrap();
    let loaded = Overrides::load(&path).unwrap();
    assert!(loaded.iter().eq(overrides.iter()), "{loaded:?}");
}
