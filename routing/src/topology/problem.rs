//! What is wrong with a topology file, where, and how to mend it.

use std::fmt;
use std::ops::Range;

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Problem {
    /// The file as it was named to us.
    pub file: String,
    /// Counted from 1; 0 is the file as a whole.
    pub line: usize,
    /// What is wrong; names the table, the row and the key.
    pub message: String,
    /// What to do about it.
    pub mend: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, message, mend } = self;
        match line {
            0 => write!(f, "{file}: {message} (mend: {mend})"),
            line => write!(f, "{file}:{line}: {message} (mend: {mend})"),
        }
    }
}

/// Everything that is wrong with a file, in the order of its lines, one a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

/// Collects what is wrong while a file is read.
pub(super) struct Report {
    file: String,
    /// Offset of the first octet of every line but the first.
    breaks: Vec<usize>,
    problems: Vec<Problem>,
}

impl Report {
    pub(super) fn new(file: &str, text: &str) -> Self {
        Self {
            file: file.to_owned(),
            breaks: text.match_indices('\n').map(|(at, _)| at + 1).collect(),
            problems: Vec::new(),
        }
    }

    /// Line of an offset, counted from 1.
    pub(super) fn line(&self, span: &Range<usize>) -> usize {
        1 + self.breaks.partition_point(|&start| start <= span.start)
    }

    /// `span`: octets of the text, as the TOML parser gives them.
    pub(super) fn add(&mut self, span: Range<usize>, message: impl Into<String>, mend: impl Into<String>) {
        self.problems.push(Problem {
            file: self.file.clone(),
            line: self.line(&span),
            message: message.into(),
            mend: mend.into(),
        });
    }

    pub(super) fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    /// Everything reported, in the order of the lines.
    pub(super) fn into_problems(mut self) -> Problems {
        self.problems.sort_by_key(|problem| problem.line);
        Problems(self.problems)
    }
}
