//! Bad configuration: exit 2, and file, line and mend on the standard error.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::process::Command;
use std::time::Duration;

use tests::files::Files;
use tests::process::{Ended, Process, eventually, output, run};
use tests::world::{Net, Role, answers};
use tests::{binary, need};

/// `ended` in error, and said `place`, `what` and a mend.
fn refused(files: &Files, ended: &Ended, place: &str, what: &str) {
    let said = format!("{}{}", ended.stdout, ended.stderr);
    assert_eq!(ended.code, Some(2), "{said}");
    let place = files.path(place);
    for part in [place.to_str().unwrap(), what] {
        assert!(said.contains(part), "{part:?} in\n{said}");
    }
    // Sources of geo data name the mend after a semicolon.
    assert!(said.contains("(mend: ") || said.contains("; "), "a mend in\n{said}");
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn what_tern_writes_is_in_order() {
    let files = Files::written();
    let ended = files.check();
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    for role in Role::ALL {
        let ended = run(files.service(role).arg("--check"));
        assert_eq!(ended.code, Some(0), "{role:?}: {}", ended.stderr);
    }
}

#[test]
fn any_tool_can_read_the_zones() {
    if !need::tool("named-checkzone") {
        return;
    }
    let files = Files::written();
    for (apex, file) in [
        (".", "root"),
        ("com", "com"),
        ("yourcompany.com", "yourcompany.com"),
        ("vip.yourcompany.com", "vip.yourcompany.com"),
    ] {
        let mut check = Command::new("named-checkzone");
        let zone = files.path(&format!("zones/{file}.zone"));
        let said = output(check.args(["-i", "local", apex]).arg(zone));
        assert!(said.ends_with("OK\n"), "{said}");
    }
}

#[test]
fn an_unknown_key_is_refused_with_its_line() {
    let files = Files::written();
    for role in Role::ALL {
        let all_ways = || {
            let service = run(&mut files.service(role));
            [service, run(files.service(role).arg("--check")), files.up(), files.check()]
        };
        let (all, line) = files.with(&role.config(), "no-such-key = 1", all_ways);
        for ended in all {
            refused(&files, &ended, &format!("{}:{line}", role.config()), "no-such-key");
        }
    }
}

#[test]
fn a_bad_line_in_any_file_is_refused_with_its_line() {
    let files = Files::written();
    for (name, text, what) in [
        ("zones/root.zone", "www A 192.0.2.256", "192.0.2.256"),
        ("zones/com.zone", "www NOTYPE 1", "NOTYPE"),
        ("zones/yourcompany.com.zone", "www.example.org. A 192.0.2.1", "example.org"),
        ("zones/vip.yourcompany.com.zone", "a.example.org. A 192.0.2.1", "example.org"),
        ("zones/root.hints", ". 60 NS", ""),
        ("topology.toml", "regionz = []", "regionz"),
        ("geo-overrides.csv", "192.0.2.1/24,telecom,CN,,,,,", "192.0.2.1/24"),
    ] {
        let (all, line) = files.with(name, text, || [files.up(), files.check()]);
        for ended in all {
            refused(&files, &ended, &format!("{name}:{line}"), what);
        }
    }
}

#[test]
fn a_missing_file_is_refused_with_its_name() {
    let files = Files::written();
    for (role, name) in [
        (Role::Authoritative, "zones/yourcompany.com.zone"),
        (Role::Gslb, "topology.toml"),
        (Role::Gslb, "geo-overrides.csv"),
        (Role::Gslb, "zones/vip.yourcompany.com.zone"),
        (Role::Mobile, "zones/root.hints"),
    ] {
        let away = files.path("away");
        fs::rename(files.path(name), &away).unwrap();
        let ended = run(&mut files.service(role));
        refused(&files, &ended, name, "");
        // A folder in its place cannot be read either, even by who may read everything.
        fs::create_dir(files.path(name)).unwrap();
        let ended = run(&mut files.service(role));
        refused(&files, &ended, name, "");
        fs::remove_dir(files.path(name)).unwrap();
        fs::rename(away, files.path(name)).unwrap();
    }
    for service in ["authoritative", "gslb", "local-dns"] {
        let ended = run(binary::command(service).arg("--config").arg(files.path("nowhere.toml")));
        refused(&files, &ended, "nowhere.toml", "");
    }
}

#[test]
fn a_port_in_use_is_named() {
    let files = Files::written();
    let address = files.net.address(Role::Gslb);
    let taken = |ended: &Ended| {
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        for part in [&*address.to_string(), "in use", "mend"] {
            assert!(ended.stderr.contains(part), "{part:?} in\n{}", ended.stderr);
        }
    };
    let gslb = || run(&mut files.service(Role::Gslb));
    let udp = UdpSocket::bind(address).unwrap();
    taken(&gslb());
    taken(&files.up());
    drop(udp);
    let tcp = TcpListener::bind(address).unwrap();
    taken(&gslb());
    drop(tcp);
    // Free again, it runs; a second copy of the binary does not.
    let first = Process::start(&mut files.service(Role::Gslb));
    eventually("the first copy answers", Duration::from_secs(30), || {
        answers(address, Role::Gslb, Duration::from_millis(200)).then_some(())
    });
    taken(&gslb());
    first.signal("TERM");
    assert_eq!(first.wait(Duration::from_secs(5)).code, Some(0));
}

#[test]
fn files_of_another_network_are_not_moved() {
    let files = Files::written();
    let other = Net::claim();
    let ended = run(other.up().arg("--dir").arg(files.directory()));
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("mend"), "{}", ended.stderr);
    let ended = run(binary::command("tern").args(["up", "--net", "127.1.0.0/24"]));
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("/16"), "{}", ended.stderr);
}
