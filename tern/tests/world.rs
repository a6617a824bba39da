//! A world's directory: what is written, for which site, and what is left alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use tern::site::{Net, Site};
use tern::world::{ROLES, World, files};

fn net(text: &str) -> Option<Net> {
    Some(text.parse().unwrap())
}

fn read(dir: &Path, name: &str) -> String {
    fs::read_to_string(dir.join(name)).unwrap()
}

fn listens(dir: &Path, file: &str) -> SocketAddr {
    let value: serde_json::Value = serve::config::load(&dir.join(file)).unwrap();
    value["server"]["listen"][0].as_str().unwrap().parse().unwrap()
}

#[test]
fn the_default_files_stand_where_the_design_says() {
    let dir = tempfile::tempdir().unwrap();
    World::prepare(Some(dir.path()), None, None).unwrap();
    let expected = ["0.2", "0.3", "0.4", "0.5", "1.1", "1.2", "1.3"];
    for (role, host) in ROLES.iter().zip(expected) {
        assert_eq!(listens(dir.path(), role.file).to_string(), format!("127.0.{host}:5300"), "{}", role.name);
    }
    assert!(!dir.path().join("overrides.toml").exists(), "only an operator command writes it");
}

#[test]
fn a_world_moves_whole() {
    let dir = tempfile::tempdir().unwrap();
    World::prepare(Some(dir.path()), net("127.9.0.0/16"), Some(5399)).unwrap();
    for (name, text) in files() {
        let moved = read(dir.path(), &name);
        assert!(!moved.contains("127.0.") && !moved.contains("5300"), "{name}: {moved}");
        // And nothing else is another.
        assert_eq!(moved.replace("127.9.", "127.0.").replace("5399", "5300"), text, "{name}");
        assert_eq!(Site::default().render(text), text, "{name}");
    }
    assert_eq!(listens(dir.path(), "gslb.toml").to_string(), "127.9.0.5:5399");
}

#[test]
fn what_is_there_is_never_touched_and_what_is_missing_is_written_to_fit() {
    let dir = tempfile::tempdir().unwrap();
    World::prepare(Some(dir.path()), net("127.9.0.0/16"), Some(5399)).unwrap();
    let mine = "# mine\n";
    fs::write(dir.path().join("topology.toml"), mine).unwrap();
    fs::remove_file(dir.path().join("local-dns-telecom.toml")).unwrap();
    fs::remove_dir_all(dir.path().join("zones")).unwrap();
    World::prepare(Some(dir.path()), None, None).unwrap();
    assert_eq!(read(dir.path(), "topology.toml"), mine);
    assert_eq!(listens(dir.path(), "local-dns-telecom.toml").to_string(), "127.9.1.1:5399");
    assert!(read(dir.path(), "zones/root.zone").contains("127.9.0.2"));
}

#[test]
fn files_that_stand_elsewhere_than_asked_are_an_error() {
    let dir = tempfile::tempdir().unwrap();
    World::prepare(Some(dir.path()), None, None).unwrap();
    let file = dir.path().join("root.toml");
    for (net, port, option) in
        [(net("127.9.0.0/16"), None, "--net 127.9.0.0/16"), (None, Some(53), "--port 53")]
    {
        let error = World::prepare(Some(dir.path()), net, port).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "{}: listens on 127.0.0.2:5300, not where {option} moves the world (mend: leave {option} \
                 out to run the files as they are, or give another --dir)",
                file.display()
            )
        );
        assert_eq!(error.exit_code(), 2);
    }
    World::prepare(Some(dir.path()), net("127.0.0.0/16"), Some(5300)).unwrap();
}

#[test]
fn without_a_directory_the_world_leaves_nothing_behind() {
    let world = World::prepare(None, None, None).unwrap();
    let dir = world.dir().to_owned();
    assert!(world.is_temporary() && dir.join("zones/root.hints").exists());
    drop(world);
    assert!(!dir.exists());
}

#[test]
fn a_directory_that_cannot_be_written_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let error = World::prepare(Some(&file.join("world")), None, None).unwrap_err();
    assert_eq!(error.exit_code(), 1);
    assert!(error.to_string().contains("(mend: give a --dir that this user may write to)"), "{error}");
}
