//! The smallest server: it tells everyone their own address.
//!
//! ```sh
//! cargo run -p serve --example mirror -- --config serve/examples/mirror.toml
//! dig @127.0.0.1 -p 5300 me.example
//! ```

use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use prometheus::Registry;
use serde::Deserialize;
use serve::{
    Answer, Client, ConfigFile, Failure, Invalid, ListenConfig, Outcome, OwnedPacket, Program, Server,
    Service, Sink,
};
use wire::{Query, Reply, TemplateRef};

fn main() -> ExitCode {
    serve::program::run::<Running>()
}

/// Who asks is the answer, so there is no slow path.
struct Mirror {
    ttl: Arc<AtomicU32>,
}

struct Worker {
    ttl: Arc<AtomicU32>,
}

impl Service for Mirror {
    type Worker = Worker;

    fn worker(&self, _core: usize) -> Worker {
        Worker { ttl: Arc::clone(&self.ttl) }
    }

    async fn slow(&self, _packet: OwnedPacket, _client: Client, _sink: Sink) {}
}

impl Answer for Worker {
    fn answer(&mut self, _query: &Query<'_>, client: &Client, reply: &mut Reply<'_>) -> Outcome {
        let [a, b, c, d] = self.ttl.load(Ordering::Relaxed).to_be_bytes();
        // An A or AAAA record of the question's name (a pointer to offset 12), class IN.
        let mut body =
            [0xC0, 12, 0, 1, 0, 1, a, b, c, d, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let length = match client.address.ip() {
            IpAddr::V4(v4) => {
                body[12..16].copy_from_slice(&v4.octets());
                16
            }
            IpAddr::V6(v6) => {
                (body[3], body[11]) = (28, 16);
                body[12..].copy_from_slice(&v6.octets());
                28
            }
        };
        let counts = [1, 0, 0];
        let body = &body[..length];
        let answer = TemplateRef {
            body,
            ttls: &[],
            pointers: &[],
            counts,
            additional_at: length as u16,
            anchor_len: 1,
        };
        reply.template(answer, 0);
        Outcome::Done
    }
}

/// Its configuration file.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Config {
    admin: Option<SocketAddr>,
    ttl: u32,
    server: ListenConfig,
}

/// The server as a program.
struct Running {
    ttl: Arc<AtomicU32>,
    server: Server,
}

impl Program for Running {
    const NAME: &'static str = "mirror";
    const ABOUT: &'static str = "A DNS server that tells everyone their own address";
    const EXAMPLE: &'static str = include_str!("mirror.toml");
    type Config = Config;

    fn admin(config: &Config) -> Option<SocketAddr> {
        config.admin
    }

    fn check(config: &Config, file: &ConfigFile) -> Result<(), Failure> {
        config.server.check().map_err(|invalid| file.wrong(&invalid.within("server")))?;
        if config.ttl > 604_800 {
            return Err(file.wrong(&Invalid::new("ttl", "more than a week", "write 0 to 604800")).into());
        }
        Ok(())
    }

    async fn start(config: Config, _file: &ConfigFile, registry: &Registry) -> Result<Self, Failure> {
        let ttl = Arc::new(AtomicU32::new(config.ttl));
        let service = Arc::new(Mirror { ttl: Arc::clone(&ttl) });
        let server = serve::start(Self::NAME, &config.server, service, registry).await?;
        Ok(Self { ttl, server })
    }

    async fn reload(&mut self, config: Config, _file: &ConfigFile) -> Result<(), Failure> {
        self.ttl.store(config.ttl, Ordering::Relaxed);
        Ok(())
    }

    fn ready(&self) -> impl Fn() -> bool + Send + Sync + 'static {
        || true
    }

    fn pages(&self) -> Router {
        let ttl = Arc::clone(&self.ttl);
        let listening = format!("{:?}\n", self.server.local_addrs());
        Router::new()
            .route("/ttl", get(async move || format!("{}\n", ttl.load(Ordering::Relaxed))))
            .route("/listening", get(async || listening))
    }

    async fn stop(self, grace: Duration) {
        self.server.stop(grace).await;
    }
}
