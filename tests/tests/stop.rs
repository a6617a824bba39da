//! Beginning and end: `ready`, the table, one copy at a time, and exit 0 when told to stop.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::time::{Duration, Instant};

use tests::need;
use tests::process::{Process, eventually, run};
use tests::world::{Net, Role, World};

/// No stop takes longer.
const STOP: Duration = Duration::from_secs(5);

#[test]
fn a_signal_ends_it_in_time_with_exit_code_0() {
    for signal in ["TERM", "INT"] {
        let world = World::start();
        assert!(world.answers(Role::Gslb));
        let ended = world.stop(signal, STOP);
        assert_eq!(ended.code, Some(0), "SIG{signal}: {}", ended.stderr);
    }
}

#[test]
fn a_temporary_world_leaves_nothing_behind() {
    let directory = tempfile::TempDir::new().unwrap();
    let net = Net::claim();
    let mut process = Process::start(net.up().env("TMPDIR", directory.path()));
    process.wait_for(|line| line == "ready", Duration::from_secs(60)).unwrap();
    assert_eq!(directory.path().read_dir().unwrap().count(), 1);
    let last = process.wait_for(|line| line.starts_with("Ctrl-C"), STOP);
    last.expect("it says how to end it");
    process.signal("INT");
    assert_eq!(process.wait(STOP).code, Some(0));
    assert_eq!(directory.path().read_dir().unwrap().count(), 0);
}

#[test]
fn a_second_copy_ends_with_exit_code_2_and_the_first_serves_on() {
    let world = World::start();
    let ended = run(&mut world.net().up());
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("in use") && ended.stderr.contains("mend"), "{}", ended.stderr);
    assert!(ended.stderr.contains(&world.moved("127.0.")), "{}", ended.stderr);
    assert_eq!(ended.stdout, "");
    for role in Role::ALL {
        assert!(world.answers(role), "{role:?}");
    }
}

#[test]
fn ready_comes_with_the_table_and_what_to_try() {
    let mut world = World::start();
    let text = world.greeting();
    for role in Role::ALL {
        assert!(text.contains(&world.address(role).to_string()), "{role:?} in\n{text}");
    }
    assert!(text.contains(&world.admin().to_string()), "{text}");
    for command in ["dig @", "tern explain ", "tern bgp withdraw "] {
        assert!(text.contains(command), "{command} in\n{text}");
    }
}

#[test]
fn it_is_ready_soon() {
    // Optimised, 0.2 s; a debug build is given more. The best of some starts: the machine may be busy.
    let release = std::env::var("TERN_PROFILE").is_ok_and(|profile| profile == "release");
    let limit = Duration::from_millis(if release { 200 } else { 1000 });
    let start = || {
        let net = Net::claim();
        let began = Instant::now();
        let mut process = Process::start(&mut net.up());
        process.wait_for(|line| line == "ready", Duration::from_secs(60)).unwrap();
        began.elapsed()
    };
    let times: Vec<_> = std::iter::repeat_with(start).take(5).collect();
    assert!(times.iter().any(|time| *time <= limit), "{times:?}");
}

#[test]
fn a_hangup_reloads_and_loses_no_query() {
    if !need::tool("curl") {
        return;
    }
    let world = World::start();
    let before = world.metrics();
    world.process().signal("HUP");
    eventually("every service has read its files again", Duration::from_secs(60), || {
        for role in Role::ALL {
            assert!(world.answers(role), "{role:?}");
        }
        (world.process().stderr().matches("reloaded").count() >= Role::ALL.len()).then_some(())
    });
    let after = world.metrics();
    let count = |metrics: &tests::metrics::Metrics, name| metrics.sum(name, &["service=\"gslb\""]);
    assert!(count(&after, "tern_queries_total") >= count(&before, "tern_queries_total") + 1.0);
    assert_eq!(count(&after, "tern_dropped_total"), count(&before, "tern_dropped_total"));
}
