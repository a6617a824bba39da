//! Tables while they are built: names that resolve to ids, or to a complaint.

use std::collections::HashMap;
use std::sync::Arc;

use toml::Spanned;

use super::check;
use super::file::Row;
use super::problem::Report;
use super::table::{Id, Table};

/// A table whose rows may turn out broken.
///
/// A broken row keeps its name: whoever refers to it is broken, too, but says nothing, as the cause
/// has been reported.
pub(super) struct Named<I, T> {
    /// What one row is called, such as `region`; the table in the file adds an s.
    kind: &'static str,
    pub(super) table: Table<I, T>,
    /// Line of the first row of a name, broken or not.
    lines: HashMap<Arc<str>, usize>,
    /// Whether any row is broken: then nothing can be said about what the table lacks.
    pub(super) broken: bool,
}

impl<I: Id, T> Named<I, T> {
    /// Resolves the rows of a table; `resolve` has reported whatever it returns None for.
    pub(super) fn read<R>(
        kind: &'static str,
        rows: &[Row<R>],
        report: &mut Report,
        mut resolve: impl FnMut(&mut Report, &Spanned<String>, Arc<str>, &R) -> Option<T>,
    ) -> Self {
        let mut named = Self { kind, table: Table::default(), lines: HashMap::new(), broken: false };
        for Row { name, raw } in rows {
            let shared: Arc<str> = Arc::from(name.get_ref().as_str());
            let fine = named.admit(name, &shared, report);
            let row = raw.as_ref().and_then(|raw| resolve(report, name, shared.clone(), raw));
            match row {
                Some(row) if fine => named.table.push(shared, row),
                _ => named.broken = true,
            }
        }
        named
    }

    /// Whether a row of this name may enter the table.
    fn admit(&mut self, name: &Spanned<String>, shared: &Arc<str>, report: &mut Report) -> bool {
        let kind = self.kind;
        if let Some(first) = self.lines.get(shared) {
            report.add(
                name.span(),
                format!("{kind} {shared}: the name is used twice, first on line {first}"),
                "give one of them another name",
            );
            return false;
        }
        self.lines.insert(shared.clone(), report.line(&name.span()));
        if !check::is_name(shared) {
            report.add(
                name.span(),
                format!("{kind} {shared:?}: not a name"),
                "use letters, digits, hyphens, underscores and dots",
            );
            return false;
        }
        if self.table.len() >= I::LIMIT {
            report.add(
                name.span(),
                format!("{kind} {shared}: more than {} {kind}s", I::LIMIT),
                "split the topology",
            );
            return false;
        }
        true
    }

    /// The id behind a name. `who` refers to it and is named in the complaint.
    pub(super) fn find(&self, report: &mut Report, who: &str, name: &Spanned<String>) -> Option<I> {
        let text = name.get_ref().as_str();
        let id = self.table.find(text);
        if id.is_none() && !self.lines.contains_key(text) {
            let kind = self.kind;
            report.add(
                name.span(),
                format!("{who}: {kind} {text:?} does not exist"),
                format!("add it to {kind}s or correct the name"),
            );
        }
        id
    }

    /// Line of the first row of this name.
    pub(super) fn line(&self, name: &str) -> Option<usize> {
        self.lines.get(name).copied()
    }
}
