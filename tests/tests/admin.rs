//! The admin endpoint: metrics by the house's names, health, and nothing to write to.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::process::Command;

use serde_json::Value;
use tests::need;
use tests::process::output;
use tests::world::{Role, World};

#[test]
fn every_metric_has_a_name_by_the_house_and_a_help() {
    if !need::tool("curl") {
        return;
    }
    let world = World::start();
    for role in Role::ALL {
        assert!(world.answers(role));
    }
    let metrics = world.metrics();
    for (name, family) in &metrics.families {
        assert!(name.starts_with("tern_"), "{name}");
        assert_eq!(family.kind == "counter", name.ends_with("_total"), "{name} is a {}", family.kind);
        assert!(family.help, "{name} has no help");
        assert!(!family.samples.is_empty(), "{name} has no sample");
    }
    for role in Role::ALL {
        let asked = metrics.sum("tern_queries_total", &[&format!("service=\"{}\"", role.label())]);
        assert!(asked >= 1.0, "{role:?}: {asked}");
    }
}

#[test]
fn health_and_readiness() {
    if !need::tool("curl") {
        return;
    }
    let world = World::start();
    world.page("healthz");
    world.page("readyz");
    let page: Value = serde_json::from_str(&world.page("world")).unwrap();
    assert!(page["world"]["serial"].as_u64().is_some_and(|serial| serial >= 1), "{page}");
    assert!(page["overrides"].as_str().is_some_and(|path| path.ends_with(".toml")), "{page}");
}

#[test]
fn it_only_reads() {
    if !need::tool("curl") {
        return;
    }
    let world = World::start();
    let status = |arguments: &[&str], path: &str| {
        let url = format!("http://{}/{path}", world.admin());
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--max-time", "10", "--output", "/dev/null", "--write-out", "%{http_code}"]);
        output(curl.args(arguments).arg(url)).trim().to_owned()
    };
    for path in ["metrics", "healthz", "readyz", "world", "reach"] {
        assert_eq!(status(&[], path), "200", "{path}");
        for method in ["POST", "PUT", "DELETE", "PATCH"] {
            assert_eq!(status(&["--request", method], path), "405", "{method} {path}");
        }
    }
    assert_eq!(status(&[], "nothing-here"), "404");
    assert_eq!(status(&[], "explain?service=www.vip.yourcompany.com&address=nonsense"), "400");
    assert_eq!(status(&[], "explain?service=nowhere.example&address=127.0.0.1"), "404");
}
