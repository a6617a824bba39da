//! What is wrong with a zone, where it stands and how to mend it.

use std::fmt;
use std::path::{Path, PathBuf};

/// How bad a [`Problem`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The zone can be served; someone should look.
    Warning,
    /// The zone can't be served.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// One thing that is wrong with a zone; displays as `file:line: error: what (mend: how)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// The master file.
    pub file: PathBuf,
    /// The line in it, from 1.
    pub line: u32,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub mend: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { severity, file, line, what, mend } = self;
        write!(f, "{}:{line}: {severity}: {what} (mend: {mend})", file.display())
    }
}

/// Why a zone was not loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The master file can't be read.
    #[error("{}: cannot read the zone {apex}: {source} (mend: correct the path, or let this user read the file)", file.display())]
    Unreadable {
        /// The zone.
        apex: wire::Name,
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The master file is not one, or holds a zone that can't be served; at least one problem is an error.
    #[error("{}", lines(.0))]
    Bad(Vec<Problem>),
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}

/// Why one entry is bad, before it is known where it stands.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Flaw {
    pub(crate) what: String,
    pub(crate) mend: String,
}

impl Flaw {
    pub(crate) fn new(what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { what: what.into(), mend: mend.into() }
    }

    pub(crate) fn at(self, file: &Path, line: u32) -> Problem {
        let Self { what, mend } = self;
        Problem { severity: Severity::Error, file: file.into(), line, what, mend }
    }
}
