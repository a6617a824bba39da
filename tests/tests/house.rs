//! The rules of the house, as CONTRIBUTING.md states them, on the project's own files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use proc_macro2::TokenTree;
use syn::visit::{self, Visit};
use tests::need::root;
use tests::source::{Crate, Source, crates, files, read, sources};

/// The floors of the README's picture: arrows go down only.
const FLOORS: [(&str, u8); 14] = [
    ("wire", 1),
    ("geo", 1),
    ("routing", 2),
    ("zones", 2),
    ("serve", 2),
    ("steering", 3),
    ("local-dns", 4),
    ("authoritative", 4),
    ("gslb", 4),
    ("httpdns", 4),
    ("tern", 5),
    ("tests", 6),
    ("bench", 6),
    ("fuzz", 7),
];

/// Files above so many lines, and functions above so many, want a reason in the file's header:
/// `//! Long: …`.
const FILE_LINES: usize = 400;
const FUNCTION_LINES: usize = 60;

/// Where `unsafe` may be: the suite's sockets, TCP-MD5, and the measuring programs.
const UNSAFE: [&str; 2] = ["serve/src/udp.rs", "routing/src/tcp_md5.rs"];

/// Where a test may sleep, and what for.
const SLEEPS: [(&str, &str); 3] = [
    ("serve/src/worker/tests.rs", "a service that takes a minute, for tests on a paused clock"),
    ("serve/tests/program.rs", "the pause between two looks, up to a deadline"),
    ("local-dns/tests/world/mod.rs", "the latency of a network"),
];

/// Rooms, or parts of them, that touch neither files nor sockets, but for these.
const NO_IO: [(&str, &[&str]); 4] = [
    ("wire/src/", &[]),
    ("geo/src/", &["geo/src/source/mod.rs"]),
    ("routing/src/", &["routing/src/topology/load.rs"]),
    ("local-dns/src/iterator/", &[]),
];

/// What decides is told the time and the random numbers, but for these, which run it.
const NO_CLOCK: [(&str, &[&str]); 7] = [
    ("wire/src/", &[]),
    ("geo/src/", &[]),
    ("routing/src/", &[]),
    ("zones/src/", &[]),
    ("steering/src/", &["steering/src/follow.rs", "steering/src/metrics.rs"]),
    ("local-dns/src/iterator/", &[]),
    ("local-dns/src/cache/", &["local-dns/src/cache/mod.rs"]),
];

fn floor(name: &str) -> Option<u8> {
    FLOORS.iter().find(|(room, _)| *room == name).map(|(_, floor)| *floor)
}

/// Fails with all of `broken`, if there is any.
fn none(rule: &str, broken: impl IntoIterator<Item = String>) {
    let broken: Vec<_> = broken.into_iter().collect();
    assert!(broken.is_empty(), "{rule}:\n  {}", broken.join("\n  "));
}

#[test]
fn arrows_go_down_only() {
    let crates = crates();
    let ours = |name: &str| crates.iter().any(|one| one.name == name);
    let homeless = crates.iter().filter(|one| floor(&one.name).is_none()).map(|one| one.name.clone());
    none("every crate stands on a floor; add it to the README's picture and here", homeless);
    let arrows = crates.iter().flat_map(|from| {
        let inside = from.dependencies().into_iter().filter(|name| ours(name));
        let up = inside.filter(|to| floor(&from.name) <= floor(to));
        up.map(|to| format!("{} → {to}", from.name))
    });
    none("a crate uses only crates of lower floors, in its tests, too", arrows);
}

#[test]
fn manifests_follow_the_house() {
    let inherited = ["version", "edition", "rust-version", "license", "publish"];
    let crates = crates();
    let package = |one: &Crate| {
        let package = one.manifest["package"].as_table().unwrap().clone();
        let own = inherited.iter().filter(|key| {
            let value = package.get(**key).and_then(|value| value.get("workspace"));
            value.and_then(toml::Value::as_bool) != Some(true)
        });
        own.map(|key| format!("{}: `{key}`", one.name)).collect::<Vec<_>>()
    };
    none("packages inherit from the workspace", crates.iter().flat_map(package));
    let lints = |one: &&Crate| {
        let lints = one.manifest.get("lints").and_then(|lints| lints.get("workspace"));
        lints.and_then(toml::Value::as_bool) != Some(true)
    };
    let without = crates.iter().filter(lints).map(|one| one.name.clone());
    none("the workspace's lints are on in every crate", without);
    none("no features until a user needs one", having(&crates, "features"));
    let scripts = crates.iter().map(|one| format!("{}/build.rs", one.name));
    none("no build scripts", scripts.filter(|script| root().join(script).exists()));
}

fn having(crates: &[Crate], table: &str) -> Vec<String> {
    crates.iter().filter(|one| one.manifest.contains_key(table)).map(|one| one.name.clone()).collect()
}

