//! `tern explain`: the answer that is served, and why not another one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tests::world::{Role, World};
use tests::{binary, need, process};

const SERVICE: &str = "www.vip.yourcompany.com";

fn texts(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_is_explained_is_what_is_served() {
    if !need::tool("dig") {
        return;
    }
    let world = World::start();
    for address in
        ["202.96.209.133", "202.106.0.20", "211.136.112.50", "166.111.8.28", "8.8.8.8", "192.0.2.1"]
    {
        for (rtype, family) in [("A", "4"), ("AAAA", "6")] {
            let explained = world.tern_json(&format!("explain {SERVICE} {address} --family {family}"));
            let served = world.dig(Role::Gslb, &format!("{SERVICE} {rtype} +subnet={address}/32"));
            let mut answers = texts(&explained["answers"]);
            answers.sort();
            let mut addresses: Vec<_> = served.addresses().iter().map(ToString::to_string).collect();
            addresses.sort();
            assert_eq!(answers, addresses, "{address}: {}", served.text);
            let prefix = explained["prefix"].as_str().unwrap();
            assert_eq!(prefix.split('/').nth(1).unwrap().parse().ok(), served.scope(), "{address}");
            assert_eq!(explained["ttl"], 10, "{explained}");
        }
    }
}

#[test]
fn every_candidate_has_a_cost_and_a_verdict() {
    let world = World::start();
    let explained = world.tern_json(&format!("explain {SERVICE} 202.96.209.133"));
    let candidates = explained["candidates"].as_array().unwrap();
    // 18 SLBs on four lines.
    assert_eq!(candidates.len(), 72, "{explained}");
    let mut verdicts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut before = 0.0;
    for candidate in candidates {
        *verdicts.entry(candidate["verdict"].as_str().unwrap()).or_default() += 1;
        let number = |key: &str| candidate[key].as_f64().unwrap_or_else(|| panic!("{key} of {candidate}"));
        let sum = number("distance_ms") + number("hops_ms") + number("bias_ms");
        assert!((number("cost_ms") - sum).abs() < 0.01, "{candidate}");
        assert!(number("cost_ms") >= before, "cheapest first: {candidate}");
        before = number("cost_ms");
    }
    assert_eq!(verdicts.get("taken"), Some(&3), "{verdicts:?}");
    assert_eq!(verdicts.values().sum::<usize>(), 72);
    assert!(verdicts.len() > 1, "{verdicts:?}");
}

#[test]
fn the_table_names_the_three_and_the_reasons() {
    let world = World::start();
    let text = world.tern_says(&format!("explain {SERVICE} 202.96.209.133"));
    let explained = world.tern_json(&format!("explain {SERVICE} 202.96.209.133"));
    for answer in texts(&explained["answers"]) {
        assert!(text.contains(&answer), "{answer} in\n{text}");
    }
    for word in ["CN-SH", "telecom", "cn-east", "in the answer"] {
        assert!(text.contains(word), "{word} in\n{text}");
    }
    let all = world.tern_says(&format!("explain {SERVICE} 202.96.209.133 --all"));
    assert!(all.lines().count() > 72, "{all}");
}

#[test]
fn offline_says_the_same() {
    let dir = TempDir::new().unwrap();
    let files = dir.path().to_str().unwrap();
    let world = World::with(&["--dir", files]);
    let offline = |arguments: &str| -> Value {
        let mut command = binary::command("tern");
        let said = process::output(command.args(arguments.split(' ')).args(["--json", "--dir", files]));
        serde_json::from_str(&said).unwrap()
    };
    let question = format!("explain {SERVICE} 202.96.209.133");
    let alike = || {
        let (mut here, mut there) = (offline(&question), world.tern_json(&question));
        assert_eq!(here["world"]["id"], there["world"]["id"], "equal inputs, equal worlds");
        for explained in [&mut here, &mut there] {
            // When it was built, and how often, is each world's own.
            explained["world"] = Value::Null;
            for candidate in explained["candidates"].as_array_mut().unwrap() {
                candidate["reach_since"] = Value::Null;
            }
        }
        assert_eq!(here, there);
        texts(&here["answers"])
    };
    let before = alike();
    world.tern_says("bgp withdraw --router cn-east-br1 --carrier telecom");
    let after = alike();
    assert_ne!(before, after);
}

#[test]
fn a_broken_operators_file_is_named_where_it_does_not_hold() {
    if !need::tool("curl") {
        return;
    }
    let dir = TempDir::new().unwrap();
    let world = World::with(&["--dir", dir.path().to_str().unwrap()]);
    let stale = |wanted: bool| {
        process::eventually("explain knows of the operators' file", Duration::from_secs(10), || {
            let explained = world.tern_json(&format!("explain {SERVICE} 202.96.209.133"));
            let said = texts(&explained["notes"]).iter().any(|note| note.starts_with("stale: "));
            (said == wanted).then_some(explained)
        })
    };
    let before = stale(false);
    std::fs::write(dir.path().join("overrides.toml"), "[[override]]\naction = \"explode\"\n").unwrap();
    let after = stale(true);
    assert!(after["notes"][0].as_str().unwrap().contains("overrides.toml:2: "), "{after}");
    assert_eq!(after["answers"], before["answers"]);
    assert_eq!(world.metrics().sum("tern_overrides_stale", &[]), 1.0);
    std::fs::remove_file(dir.path().join("overrides.toml")).unwrap();
    stale(false);
    assert_eq!(world.metrics().sum("tern_overrides_stale", &[]), 0.0);
}

#[test]
fn what_cannot_be_explained_is_said() {
    let world = World::start();
    for (arguments, code, says) in [
        ("explain nowhere.vip.yourcompany.com 202.96.209.133", 2, SERVICE),
        ("explain www.vip.yourcompany.com 202.96.209", 2, "202.96.209"),
    ] {
        let ended = world.tern(arguments);
        assert_eq!(ended.code, Some(code), "{arguments}: {}", ended.stderr);
        assert!(ended.stderr.contains(says), "{arguments}: {}", ended.stderr);
    }
    let nobody = world.moved("127.0.9.9:9053");
    let arguments = ["explain", SERVICE, "127.0.0.1", "--admin", &nobody];
    let ended = process::run(binary::command("tern").args(arguments));
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains(&nobody) && ended.stderr.contains("mend"), "{}", ended.stderr);
}
