//! What can go wrong, and how to mend it.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{}: {source}", file.display())]
    File { file: PathBuf, source: io::Error },
    #[error("{address}: {source} (mend: end what listens there)")]
    Occupied { address: SocketAddr, source: io::Error },
    #[error("{program}: {source} (mend: apt-get install dnsperf util-linux)")]
    Spawn { program: &'static str, source: io::Error },
    #[error("socket: {0}")]
    Socket(io::Error),
    #[error("{server} gave no answer at {address}; the end of its log:\n  {tail}")]
    NotReady { server: &'static str, address: SocketAddr, tail: String },
    #[error("{server} answers question {index} wrongly: {what}")]
    WrongAnswer { server: &'static str, index: usize, what: String },
    #[error("{server}: dnsperf got {codes} where only NOERROR was due")]
    Rcodes { server: &'static str, codes: String },
    #[error("dnsperf failed: {0}")]
    Dnsperf(String),
    #[error("{0} is not installed (mend: apt-get install {0})")]
    Missing(&'static str),
    #[error("{name}: {source}")]
    Name { name: String, source: wire::NameError },
    #[error("{0}: none of the servers of --only takes part (mend: see `bench --help`)")]
    Nothing(&'static str),
    #[error("building {0} failed")]
    Build(&'static str),
    #[error("{address}: {source}")]
    Echo { address: SocketAddr, source: io::Error },
    #[error("standard output: {0}")]
    Output(io::Error),
}

impl Error {
    /// Of a file.
    pub(crate) fn file(file: &Path, source: io::Error) -> Self {
        Self::File { file: file.to_owned(), source }
    }
}
