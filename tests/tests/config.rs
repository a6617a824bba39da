//! Bad configuration: exit 2, and file, line and mend on the standard error.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;
use tests::binary;
use tests::process::{Ended, Process, run};
use tests::world::{Role, World};

/// A world's directory with every file in it, and nobody who runs it.
struct Files {
    directory: TempDir,
    net: u8,
}

impl Files {
    fn written() -> Self {
        let directory = TempDir::new().unwrap();
        let world = World::with(&["--dir", directory.path().to_str().unwrap()]);
        let net = world.net();
        assert_eq!(world.stop("TERM", Duration::from_secs(10)).code, Some(0));
        Self { directory, net }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Runs with `text` at the end of the file `name`, and puts the file back; the line of `text` is
    /// returned, too.
    fn with<T>(&self, name: &str, text: &str, work: impl FnOnce() -> T) -> (T, usize) {
        let before = fs::read_to_string(self.path(name)).unwrap();
        let line = before.lines().count() + 1;
        fs::write(self.path(name), format!("{before}{text}\n")).unwrap();
        let done = work();
        fs::write(self.path(name), before).unwrap();
        (done, line)
    }

    fn up(&self) -> Ended {
        run(binary::command("tern").args(["up", "--dir"]).arg(self.directory.path()))
    }

    fn check(&self) -> Ended {
        run(binary::command("tern").arg("check").arg(self.directory.path()))
    }

    /// Ends in error, and says `place`, `what` and a mend.
    fn refused(&self, ended: &Ended, place: &str, what: &str) {
        let said = format!("{}{}", ended.stdout, ended.stderr);
        assert_eq!(ended.code, Some(2), "{said}");
        let place = self.path(place);
        for part in [place.to_str().unwrap(), what] {
            assert!(said.contains(part), "{part:?} in\n{said}");
        }
        // Sources of geo data name the mend after a semicolon.
        assert!(said.contains("(mend: ") || said.contains("; "), "a mend in\n{said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}

const CONFIGS: [(&str, &str); 7] = [
    ("authoritative", "root.toml"),
    ("authoritative", "com.toml"),
    ("authoritative", "authoritative.toml"),
    ("gslb", "gslb.toml"),
    ("local-dns", "local-dns-telecom.toml"),
    ("local-dns", "local-dns-unicom.toml"),
    ("local-dns", "local-dns-mobile.toml"),
];

#[test]
fn what_tern_writes_is_in_order() {
    let files = Files::written();
    let ended = files.check();
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    for (name, config) in CONFIGS {
        let mut service = binary::command(name);
        let ended = run(service.arg("--config").arg(files.path(config)).arg("--check"));
        assert_eq!(ended.code, Some(0), "{name} {config}: {}", ended.stderr);
    }
}

#[test]
fn an_unknown_key_is_refused_with_its_line() {
    let files = Files::written();
    for (name, config) in CONFIGS {
        let service = || {
            let mut service = binary::command(name);
            let check = run(service.arg("--config").arg(files.path(config)).arg("--check"));
            [
                run(binary::command(name).arg("--config").arg(files.path(config))),
                check,
                files.up(),
                files.check(),
            ]
        };
        let (all, line) = files.with(config, "no-such-key = 1", service);
        for ended in all {
            files.refused(&ended, &format!("{config}:{line}"), "no-such-key");
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
            files.refused(&ended, &format!("{name}:{line}"), what);
        }
    }
}

#[test]
fn a_missing_file_is_refused_with_its_name() {
    let files = Files::written();
    for (config, service, name) in [
        ("authoritative.toml", "authoritative", "zones/yourcompany.com.zone"),
        ("gslb.toml", "gslb", "topology.toml"),
        ("gslb.toml", "gslb", "geo-overrides.csv"),
        ("gslb.toml", "gslb", "zones/vip.yourcompany.com.zone"),
        ("local-dns-mobile.toml", "local-dns", "zones/root.hints"),
    ] {
        let away = files.path("away");
        fs::rename(files.path(name), &away).unwrap();
        let ended = run(binary::command(service).arg("--config").arg(files.path(config)));
        files.refused(&ended, name, "");
        // A folder in its place cannot be read either, even by who may read everything.
        fs::create_dir(files.path(name)).unwrap();
        let ended = run(binary::command(service).arg("--config").arg(files.path(config)));
        files.refused(&ended, name, "");
        fs::remove_dir(files.path(name)).unwrap();
        fs::rename(away, files.path(name)).unwrap();
    }
    for service in ["authoritative", "gslb", "local-dns"] {
        let ended = run(binary::command(service).arg("--config").arg(files.path("nowhere.toml")));
        files.refused(&ended, "nowhere.toml", "");
    }
}

#[test]
fn a_port_in_use_is_named() {
    let files = Files::written();
    let address = format!("127.{}.0.5:5300", files.net);
    let taken = |ended: &Ended| {
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        for part in [address.as_str(), "in use", "mend"] {
            assert!(ended.stderr.contains(part), "{part:?} in\n{}", ended.stderr);
        }
    };
    let gslb = || run(binary::command("gslb").arg("--config").arg(files.path("gslb.toml")));
    let udp = UdpSocket::bind(&address).unwrap();
    taken(&gslb());
    taken(&files.up());
    drop(udp);
    let tcp = TcpListener::bind(&address).unwrap();
    taken(&gslb());
    drop(tcp);
    // Free again, it runs; a second copy of the binary does not.
    let mut command = binary::command("gslb");
    let first = Process::start(command.arg("--config").arg(files.path("gslb.toml")));
    let deadline = Duration::from_secs(30);
    let asked = tests::packet::question(7, Role::Gslb.knows(), tests::packet::A);
    tests::process::eventually("the first copy answers", deadline, || {
        let patience = Duration::from_millis(100);
        tests::packet::exchange_udp(address.parse().unwrap(), &asked, patience)
    });
    taken(&gslb());
    first.signal("TERM");
    assert_eq!(first.wait(Duration::from_secs(5)).code, Some(0));
}

#[test]
fn files_of_another_network_are_not_moved() {
    let files = Files::written();
    let other = format!("127.{}.0.0/16", if files.net == 254 { 1 } else { files.net + 1 });
    let mut command = binary::command("tern");
    let ended = run(command.args(["up", "--net", &other, "--dir"]).arg(files.directory.path()));
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("mend"), "{}", ended.stderr);
    let ended = run(binary::command("tern").args(["up", "--net", "127.1.0.0/24"]));
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("/16"), "{}", ended.stderr);
}
