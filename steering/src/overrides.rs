//! The operators' file: everything that people, not machines, say of the world.
//!
//! TOML, one `[[override]]` table each; they apply in order, so the last one wins:
//!
//! ```toml
//! [[override]]
//! action = "withdraw"          # or announce; all routers, carriers, prefixes unless named
//! router = "cn-east-br1"
//! carrier = "telecom"
//! by = "alice"
//! at = "2026-11-22T09:00:00Z"
//! why = "carrier maintenance, ticket 4711"
//! until = "2026-11-22T12:00:00Z"
//!
//! [[override]]
//! action = "drain"             # or down, up, normal; `*` stands for any part of a name
//! slb = "cn-north-*"
//! ```
//!
//! Further actions: `session-down`, `session-up` with `session = "cn-east-br1-telecom"`; `link-down`,
//! `link-up` with `link = [4134, 4837]`. The file's permissions are the access control.

use std::fs::{File, Permissions};
use std::io::Write;
use std::ops::Range;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use toml::Spanned;

mod apply;

/// What is wrong with the file, and how to mend it.
#[derive(Debug, thiserror::Error)]
pub enum OverridesError {
    /// It cannot be read or written.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// It does not say what it should.
    #[error("{file}:{line}: {message} (mend: {mend})")]
    Bad {
        /// The file.
        file: String,
        /// Where, from 1 on.
        line: usize,
        /// What is wrong.
        message: String,
        /// How to mend it.
        mend: String,
    },
}

/// What an override does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Routers stop announcing prefixes to carriers.
    Withdraw,
    /// They announce them again.
    Announce,
    /// A session goes down.
    SessionDown,
    /// It comes back.
    SessionUp,
    /// Two neighbouring ASes lose their link.
    LinkDown,
    /// It comes back.
    LinkUp,
    /// SLBs get no new clients.
    Drain,
    /// SLBs are down, whatever health says.
    Down,
    /// SLBs are up, whatever health says.
    Up,
    /// SLBs are as health says.
    Normal,
}

/// One override. Which keys an action takes is checked when the file is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Override {
    /// What it does.
    pub action: Action,
    /// Whose announcements; all routers' if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub router: Option<String>,
    /// To whom; all carriers if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    /// Which prefix; all if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Which session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Between which two ASes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<[u32; 2]>,
    /// Which SLBs; `*` stands for any part of a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slb: Option<String>,
    /// Who wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Until when it holds; for good if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl Override {
    /// An override that says nothing but what to do.
    pub fn new(action: Action) -> Self {
        Self {
            action,
            router: None,
            carrier: None,
            prefix: None,
            session: None,
            link: None,
            slb: None,
            by: None,
            at: None,
            why: None,
            until: None,
        }
    }

    fn holds(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// The keys beside who, when and why that are set.
    fn keys(&self) -> Vec<&'static str> {
        let set = [
            ("router", self.router.is_some()),
            ("carrier", self.carrier.is_some()),
            ("prefix", self.prefix.is_some()),
            ("session", self.session.is_some()),
            ("link", self.link.is_some()),
            ("slb", self.slb.is_some()),
        ];
        set.into_iter().filter_map(|(key, set)| set.then_some(key)).collect()
    }

    /// Whether an override of the same kind has the same object: then the later replaces the earlier.
    fn replaces(&self, earlier: &Self) -> bool {
        let covers = |mine: &Option<String>, theirs: &Option<String>| mine.is_none() || mine == theirs;
        let ends = |link: Option<[u32; 2]>| link.map(|[a, b]| (a.min(b), a.max(b)));
        self.undo() == earlier.undo()
            && covers(&self.router, &earlier.router)
            && covers(&self.carrier, &earlier.carrier)
            && covers(&self.prefix, &earlier.prefix)
            && self.session == earlier.session
            && ends(self.link) == ends(earlier.link)
            && self.slb == earlier.slb
    }

    /// What takes it back; the same for all actions of a kind.
    fn undo(&self) -> Action {
        match self.action {
            Action::Withdraw | Action::Announce => Action::Announce,
            Action::SessionDown | Action::SessionUp => Action::SessionUp,
            Action::LinkDown | Action::LinkUp => Action::LinkUp,
            Action::Drain | Action::Down | Action::Up | Action::Normal => Action::Normal,
        }
    }

    /// Whether it only undoes.
    fn is_default(&self) -> bool {
        self.action == self.undo()
    }
}

/// The file's content, in its order.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    rows: Vec<Spanned<Override>>,
    file: String,
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tables {
    #[serde(default, rename = "override")]
    rows: Vec<Spanned<Override>>,
}

