//! The configuration survives itself: the example states every default, and nothing else is accepted.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::path::{Path, PathBuf};

use local_dns::{Config, Running};
use serve::config::ConfigFile;
use serve::program::Program;

fn file(text: &str) -> ConfigFile {
    ConfigFile { path: PathBuf::from("local-dns.toml"), text: text.to_owned() }
}

/// What `--check` says of a file.
fn check(text: &str) -> String {
    let file = file(text);
    match file.parse::<Config>().map_err(Into::into).and_then(|config| Running::check(&config, &file)) {
        Ok(()) => "good".to_owned(),
        Err(failure) => {
            assert_eq!(failure.exit_code(), 2);
            failure.to_string()
        }
    }
}

#[test]
fn the_example_states_every_default() {
    let example: Config = file(Running::EXAMPLE).parse().unwrap();
    // Without the key the admin endpoint is off, as the example says.
    let expected = Config { admin: Some("127.0.0.1:9054".parse().unwrap()), ..Config::default() };
    assert_eq!(example, expected);
    assert_eq!(check(Running::EXAMPLE), "good");
    assert_eq!(check(""), "good");
}

/// Every key of the example with another name is refused, with the line and the table.
#[test]
fn unknown_keys_are_refused_in_every_table() {
    let lines: Vec<&str> = Running::EXAMPLE.lines().collect();
    let mut keys = 0;
    for (index, line) in lines.iter().enumerate() {
        let Some((key, rest)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) else { continue };
        let wrong = format!("{key}x = {rest}");
        let text = [&lines[..index], &[wrong.as_str()], &lines[index + 1..]].concat().join("\n");
        let error = check(&text);
        assert!(error.starts_with(&format!("local-dns.toml:{}: unknown key `{key}x`", index + 1)), "{error}");
        assert!(error.contains("mend") && error.contains(&format!("`{key}`")), "{error}");
        keys += 1;
    }
    assert!(keys > 25, "{keys}");
}

#[test]
fn values_that_cannot_work_are_refused_with_line_and_mend() {
    for (text, expected) in [
        ("send-from = []", "local-dns.toml:1: `send-from`: no address (mend: write"),
        (
            "send-from = ['127.0.0.1', '127.0.0.2']",
            "local-dns.toml:1: `send-from`: two addresses of one family",
        ),
        ("\nupstream-port = 0", "local-dns.toml:2: `upstream-port`: no port (mend: write 53)"),
        ("[cache]\nanswers = 1", "local-dns.toml:2: `cache.answers`: too little"),
        ("[limits]\n\nrestarts = 0", "local-dns.toml:3: `limits.restarts`: out of range"),
        ("[limits]\nfailure-ttl = 301", "local-dns.toml:2: `limits.failure-ttl`: above RFC 9520's 5 minutes"),
        ("[server]\nlisten = []", "local-dns.toml:2: `server.listen`: no address"),
        ("send-from = ['here']", "local-dns.toml:1: "),
        (
            "root-hints = 'none'",
            "none: cannot read the root hints: No such file or directory (os error 2) (mend",
        ),
    ] {
        let error = check(text);
        assert!(error.starts_with(expected) && error.contains("mend"), "{text}: {error}");
    }
}

#[test]
fn root_hints_are_found_beside_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("my.hints"), zones::default::ROOT_HINTS).unwrap();
    let config: Config = toml::from_str("root-hints = 'my.hints'").unwrap();
    assert_eq!(config.root_hints(folder.path()).unwrap().len(), 1);
    assert_eq!(Config::default().root_hints(Path::new("/nowhere")).unwrap().len(), 13);
}
