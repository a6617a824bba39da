//! Configuration files: TOML, strict, with errors that say file, line, key and mend.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use thiserror::Error;
use toml::de::{DeArray, DeTable};

/// Why a configuration cannot be used. A binary exits with 2 then.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: {source} (mend: {})", file.display(), unreadable(source))]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file says something that cannot be.
    #[error("{}:{line}: {message} (mend: {mend})", file.display())]
    Wrong {
        /// The file.
        file: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong, with the key.
        message: String,
        /// What to write.
        mend: String,
    },
}

fn unreadable(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::NotFound => "create the file, or name another one",
        io::ErrorKind::PermissionDenied => "let the user of this process read it",
        io::ErrorKind::InvalidData => "save it as UTF-8",
        _ => "name a readable file",
    }
}

impl ConfigError {
    /// An error at the octet `offset` of the file's `text`, as [`toml::Spanned`] and [`toml::de::Error`]
    /// give it.
    pub fn at(
        file: &Path,
        text: &str,
        offset: usize,
        message: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        let before = text.as_bytes().get(..offset).unwrap_or(text.as_bytes());
        let line = 1 + before.iter().filter(|&&octet| octet == b'\n').count();
        Self::Wrong { file: file.to_owned(), line, message: message.into(), mend: mend.into() }
    }
}

/// A value that reads well and cannot work. [`ConfigFile::wrong`] adds file and line.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{key}`: {problem} (mend: {mend})")]
pub struct Invalid {
    /// The keys that lead to the value, with dots between; a number counts in an array, from 0.
    pub key: String,
    /// What is wrong.
    pub problem: String,
    /// What to write.
    pub mend: String,
}

impl Invalid {
    /// A value that cannot work.
    pub fn new(key: impl Into<String>, problem: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { key: key.into(), problem: problem.into(), mend: mend.into() }
    }

    /// Nothing, where all of these keys are as they were.
    ///
    /// # Errors
    /// The first that is not, and that only a restart can change.
    pub fn unchanged<'k>(keys: impl IntoIterator<Item = (&'k str, bool)>) -> Result<(), Self> {
        match keys.into_iter().find(|(_, same)| !same) {
            Some((key, _)) => {
                Err(Self::new(key, "cannot change while running", "restart, or write what it was"))
            }
            None => Ok(()),
        }
    }

    /// The same, seen from the table that has this one at `table`.
    #[must_use]
    pub fn within(self, table: &str) -> Self {
        Self { key: format!("{table}.{}", self.key), ..self }
    }
}

/// A configuration file that has been read.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    /// Where it is.
    pub path: PathBuf,
    /// What it says.
    pub text: String,
}

impl ConfigFile {
    /// Reads a file.
    ///
    /// # Errors
    /// [`ConfigError::Unreadable`].
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Self { path: path.to_owned(), text }),
            Err(source) => Err(ConfigError::Unreadable { file: path.to_owned(), source }),
        }
    }

    /// Makes sense of it. Keys that `T` does not know are errors where `T` denies them
    /// (`#[serde(deny_unknown_fields)]`), as every table of the suite does.
    ///
    /// # Errors
    /// [`ConfigError::Wrong`].
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        parse(&self.text, &self.path)
    }

    /// The error for a value that cannot work, with the line of its key, or of the nearest table above
    /// where the key is not written.
    pub fn wrong(&self, invalid: &Invalid) -> ConfigError {
        let message = format!("`{}`: {}", invalid.key, invalid.problem);
        ConfigError::at(&self.path, &self.text, locate(&self.text, &invalid.key), message, &invalid.mend)
    }

    /// A path that the file names: relative ones start from the file's own folder.
    pub fn resolve(&self, named: &Path) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(named)
    }
}

