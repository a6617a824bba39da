//! A world's directory, and nobody who runs it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use crate::binary;
use crate::process::{Ended, run};
use crate::world::{Net, Role, World};

/// The directory, with every file in it, for a network of its own.
pub struct Files {
    /// Where the files' services would listen.
    pub net: Arc<Net>,
    directory: TempDir,
}

impl Files {
    /// Has `tern up` write them.
    pub fn written() -> Self {
        let (net, directory) = (Net::claim(), TempDir::new().expect("a temporary directory"));
        let world = World::on(&net, &[Path::new("--dir"), directory.path()]);
        assert_eq!(world.stop("TERM", Duration::from_secs(10)).code, Some(0));
        Self { net, directory }
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The path of the file `name`.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The binary that is `role`, with its configuration.
    pub fn service(&self, role: Role) -> Command {
        let binary = match role {
            Role::Root | Role::Com | Role::Authoritative => "authoritative",
            Role::Gslb => "gslb",
            Role::Telecom | Role::Unicom | Role::Mobile => "local-dns",
        };
        let mut command = binary::command(binary);
        command.arg("--config").arg(self.path(&role.config()));
        command
    }

    /// What becomes of `tern up` on these files.
    pub fn up(&self) -> Ended {
        run(binary::command("tern").args(["up", "--dir"]).arg(self.directory()))
    }

    /// What `tern check` says of them.
    pub fn check(&self) -> Ended {
        run(binary::command("tern").arg("check").arg(self.directory()))
    }

    /// Does `work` with `text` at the end of the file `name`; returns the line of `text`, too.
    pub fn with<T>(&self, name: &str, text: &str, work: impl FnOnce() -> T) -> (T, usize) {
        let path = self.path(name);
        let before = fs::read_to_string(&path).expect("a file of the world");
        fs::write(&path, format!("{before}{text}\n")).expect("it was written before");
        let done = work();
        fs::write(&path, &before).expect("it was written before");
        (done, before.lines().count() + 1)
    }
}