impl Overrides {
    /// Reads the file; one that does not exist says nothing.
    ///
    /// # Errors
    /// Where it cannot be read, or is not as the module says.
    pub fn load(path: &Path) -> Result<Self, OverridesError> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, &path.display().to_string()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(OverridesError::Io { path: path.into(), error }),
        }
    }

    /// Reads the text of `file`.
    ///
    /// # Errors
    /// Where it is not as the module says.
    pub fn parse(text: &str, file: &str) -> Result<Self, OverridesError> {
        let parsed: Tables = toml::from_str(text).map_err(|error| {
            let line = line_of(text, error.span().unwrap_or(0..0));
            let message = error.message().to_owned();
            OverridesError::Bad {
                file: file.into(),
                line,
                message,
                mend: "want [[override]] tables with an action and the keys that it takes".into(),
            }
        })?;
        let overrides = Self { rows: parsed.rows, file: file.into(), text: text.into() };
        for row in &overrides.rows {
            overrides.check_keys(row)?;
        }
        Ok(overrides)
    }

    /// The overrides, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Override> {
        self.rows.iter().map(Spanned::get_ref)
    }

    fn check_keys(&self, row: &Spanned<Override>) -> Result<(), OverridesError> {
        let (needs, takes): (Option<&str>, &[&str]) = match row.get_ref().action {
            Action::Withdraw | Action::Announce => (None, &["router", "carrier", "prefix"]),
            Action::SessionDown | Action::SessionUp => (Some("session"), &["session"]),
            Action::LinkDown | Action::LinkUp => (Some("link"), &["link"]),
            Action::Drain | Action::Down | Action::Up | Action::Normal => (Some("slb"), &["slb"]),
        };
        let keys = row.get_ref().keys();
        if let Some(key) = keys.iter().find(|key| !takes.contains(key)) {
            let message = format!("this action takes no {key}");
            return Err(self.bad(row, message, format!("it takes {}", takes.join(", "))));
        }
        match needs.filter(|key| !keys.contains(key)) {
            Some(key) => Err(self.bad(row, format!("this action needs {key}"), format!("add {key} = …"))),
            None => Ok(()),
        }
    }

    fn bad(&self, row: &Spanned<Override>, message: String, mend: String) -> OverridesError {
        let line = line_of(&self.text, row.span());
        OverridesError::Bad { file: self.file.clone(), line, message, mend }
    }

    /// When the next override that holds at `now` ends.
    pub fn next_expiry(&self, now: Timestamp) -> Option<Timestamp> {
        self.iter().filter_map(|rule| rule.until).filter(|&until| now < until).min()
    }

    /// Adds one at the end. What it replaces goes, what no longer holds goes, and one that only undoes
    /// goes itself once nothing before it is left to undo.
    pub fn add(&mut self, new: Override, now: Timestamp) {
        self.rows.retain(|row| row.get_ref().holds(now) && !new.replaces(row.get_ref()));
        let undone = |earlier: &Override| earlier.undo() == new.undo() && !earlier.is_default();
        let undoes_something = self.iter().any(undone);
        if !new.is_default() || undoes_something {
            self.rows.push(Spanned::new(0..0, new));
        }
    }

    /// The file's text.
    pub fn to_toml(&self) -> String {
        #[derive(Serialize)]
        struct Out<'a> {
            #[serde(rename = "override")]
            rows: Vec<&'a Override>,
        }
        // Strings, numbers and times: there is nothing in it that TOML could not say.
        toml::to_string(&Out { rows: self.iter().collect() }).unwrap_or_default()
    }

    /// Keeps other writers out until the lock is dropped: whoever reads, changes and saves the file takes it
    /// first. (The lock is on the directory: the file itself is replaced.)
    ///
    /// # Errors
    /// Where it cannot be taken.
    pub fn lock(path: &Path) -> Result<OverridesLock, OverridesError> {
        let directory = directory_of(path);
        let taken =
            File::open(directory).and_then(|file| file.lock().map(|()| OverridesLock { _directory: file }));
        taken.map_err(|error| OverridesError::Io { path: directory.into(), error })
    }

    /// Writes the file whole and renames it into place; whoever watches sees either the old or the new.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), OverridesError> {
        let directory = directory_of(path);
        let write = || -> std::io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(directory)?;
            writeln!(file, "# Written by tern; read by every process that steers. The last entry wins.")?;
            file.write_all(self.to_toml().as_bytes())?;
            // A temporary file is its owner's alone; the operators' file is as they made it, or readable.
            let permissions =
                std::fs::metadata(path).map_or(Permissions::from_mode(0o644), |old| old.permissions());
            file.as_file().set_permissions(permissions)?;
            file.as_file().sync_all()?;
            file.persist(path)?;
            Ok(())
        };
        write().map_err(|error| OverridesError::Io { path: path.into(), error })
    }
}

/// The right to change the overrides file.
#[derive(Debug)]
#[must_use = "dropped, it keeps nobody out"]
pub struct OverridesLock {
    _directory: File,
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn line_of(text: &str, span: Range<usize>) -> usize {
    1 + text.as_bytes().iter().take(span.start).filter(|&&octet| octet == b'\n').count()
}

#[cfg(test)]
mod tests;