/// The offset of the key in the text, as far as the path leads.
fn locate(text: &str, key: &str) -> usize {
    let Ok(document) = DeTable::parse(text) else { return 0 };
    let (mut offset, mut table, mut array) = (0, Some(document.get_ref()), None);
    for part in key.split('.') {
        let in_table =
            table.and_then(|table: &DeTable<'_>| table.iter().find(|(key, _)| key.get_ref() == part));
        let in_array = || array.and_then(|array: &DeArray<'_>| array.get(part.parse::<usize>().ok()?));
        let Some((at, value)) = in_table
            .map(|(key, value)| (key.span(), value))
            .or_else(|| in_array().map(|value| (value.span(), value)))
        else {
            break;
        };
        offset = at.start;
        (table, array) = (value.get_ref().as_table(), value.get_ref().as_array());
    }
    offset
}

/// Reads a file and makes sense of it.
///
/// # Errors
/// [`ConfigError`].
pub fn load<T: DeserializeOwned>(file: &Path) -> Result<T, ConfigError> {
    ConfigFile::read(file)?.parse()
}

/// Makes sense of the text of `file`; see [`ConfigFile::parse`].
///
/// # Errors
/// [`ConfigError::Wrong`].
pub fn parse<T: DeserializeOwned>(text: &str, file: &Path) -> Result<T, ConfigError> {
    toml::from_str(text).map_err(|error| explain(error, text, file))
}

fn explain(mut error: toml::de::Error, text: &str, file: &Path) -> ConfigError {
    let offset = error.span().map_or(0, |span| span.start);
    let message = error.message().trim().replace('\n', ", ");
    // Without the input at hand, the error tells the path of keys instead of showing the line.
    error.set_input(None);
    let told = error.to_string();
    let path = told.lines().find_map(|line| line.strip_prefix("in `")?.strip_suffix('`'));
    let mut words = message.split('`').skip(1).step_by(2);
    let (message, mend) = if message.starts_with("unknown field") {
        let key = words.next().unwrap_or_default();
        let known: Vec<&str> = words.collect();
        let path = path
            .filter(|path| *path != key)
            .map(|path| path.strip_suffix(&format!(".{key}")).unwrap_or(path));
        let place = path.map_or(String::new(), |path| format!(" in `{path}`"));
        (format!("unknown key `{key}`{place}"), mend_key(key, &known))
    } else {
        let place = path.map_or(String::new(), |path| format!("`{path}`: "));
        let mend = if message.starts_with("missing field") {
            "add it; --example shows every key"
        } else {
            "correct the value; --example shows every key"
        };
        (format!("{place}{message}"), mend.to_owned())
    };
    ConfigError::at(file, text, offset, message, mend)
}

/// The nearest known key if one is near, else all of them.
fn mend_key(key: &str, known: &[&str]) -> String {
    let nearest = known.iter().map(|known| (strsim::osa_distance(key, known), known)).min();
    match nearest {
        Some((distance, nearest)) if distance <= 1 + key.len() / 4 => format!("write `{nearest}`"),
        Some(_) => {
            let mut mend = "remove it; known here: ".to_owned();
            for (index, known) in known.iter().enumerate() {
                let _ = write!(mend, "{}{known}", if index == 0 { "" } else { ", " });
            }
            mend
        }
        None => "remove it".to_owned(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::ListenConfig;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "kebab-case")]
    #[allow(dead_code)]
    struct Example {
        name: String,
        #[serde(default)]
        server: ListenConfig,
        #[serde(default)]
        zone: Vec<Zone>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Zone {
        name: String,
        file: PathBuf,
    }

    fn wrong(text: &str) -> String {
        parse::<Example>(text, Path::new("/etc/tern.toml")).unwrap_err().to_string()
    }

    #[test]
    fn errors_say_file_line_key_and_mend() {
        for (text, expected) in [
            (
                "name = 'x'\n[server]\nlissen = []\n",
                "/etc/tern.toml:3: unknown key `lissen` in `server` (mend: write `listen`)",
            ),
            (
                "name = 'x'\n[server.acl]\ncolour = 1\n",
                "/etc/tern.toml:3: unknown key `colour` in `server.acl` (mend: remove it; known here: allow, deny, otherwise)",
            ),
            ("nmae = 'x'\n", "/etc/tern.toml:1: unknown key `nmae` (mend: write `name`)"),
            (
                "name = 'x'\n\n[[zone]]\nname = 'a'\nfile = 'b'\n[[zone]]\nfile = 'c'\n",
                "/etc/tern.toml:6: `zone`: missing field `name` (mend: add it; --example shows every key)",
            ),
            (
                "name = 'x'\n[server]\nudp-payload = 'much'\n",
                "/etc/tern.toml:3: `server.udp-payload`: invalid type: string \"much\", expected u16 (mend: correct the value; --example shows every key)",
            ),
            (
                "name = 'x'\n[server]\nlisten = ['localhost:53']\n",
                "/etc/tern.toml:3: `server.listen`: invalid socket address syntax (mend: correct the value; --example shows every key)",
            ),
            (
                "name = 'x'\nname = 'y'\n",
                "/etc/tern.toml:2: duplicate key (mend: correct the value; --example shows every key)",
            ),
            (
                "name = \n",
                "/etc/tern.toml:1: string values must be quoted, expected literal string (mend: correct the value; --example shows every key)",
            ),
        ] {
            assert_eq!(wrong(text), expected, "{text}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_an_error() {
        let error = load::<Example>(Path::new("/nonexistent/tern.toml")).unwrap_err().to_string();
        assert!(error.starts_with("/nonexistent/tern.toml: No such file"), "{error}");
        assert!(error.ends_with("(mend: create the file, or name another one)"), "{error}");
    }

    #[test]
    fn values_that_cannot_work_are_found_by_their_key() {
        let text = "name = 'x'\n[server]\n\nudp-payload = 1\n[server.tcp]\n[[zone]]\nname = 'a'\nfile = 'a'\n\
            [[zone]]\nname = 'b'\nfile = 'b'\n";
        let file = ConfigFile { path: "/etc/tern.toml".into(), text: text.to_owned() };
        for (key, expected) in [
            ("server.udp-payload", 4),
            ("server.tcp.pipeline", 5),
            ("server.workers", 2),
            ("zone.1.file", 11),
            ("zone.0", 6),
            ("nothing", 1),
        ] {
            let error = file.wrong(&Invalid::new(key, "no good", "do better")).to_string();
            assert_eq!(error, format!("/etc/tern.toml:{expected}: `{key}`: no good (mend: do better)"));
        }
        let config: Example = file.parse().unwrap();
        let error = file.wrong(&config.server.check().unwrap_err().within("server")).to_string();
        assert_eq!(
            error,
            "/etc/tern.toml:4: `server.udp-payload`: 1 is out of range (mend: write 512 to 4096; 1232 is best)"
        );
    }

    #[test]
    fn lines_count_from_one_and_end_with_the_file() {
        for (offset, expected) in [(0, 1), (1, 1), (2, 2), (3, 2), (99, 2)] {
            let error = ConfigError::at(Path::new("f"), "a\nb", offset, "m", "w");
            assert!(matches!(error, ConfigError::Wrong { line, .. } if line == expected), "{offset}");
        }
    }

    #[test]
    fn defaults_stand_where_nothing_is_written() {
        let example: Example = parse("name = 'x'", Path::new("f")).unwrap();
        assert_eq!(example.server, ListenConfig::default());
        let written = "listen = ['127.0.0.1:5300']\nworkers = 0\npin = false\nudp-payload = 1232\n\
            slow-queue = 4096\nslow-tasks = 1024\nacl = { allow = [], deny = [], otherwise = 'refused' }\n\
            tcp = { idle-timeout = 10, connections = 1000, connections-per-client = 100, pipeline = 64 }";
        assert_eq!(parse::<ListenConfig>(written, Path::new("f")).unwrap(), ListenConfig::default());
    }
}