#[test]
fn dependencies_are_the_workspaces_and_say_why() {
    let line = |one: &Crate| {
        let mut inside = false;
        let mut wrong = Vec::new();
        for line in one.text.lines() {
            if line.starts_with('[') {
                inside = line.ends_with("dependencies]");
            } else if inside && !line.trim().is_empty() && !line.starts_with('#') {
                let (version, why) = line.split_once('#').unwrap_or((line, ""));
                if !version.contains("workspace = true") || why.trim().len() < 3 {
                    wrong.push(format!("{}/Cargo.toml: {line}", one.name));
                }
            }
        }
        wrong
    };
    let wrong: Vec<_> = crates().iter().flat_map(line).collect();
    none("a dependency is `name = { workspace = true } # why`", wrong);
}

#[test]
fn long_files_and_functions_give_a_reason() {
    let mut long = Vec::new();
    for source in sources().iter().filter(|source| source.reason_for_length().is_none()) {
        let lines = source.text.lines().count();
        if lines > FILE_LINES {
            long.push(format!("{}: {lines} lines", source.path));
        }
        for function in source.functions() {
            let lines = function.lines.clone().count();
            if lines > FUNCTION_LINES {
                long.push(format!("{}:{}: {lines} lines", source.path, function.lines.start()));
            }
        }
    }
    none("a file above 400 lines or a function above 60 says why, `//! Long: …`", long);
}

#[test]
fn mains_are_tiny_and_the_policy_is_one_short_file() {
    let lines = |source: &Source| source.text.lines().count();
    let sources = sources();
    // The measuring program is all of its own crate; what ships is a library with a tiny main.
    let ships = |source: &&Source| source.path.ends_with("/src/main.rs") && source.home() != "bench";
    let mains = sources.iter().filter(ships);
    let long = mains.filter(|source| lines(source) >= 50).map(|source| source.path.clone());
    none("a main.rs has under 50 lines", long);
    let policy = sources.iter().find(|source| source.path == "steering/src/policy.rs").unwrap();
    assert!(
        lines(policy) < 300,
        "steering/src/policy.rs has {} lines, and should have under 300",
        lines(policy)
    );
}

#[test]
fn every_module_says_what_it_is_for() {
    let sources = sources();
    let silent = |source: &&Source| {
        let first = source.text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        !source.is_test() && !first.starts_with("//! ")
    };
    let silent = sources.iter().filter(silent).map(|source| source.path.clone());
    none("every file opens with `//!` and what it is for", silent);
    let maps = sources.iter().filter(|source| source.path.ends_with("/src/lib.rs")).filter_map(|source| {
        let header: String = source.text.lines().take_while(|line| line.starts_with("//!")).collect();
        let public = source.text.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
        let unlisted: Vec<_> = public.filter(|name| !header.contains(&format!("[`{name}`]"))).collect();
        (!unlisted.is_empty()).then(|| format!("{}: {}", source.path, unlisted.join(", ")))
    });
    none("a lib.rs lists its public modules in its header, as [`name`]", maps);
}

/// Where `test` says yes to an identifier and the token after it.
fn places(source: &Source, test: impl Fn(&str, Option<&TokenTree>) -> bool) -> Vec<usize> {
    let tokens = source.tokens();
    let lines = tokens.iter().enumerate().filter_map(|(at, token)| match token {
        TokenTree::Ident(word) if test(&word.to_string(), tokens.get(at + 1)) => {
            Some(word.span().start().line)
        }
        _ => None,
    });
    lines.collect()
}

/// The sources of `rooms`, but for those that are excused, and for tests.
fn in_rooms(rooms: &[(&str, &[&str])]) -> Vec<Source> {
    for excused in rooms.iter().flat_map(|(_, excused)| *excused) {
        assert!(root().join(excused).exists(), "{excused} is excused, and is no file");
    }
    let lives_in =
        |path: &str| rooms.iter().any(|(room, excused)| path.starts_with(room) && !excused.contains(&path));
    sources().into_iter().filter(|source| !source.is_test() && lives_in(&source.path)).collect()
}

/// Where one of `words` stands in the sources of `rooms`, unit tests apart.
fn said_in(rooms: &[(&str, &[&str])], words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for source in in_rooms(rooms) {
        let tests = source.test_lines();
        let lines = places(&source, |word, _| words.contains(&word));
        let real = lines.into_iter().filter(|line| !tests.iter().any(|lines| lines.contains(line)));
        found.extend(real.map(|line| format!("{}:{line}", source.path)));
    }
    found
}

#[test]
fn what_decides_does_no_io_and_has_no_clock() {
    let io = ["fs", "UdpSocket", "TcpStream", "TcpListener", "tokio", "socket2", "libc"];
    none("files and sockets have files of their own", said_in(&NO_IO, &io));
    let clocks = ["Instant", "SystemTime", "Zoned", "ThreadRng", "fastrand"];
    none("time and randomness come in as parameters", said_in(&NO_CLOCK, &clocks));
    // A time of day is data as well, and so is a generator: only fetching one is forbidden.
    let fetches = ["Timestamp::now", "rand::rng()", "rand::random"];
    let fetches = |source: &Source| fetches.iter().any(|fetch| source.text.contains(fetch));
    let found = in_rooms(&NO_CLOCK).into_iter().filter(fetches).map(|source| source.path);
    none("nobody who decides fetches the time or chance", found);
}

