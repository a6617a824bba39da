//! What can be configured. `example.toml` states every key with its default.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use serde::Deserialize;
use serve::ListenConfig;
use serve::config::Invalid;

use crate::cache::NameServer;
use crate::hints::{self, HintsError};
use crate::iterator::Limits;

/// Who may ask where the configuration does not say: loopback, private and link-local networks. A
/// resolver that is open to the world is a weapon (RFC 5358).
const NEAR: [&str; 9] = [
    "127.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "169.254.0.0/16",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
];

/// One resolver.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// Where metrics and health are served; nowhere if absent.
    pub admin: Option<SocketAddr>,
    /// Addresses that questions to servers leave from, one for each family in use.
    pub send_from: Vec<IpAddr>,
    /// The port of every server.
    pub upstream_port: u16,
    /// A file of root hints, relative to the configuration's folder; empty for the built-in ones.
    pub root_hints: PathBuf,
    /// Where to listen, and who may ask; an empty `acl.allow` stands for near networks only.
    pub server: ListenConfig,
    /// Memory.
    pub cache: CacheConfig,
    /// Work and time.
    pub limits: Limits,
    /// Root hints from whoever embeds the resolver: they come before the file.
    #[serde(skip)]
    pub hints: Option<Vec<NameServer>>,
}

/// Memory of the caches.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct CacheConfig {
    /// Octets for whole answers.
    pub answers: u64,
    /// Octets for RRsets and delegations.
    pub records: u64,
    /// Answers that each worker has at hand, of at most 1 KiB each.
    pub worker_slots: usize,
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self { answers: 64 << 20, records: 128 << 20, worker_slots: 16_384 }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            admin: None,
            send_from: vec![Ipv4Addr::UNSPECIFIED.into()],
            upstream_port: 53,
            root_hints: PathBuf::new(),
            server: ListenConfig::default(),
            cache: CacheConfig::default(),
            limits: Limits::default(),
            hints: None,
        }
    }
}

impl Config {
    /// Finds values that can't work.
    ///
    /// # Errors
    /// [`Invalid`], naming the key.
    pub fn check(&self) -> Result<(), Invalid> {
        let count = |v4: bool| self.send_from.iter().filter(|ip| ip.is_ipv4() == v4).count();
        let limits = &self.limits;
        let rules = [
            (
                !self.send_from.is_empty(),
                "send-from",
                "no address",
                "write [\"0.0.0.0\"] to let the kernel choose",
            ),
            (
                count(true) <= 1 && count(false) <= 1,
                "send-from",
                "two addresses of one family",
                "keep one of them",
            ),
            (self.upstream_port != 0, "upstream-port", "no port", "write 53"),
            (self.cache.answers >= 1 << 16, "cache.answers", "too little", "write 65536 at the least"),
            (self.cache.records >= 1 << 16, "cache.records", "too little", "write 65536 at the least"),
            (
                self.cache.worker_slots <= 1 << 24,
                "cache.worker-slots",
                "too many",
                "write 16777216 at the most",
            ),
            (limits.packets >= 4, "limits.packets", "too few for any answer", "write 64"),
            ((1..=64).contains(&limits.restarts), "limits.restarts", "out of range", "write 1 to 64"),
            (limits.depth <= 32, "limits.depth", "too deep", "write 7"),
            (
                (100..=60_000).contains(&limits.deadline_ms),
                "limits.deadline-ms",
                "out of range",
                "write 100 to 60000",
            ),
            (
                limits.failure_ttl <= 300,
                "limits.failure-ttl",
                "above RFC 9520's 5 minutes",
                "write 300 at the most",
            ),
        ];
        match rules.into_iter().find(|rule| !rule.0) {
            Some((_, key, problem, mend)) => Err(Invalid::new(key, problem, mend)),
            None => Ok(()),
        }
    }

    /// The root's servers; a relative file starts from `base`.
    ///
    /// # Errors
    /// [`HintsError`]
    pub fn root_hints(&self, base: &Path) -> Result<Vec<NameServer>, HintsError> {
        match &self.hints {
            Some(hints) => Ok(hints.clone()),
            None if self.root_hints.as_os_str().is_empty() => {
                hints::parse(hints::BUILT_IN, Path::new("built-in root.hints"))
            }
            None => hints::load(&base.join(&self.root_hints)),
        }
    }

    /// Where to listen, the access list filled in.
    pub(crate) fn listen(&self) -> ListenConfig {
        let mut listen = self.server.clone();
        if listen.acl.allow.is_empty() {
            listen.acl.allow = near();
        }
        listen
    }
}

fn near() -> Vec<IpNet> {
    NEAR.iter().filter_map(|prefix| prefix.parse().ok()).collect()
}
