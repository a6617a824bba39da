//! Why something does not start.

use std::io;
use std::net::SocketAddr;

use thiserror::Error;

use crate::config::Invalid;

/// Why a server does not start. A binary exits with 2 then.
#[derive(Debug, Error)]
pub enum StartError {
    /// A value of the configuration cannot work.
    #[error(transparent)]
    Config(#[from] Invalid),
    /// An address cannot be bound.
    #[error("cannot listen on {address} ({transport}): {source} (mend: {mend})")]
    Listen {
        /// `UDP` or `TCP`.
        transport: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the kernel says.
        source: io::Error,
        /// What to do.
        mend: String,
    },
    /// A thread cannot be started.
    #[error("cannot start a worker thread: {0} (mend: raise the limit of threads, or set fewer `workers`)")]
    Thread(#[source] io::Error),
    /// The metrics of this name exist already.
    #[error("cannot register metrics: {0} (mend: give every service of a process a name of its own)")]
    Metrics(#[from] prometheus::Error),
}

impl StartError {
    pub(crate) fn listen(transport: &'static str, address: SocketAddr, source: io::Error) -> Self {
        let mend = match source.kind() {
            io::ErrorKind::AddrInUse => {
                format!(
                    "stop what listens there, `ss -lntup sport = {}` names it; or listen elsewhere",
                    address.port()
                )
            }
            io::ErrorKind::AddrNotAvailable => {
                format!("no interface of this host has {}: add it, or listen elsewhere", address.ip())
            }
            io::ErrorKind::PermissionDenied => {
                format!("port {} wants root or CAP_NET_BIND_SERVICE", address.port())
            }
            _ => "listen elsewhere".to_owned(),
        };
        Self::Listen { transport, address, source, mend }
    }
}