#[test]
fn unsafe_is_where_the_kernel_is() {
    let allowed = |source: &Source| UNSAFE.contains(&source.path.as_str()) || source.home() == "bench";
    let mut found = Vec::new();
    for source in sources().iter().filter(|source| !allowed(source)) {
        let lines = places(source, |word, _| word == "unsafe");
        found.extend(lines.iter().map(|line| format!("{}:{line}", source.path)));
    }
    none(&format!("`unsafe` only in {UNSAFE:?} and in bench"), found);
}

#[test]
fn tests_do_not_sleep() {
    let mut found = Vec::new();
    for source in sources() {
        // On a paused clock a sleep takes no time.
        let excused = SLEEPS.iter().any(|(path, _)| *path == source.path);
        if excused || source.text.contains("start_paused = true") {
            continue;
        }
        let tests = source.test_lines();
        for line in places(&source, |word, _| word == "sleep" || word == "sleep_until") {
            if tests.iter().any(|lines| lines.contains(&line)) {
                found.push(format!("{}:{line}", source.path));
            }
        }
    }
    none("a test waits for what happens, with a deadline, and never for a fixed time", found);
}

#[test]
fn lints_are_not_talked_away() {
    let mut found = Vec::new();
    for source in sources() {
        let tests = source.test_lines();
        let lints = ["unwrap_used", "expect_used", "dead_code", "unused"];
        for line in places(&source, |word, _| lints.contains(&word)) {
            if !tests.iter().any(|lines| lines.contains(&line)) {
                found.push(format!("{}:{line}", source.path));
            }
        }
    }
    none("outside tests nothing allows what the workspace denies", found);
}

/// Collects the first argument of what makes a metric, where it is a literal.
struct Metrics(Vec<String>);

impl<'ast> Visit<'ast> for Metrics {
    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if let (syn::Expr::Path(function), Some(syn::Expr::Lit(first))) = (&*call.func, call.args.first()) {
            let path: Vec<_> = function.path.segments.iter().map(|it| it.ident.to_string()).collect();
            let makers = ["Opts", "HistogramOpts", "Desc"];
            if let (syn::Lit::Str(name), true) = (&first.lit, path.iter().any(|it| makers.contains(&&**it))) {
                self.0.push(name.value());
            }
        }
        visit::visit_expr_call(self, call);
    }
}

#[test]
fn metrics_are_named_by_the_house() {
    let mut foreign = Vec::new();
    let mut all = 0;
    for source in sources().iter().filter(|source| !source.is_test()) {
        let mut metrics = Metrics(Vec::new());
        metrics.visit_file(&source.syntax);
        all += metrics.0.len();
        let odd = metrics.0.into_iter().filter(|name| !name.starts_with("tern_"));
        foreign.extend(odd.map(|name| format!("{}: {name}", source.path)));
    }
    assert!(all > 0, "no metrics were found: does this test still see them?");
    none("every metric starts with `tern_`", foreign);
}

#[test]
fn the_readme_has_a_line_for_each_folder_and_no_other() {
    let readme = read("README.md");
    let rows = readme.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("/` |"));
    let mut listed: Vec<_> = rows.map(|(folder, _)| folder.to_owned()).collect();
    let mut there: Vec<_> = crates().into_iter().map(|one| one.name).collect();
    listed.sort();
    there.sort();
    assert_eq!(listed, there, "left: the README's table of folders; right: the workspace's members");
}

#[test]
fn documents_link_to_what_is_there() {
    let mut dead = Vec::new();
    for name in ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"] {
        let text = read(name);
        let links = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        let local =
            links.map(|(link, _)| link).filter(|link| !link.contains("://") && !link.starts_with('#'));
        dead.extend(local.filter(|link| !root().join(link).exists()).map(|link| format!("{name}: {link}")));
    }
    none("a link in a document leads somewhere", dead);
}

#[test]
fn no_path_of_a_machine() {
    // Written so that this file does not break the rule itself.
    let folders = ["work", "root", "home"].map(|folder| format!("/{folder}/"));
    let absolute = |line: &str, folder: &String| {
        let before = line.find(folder.as_str()).map(|at| line[..at].chars().next_back());
        // Part of a longer path, as in a URL.
        before.is_some_and(|before| !before.is_some_and(|c| c.is_alphanumeric() || "._-".contains(c)))
    };
    let mut found = Vec::new();
    for path in files() {
        // Binary seeds of fuzzers have no paths.
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        for (number, line) in (1..).zip(text.lines()) {
            if folders.iter().any(|folder| absolute(line, folder)) {
                found.push(format!("{}:{number}: {line}", path.display()));
            }
        }
    }
    none("no path of somebody's machine", found);
}
