//! `tern check`: every file of a world's directory, by the checks of the services that read them.

use std::io::Write;
use std::path::Path;

use ::geo::Source;
use jiff::Timestamp;
use routing::Topology;
use serve::config::ConfigFile;
use serve::program::Program;
use steering::{Overrides, engine};
use wire::Name;

use crate::cli;
use crate::error::Error;
use crate::world::{Kind, ROLES};

/// Runs the command.
///
/// # Errors
/// [`Error::Config`] where a file is not in order.
pub fn run(command: &cli::Check, out: &mut impl Write) -> Result<(), Error> {
    let dir = &command.dir;
    let report = Report::of(dir);
    if report.checked == 0 {
        return Err(Error::config(format!(
            "{}: holds no world (mend: `tern up --dir {0}` writes one)",
            dir.display()
        )));
    }
    for line in report.lines.iter().chain(&report.notes) {
        writeln!(out, "{line}")?;
    }
    match report.lines.len() {
        0 => Ok(writeln!(out, "{}: {} files are in order", dir.display(), report.checked)?),
        1 => Err(Error::config(format!("{}: one problem", dir.display()))),
        count => Err(Error::config(format!("{}: {count} problems", dir.display()))),
    }
}

/// What is wrong with a directory.
#[derive(Debug, Default)]
pub struct Report {
    /// Problems, each once.
    pub lines: Vec<String>,
    /// What keeps nothing from running.
    pub notes: Vec<String>,
    /// Files that were read.
    pub checked: usize,
}

impl Report {
    /// Checks every file of `dir` that is there.
    pub fn of(dir: &Path) -> Self {
        let mut report = Self::default();
        for role in ROLES {
            let path = dir.join(role.file);
            if !path.exists() {
                report.notes.push(format!("{}: is missing; `tern up` writes it", path.display()));
                continue;
            }
            report.checked += 1;
            match role.kind {
                Kind::Authoritative => report.authoritative(&path),
                Kind::Gslb => report.gslb(&path),
                Kind::LocalDns => {
                    report.service::<local_dns::Running>(&path);
                }
            }
        }
        report
    }

    /// A configuration as its service sees it, which is up to the first file that is not in order.
    fn service<P: Program>(&mut self, path: &Path) -> Option<(P::Config, ConfigFile)> {
        let file = self.take(ConfigFile::read(path))?;
        let config = self.take(file.parse())?;
        self.take(P::check(&config, &file));
        Some((config, file))
    }

    fn authoritative(&mut self, path: &Path) {
        let Some((config, file)) = self.service::<authoritative::Running>(path) else { return };
        self.checked += config.zone.len();
        for zone in &config.zone {
            // The service has said what keeps it from serving.
            if let Ok(apex) = zone.name.parse()
                && let Ok((_, warnings)) = zones::load(&file.resolve(&zone.file), &apex)
            {
                self.notes.extend(warnings.iter().map(ToString::to_string));
            }
        }
    }

    fn gslb(&mut self, path: &Path) {
        let Some((config, file)) = self.service::<gslb::Running>(path) else { return };
        self.checked += 1;
        if let Ok(apex) = config.zone.name.parse::<Name>()
            && let Some((_, warnings)) = self.take(zones::load(&file.resolve(&config.zone.file), &apex))
        {
            self.notes.extend(warnings.iter().map(ToString::to_string));
        }
        for source in &config.geo.sources {
            self.checked += 1;
            self.take(Source::open(file.resolve(source)));
        }
        self.checked += 1;
        let topology = self.take(Topology::load(&file.resolve(&config.topology)));
        let overrides = file.resolve(&config.overrides);
        self.checked += usize::from(overrides.exists());
        let overrides = self.take(Overrides::load(&overrides));
        if let (Some(topology), Some(overrides)) = (topology, overrides) {
            self.take(engine::check(&overrides, &topology, Timestamp::now()));
        }
    }

    fn take<T, E: ToString>(&mut self, result: Result<T, E>) -> Option<T> {
        let error = match result {
            Ok(value) => return Some(value),
            Err(error) => error.to_string(),
        };
        for line in error.lines() {
            if !self.lines.iter().any(|known| known == line) {
                self.lines.push(line.to_owned());
            }
        }
        None
    }
}
