//! How a command fails: as an exit code, and a text that says what, where and how to mend it.

use std::io;

use thiserror::Error;

/// Why a command did not do what it was asked for.
#[derive(Debug, Error)]
pub enum Error {
    /// The request was in order, the doing failed: no running world, a disk that is full. Exit 1.
    #[error("{0}")]
    Failed(String),
    /// A file, a name or a value is not in order, or an address is taken. Exit 2.
    #[error("{0}")]
    Config(String),
    /// The output cannot be written. Exit 1, unless the reader has just had enough.
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
}

impl Error {
    /// The process's exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            // `tern explain … | head` is in order.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
            Self::Failed(_) | Self::Output(_) => 1,
            Self::Config(_) => 2,
        }
    }

    /// A request that was in order, but not to be done.
    pub fn failed(error: impl ToString) -> Self {
        Self::Failed(error.to_string())
    }

    /// Something that is not in order.
    pub fn config(error: impl ToString) -> Self {
        Self::Config(error.to_string())
    }
}
