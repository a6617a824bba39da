//! Each service as a program of its own: the same files, the same answers, one process each.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::fs;
use std::process::Command;
use std::time::Duration;

use tests::dig::{self, Dug};
use tests::files::Files;
use tests::metrics::Metrics;
use tests::need;
use tests::process::{Process, eventually, output};
use tests::world::{Role, answers};

const PATIENCE: Duration = Duration::from_secs(30);

/// Starts `role`, and waits until it answers. A resolver is asked last, as it asks the others.
fn start(files: &Files, role: Role) -> Process {
    let process = Process::start(&mut files.service(role));
    let answers = || answers(files.net.address(role), role, Duration::from_millis(200));
    eventually("it answers", PATIENCE, || answers().then_some(()));
    process
}

fn ask(files: &Files, role: Role, question: &str) -> Dug {
    dig::ask(files.net.address(role), question)
}

/// The metrics of `role`, from its own admin endpoint. The GSLB's is the one that `tern` asks.
fn metrics(files: &Files, role: Role) -> Metrics {
    let ip = if role == Role::Gslb { files.net.ip([0, 1]) } else { files.net.address(role).ip() };
    let url = format!("http://{ip}:9053/metrics");
    Metrics::read(&output(Command::new("curl").args(["--silent", "--fail", "--max-time", "10", &url])))
}

#[test]
fn five_processes_give_what_one_gives() {
    if !need::tools(&["dig", "curl"]) {
        return;
    }
    let files = Files::written();
    let roles = [Role::Root, Role::Com, Role::Authoritative, Role::Gslb, Role::Unicom];
    let processes = roles.map(|role| start(&files, role));
    let dug = ask(&files, Role::Unicom, "www.yourcompany.com");
    let addresses = dug.addresses();
    assert_eq!(addresses.len(), 3, "{}", dug.text);
    assert!(addresses.iter().all(|it| it.to_string().starts_with("198.18.17.")), "{}", dug.text);
    for role in roles {
        let metrics = metrics(&files, role);
        assert!(metrics.sum("tern_queries_total", &[]) >= 1.0, "{role:?}");
        assert!(metrics.families.keys().all(|name| name.starts_with("tern_")), "{role:?}");
    }
    for process in processes {
        process.signal("TERM");
        let ended = process.wait(Duration::from_secs(5));
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    }
}

#[test]
fn a_bad_reload_is_refused_and_the_old_zone_serves_on() {
    if !need::tools(&["dig", "curl"]) {
        return;
    }
    let files = Files::written();
    let process = start(&files, Role::Authoritative);
    let zone = files.path("zones/yourcompany.com.zone");
    let before = fs::read_to_string(&zone).unwrap();
    let asked = || ask(&files, Role::Authoritative, "new.yourcompany.com").status;
    let stale = || metrics(&files, Role::Authoritative).sum("tern_config_stale", &[]);
    assert_eq!((&*asked(), stale()), ("NXDOMAIN", 0.0));

    fs::write(&zone, format!("{before}new A 192.0.2.83\nbad A 192.0.2.256\n")).unwrap();
    process.signal("HUP");
    eventually("the reload is refused", PATIENCE, || (stale() == 1.0).then_some(()));
    assert_eq!(asked(), "NXDOMAIN", "all or nothing");
    let line = before.lines().count() + 2;
    let place = format!("{}:{line}", zone.display());
    assert!(process.stderr().contains(&place), "{place} in\n{}", process.stderr());

    fs::write(&zone, format!("{before}new A 192.0.2.83\n")).unwrap();
    process.signal("HUP");
    eventually("the new zone serves", PATIENCE, || (asked() == "NOERROR").then_some(()));
    assert_eq!(stale(), 0.0);
}

#[test]
fn operators_who_edit_the_overrides_file_are_followed() {
    if !need::tools(&["dig", "curl"]) {
        return;
    }
    let files = Files::written();
    let _gslb = start(&files, Role::Gslb);
    let question = "www.vip.yourcompany.com +subnet=202.96.209.0/24";
    let of = |third: u8| {
        let addresses = ask(&files, Role::Gslb, question).addresses();
        let inside = |it: &std::net::IpAddr| it.to_string().starts_with(&format!("198.18.{third}."));
        addresses.len() == 3 && addresses.iter().all(inside)
    };
    assert!(of(0));
    let change = |verb: &str| {
        let mut tern = tests::binary::command("tern");
        tern.args(["bgp", verb, "--router", "cn-east-br1", "--carrier", "telecom", "--dir"]);
        output(tern.arg(files.directory()))
    };
    change("withdraw");
    eventually("the withdrawal is seen", PATIENCE, || of(16).then_some(()));
    // A bad file changes nothing.
    let overrides = files.path("overrides.toml");
    let good = fs::read_to_string(&overrides).unwrap();
    fs::write(&overrides, "nonsense = [").unwrap();
    let stale = || metrics(&files, Role::Gslb).sum("tern_overrides_stale", &[]);
    eventually("the file is refused", PATIENCE, || (stale() == 1.0).then_some(()));
    assert!(of(16));
    fs::write(&overrides, good).unwrap();
    change("announce");
    eventually("the announcement is seen", PATIENCE, || of(0).then_some(()));
}
