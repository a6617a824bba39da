//! Files that operators change while the server runs.

use std::collections::HashSet;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

/// A change is told after so long: until then more may come, and a writer may not be done.
const SETTLE: Duration = Duration::from_millis(20);

/// How often to look where the kernel tells nothing: a network file system, no inotify left, a directory
/// that came later, a link that was turned.
const LOOK: Duration = Duration::from_secs(1);

/// Watches some files for changes of any kind: writes, atomic renames, coming, going.
///
/// Make it before reading the files, so that no change falls between.
#[derive(Debug)]
pub struct Watch {
    files: Vec<PathBuf>,
    /// What the files were like when last looked at.
    seen: Vec<Option<Stamp>>,
    events: Arc<Events>,
    /// Tells of events at once. Looking finds them without it too.
    _watcher: Option<RecommendedWatcher>,
}

/// What the kernel told since it was last asked.
#[derive(Debug, Default)]
struct Events {
    /// Something has happened near the files.
    near: Notify,
    /// It has happened to one of them by name.
    named: AtomicBool,
}

/// What changes with a file's content.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    length: u64,
    modified: Option<SystemTime>,
}

impl Watch {
    /// Watches these files, which need not exist yet.
    pub fn new(files: impl IntoIterator<Item = PathBuf>) -> Self {
        let files: Vec<PathBuf> = files.into_iter().collect();
        let events = Arc::new(Events::default());
        let watcher = watch_directories(&files, Arc::clone(&events))
            .inspect_err(|error| tracing::warn!(%error, "no file events: looking every second instead"));
        let seen = stamps(&files);
        Self { files, seen, events, _watcher: watcher.ok() }
    }

    /// Returns when one of the files has changed since the last return, or since [`Watch::new`]. Changes
    /// that follow each other closely are one. Cancel-safe.
    pub async fn changed(&mut self) {
        while !self.events.named.load(Ordering::Relaxed) && stamps(&self.files) == self.seen {
            let _ = timeout(LOOK, self.events.near.notified()).await;
        }
        sleep(SETTLE).await;
        self.events.named.store(false, Ordering::Relaxed);
        self.seen = stamps(&self.files);
    }
}

/// Asks for the events of the files' directories: that is where renames are seen.
fn watch_directories(files: &[PathBuf], events: Arc<Events>) -> notify::Result<RecommendedWatcher> {
    let names: Vec<PathBuf> = files.iter().filter_map(|file| std::path::absolute(file).ok()).collect();
    let directories: HashSet<PathBuf> = names
        .iter()
        .filter_map(|file| file.parent())
        .filter(|parent| parent.is_dir())
        .map(Path::to_owned)
        .collect();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        let Ok(event) = event else { return events.near.notify_one() };
        // Whoever reads a file opens it too; only the end of writing is a change.
        if matches!(event.kind, EventKind::Access(kind) if kind != AccessKind::Close(AccessMode::Write)) {
            return;
        }
        if event.paths.iter().any(|path| names.contains(path)) {
            events.named.store(true, Ordering::Relaxed);
        }
        events.near.notify_one();
    })?;
    for directory in directories {
        watcher.watch(&directory, RecursiveMode::NonRecursive)?;
    }
    Ok(watcher)
}

fn stamps(files: &[PathBuf]) -> Vec<Option<Stamp>> {
    let stamp = |metadata: Metadata| Stamp {
        inode: metadata.ino(),
        length: metadata.len(),
        modified: metadata.modified().ok(),
    };
    files.iter().map(|file| std::fs::metadata(file).ok().map(stamp)).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use std::fs;

    /// Far above what any of this takes.
    const LONG: Duration = Duration::from_secs(20);

    async fn fires(watch: &mut Watch) {
        timeout(LONG, watch.changed()).await.expect("a change");
    }

    #[tokio::test]
    async fn sees_writing_renaming_coming_and_going() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("overrides.toml");
        let mut watch = Watch::new([file.clone()]);
        fs::write(&file, "a").unwrap();
        fires(&mut watch).await;
        // Same length, and perhaps the same tick of the file system's clock.
        fs::write(&file, "b").unwrap();
        fires(&mut watch).await;
        let new = folder.path().join("new");
        fs::write(&new, "c").unwrap();
        fs::rename(&new, &file).unwrap();
        fires(&mut watch).await;
        fs::remove_file(&file).unwrap();
        fires(&mut watch).await;
    }

    #[tokio::test]
    async fn neighbours_and_readers_are_no_change() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("overrides.toml");
        fs::write(&file, "a").unwrap();
        let mut watch = Watch::new([file.clone()]);
        fs::write(folder.path().join("neighbour"), "x").unwrap();
        fs::read(&file).unwrap();
        assert!(timeout(Duration::from_millis(1500), watch.changed()).await.is_err());
    }

    #[tokio::test]
    async fn a_burst_is_few_changes() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("overrides.toml");
        let mut watch = Watch::new([file.clone()]);
        for round in 0..100 {
            fs::write(&file, round.to_string()).unwrap();
        }
        fires(&mut watch).await;
        let mut fired = 1;
        while timeout(Duration::from_millis(200), watch.changed()).await.is_ok() {
            fired += 1;
        }
        assert!(fired <= 10, "{fired}");
    }

    #[tokio::test]
    async fn sees_a_directory_that_comes_later_and_a_link_that_is_turned() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("later").join("overrides.toml");
        let mut watch = Watch::new([file.clone()]);
        fs::create_dir_all(folder.path().join("1")).unwrap();
        fs::write(folder.path().join("1/overrides.toml"), "a").unwrap();
        std::os::unix::fs::symlink("1", folder.path().join("later")).unwrap();
        fires(&mut watch).await;
        fs::create_dir(folder.path().join("2")).unwrap();
        fs::write(folder.path().join("2/overrides.toml"), "a").unwrap();
        std::os::unix::fs::symlink("2", folder.path().join("turned")).unwrap();
        fs::rename(folder.path().join("turned"), folder.path().join("later")).unwrap();
        fires(&mut watch).await;
    }
}
