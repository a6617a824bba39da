//! Listeners: what is configured, how they start, how they stop.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use prometheus::Registry;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::Deserialize;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use crate::acl::{Acl, AclConfig};
use crate::config::Invalid;
use crate::counters::{ServerCollector, ServerCounters};
use crate::service::Service;
use crate::tcp::{self, Tcp, TcpConfig};
use crate::udp::{self, Socket, UDP_REPLY};
use crate::worker::{Shared, Worker};
use crate::{StartError, sink};

/// Where a service listens, and how much it takes on.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ListenConfig {
    /// Addresses, each for UDP and TCP; `127.0.0.1:5300` by default. `0.0.0.0` and `[::]` stand for all
    /// addresses of their family; answers leave from the one that was asked. Port 0 takes a free one.
    pub listen: Vec<SocketAddr>,
    /// UDP workers of each listener; 0, the default, for one per core.
    pub workers: usize,
    /// Whether to tie each UDP worker to a core of its own; not by default.
    pub pin: bool,
    /// The longest reply over UDP, in octets, 512 to 4096; 1232 by default. Never more than the asker takes.
    pub udp_payload: u16,
    /// Queries that may wait for the slow path; 4096 by default.
    pub slow_queue: usize,
    /// Queries that may be on the slow path at the same time; 1024 by default.
    pub slow_tasks: u32,
    /// Who may ask; everybody by default.
    pub acl: AclConfig,
    /// TCP.
    pub tcp: TcpConfig,
}

impl Default for ListenConfig {
    fn default() -> Self {
        Self {
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 5300))],
            workers: 0,
            pin: false,
            udp_payload: wire::UDP_PAYLOAD,
            slow_queue: 4096,
            slow_tasks: 1024,
            acl: AclConfig::default(),
            tcp: TcpConfig::default(),
        }
    }
}

impl ListenConfig {
    /// Finds values that cannot work, without touching the network.
    ///
    /// # Errors
    /// The first of them.
    pub fn check(&self) -> Result<(), Invalid> {
        const MANY: usize = 1 << 20;
        if self.listen.is_empty() {
            return Err(Invalid::new("listen", "no address", "name one, like 127.0.0.1:5300"));
        }
        let idle_timeout = usize::try_from(self.tcp.idle_timeout).unwrap_or(usize::MAX);
        for (key, value, range, mend) in [
            ("workers", self.workers, 0..=1024, "write 0 to 1024; 0 is one per core"),
            ("udp-payload", self.udp_payload.into(), 512..=UDP_REPLY, "write 512 to 4096; 1232 is best"),
            ("slow-queue", self.slow_queue, 1..=MANY, "write 1 to 1048576"),
            ("slow-tasks", self.slow_tasks as usize, 1..=MANY, "write 1 to 1048576"),
            ("tcp.idle-timeout", idle_timeout, 1..=86_400, "write 1 to 86400 seconds"),
            ("tcp.pipeline", self.tcp.pipeline, 1..=MANY, "write 1 to 1048576"),
        ] {
            if !range.contains(&value) {
                return Err(Invalid::new(key, format!("{value} is out of range"), mend));
            }
        }
        Ok(())
    }

    fn workers(&self) -> usize {
        match self.workers {
            0 => thread::available_parallelism().map_or(1, usize::from),
            count => count,
        }
    }
}

/// A service that listens.
#[derive(Debug)]
#[must_use = "a server that is dropped stops"]
pub struct Server {
    addresses: Vec<SocketAddr>,
    stop: Arc<AtomicBool>,
    stop_streams: watch::Sender<bool>,
    threads: Vec<JoinHandle<()>>,
    /// TCP listeners with their connections, and the slow path.
    tasks: JoinSet<()>,
    collector: ServerCollector,
    metrics: Registry,
}

/// What is bound for one address.
struct Bound {
    address: SocketAddr,
    datagrams: Vec<Arc<Socket>>,
    streams: tokio::net::TcpListener,
}

/// Binds every address of `config` and answers from now on. `name` becomes the metrics' label
/// `service`, and must be the only one of its kind in `metrics`. Runs within a tokio runtime.
///
/// # Errors
/// [`StartError`]; nothing listens then.
pub async fn start<S: Service>(
    name: &str,
    config: &ListenConfig,
    service: Arc<S>,
    metrics: &Registry,
) -> Result<Server, StartError> {
    config.check()?;
    raise_file_limit();
    let workers = config.workers();
    let bound: Vec<_> =
        config.listen.iter().map(|&address| bind(address, workers)).collect::<Result<_, _>>()?;

    let (slow_queue, jobs) = mpsc::channel(config.slow_queue);
    let counters = Arc::new(ServerCounters::new(name, slow_queue.downgrade())?);
    let shared = Arc::new(Shared {
        service: Arc::clone(&service),
        acl: Acl::new(&config.acl),
        counters: Arc::clone(&counters),
        udp_payload: config.udp_payload,
    });
    let collector = ServerCollector::new(&counters);
    metrics.register(Box::new(collector.clone()))?;
    let (stop_streams, stopped) = watch::channel(false);
    let mut server = Server {
        addresses: bound.iter().map(|bound| bound.address).collect(),
        stop: Arc::default(),
        stop_streams,
        threads: Vec::new(),
        tasks: JoinSet::new(),
        collector,
        metrics: metrics.clone(),
    };
    server.tasks.spawn(sink::dispatch(service, jobs, config.slow_tasks));
    let tcp = Arc::new(Tcp::new(&shared, workers, &slow_queue, config.tcp.clone()));
    for Bound { address, datagrams, streams } in bound {
        for (core, socket) in datagrams.into_iter().enumerate() {
            let worker = Worker::new(&shared, core, slow_queue.clone());
            let thread = server.spawn_worker(name, core, config.pin, socket, worker)?;
            server.threads.push(thread);
        }
        server.tasks.spawn(tcp::run(streams, Arc::clone(&tcp), stopped.clone()));
        tracing::info!(service = name, %address, workers, "listening");
    }
    Ok(server)
}

/// Lets the process open as many files as its hard limit allows. The soft one is 1024 nearly everywhere,
/// for programs that call `select`; connections and questions to other servers have a descriptor each.
fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, ?limit, "cannot raise the limit of open files");
    }
}

/// Binds one address, for UDP and TCP. A port of 0 becomes one that is free for both.
fn bind(address: SocketAddr, workers: usize) -> Result<Bound, StartError> {
    let failed = |transport| move |source| StartError::listen(transport, address, source);
    let mut tries = if address.port() == 0 { 10 } else { 1 };
    let (bound, streams) = loop {
        // This socket shares with none, so a second copy of the server fails here. It keeps the port
        // until TCP has it too.
        let (_probe, bound) = Socket::probe(address).map_err(failed("UDP"))?;
        tries -= 1;
        match tcp::bind(bound) {
            Ok(streams) => break (bound, streams),
            Err(error) if tries == 0 => return Err(failed("TCP")(error)),
            Err(_) => {}
        }
    };
    let datagrams = (0..workers).map(|_| Socket::bind(bound).map(Arc::new)).collect::<io::Result<_>>();
    Ok(Bound {
        address: bound,
        datagrams: datagrams.map_err(failed("UDP"))?,
        streams: tokio::net::TcpListener::from_std(streams).map_err(failed("TCP"))?,
    })
}

impl Server {
    fn spawn_worker<S: Service>(
        &self,
        name: &str,
        core: usize,
        pin: bool,
        socket: Arc<Socket>,
        mut worker: Worker<S>,
    ) -> Result<JoinHandle<()>, StartError> {
        let stop = Arc::clone(&self.stop);
        let work = move || {
            if pin && let Err(error) = udp::pin(core) {
                tracing::warn!(core, %error, "cannot tie the worker to its core");
            }
            udp::run(&socket, &mut worker, &stop);
        };
        thread::Builder::new().name(format!("{name}-{core}")).spawn(work).map_err(StartError::Thread)
    }

    /// The addresses that it listens on, in the configuration's order, ports filled in.
    pub fn local_addrs(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Stops: takes no more, answers what has come, within `grace`; what lasts longer is cut off.
    pub async fn stop(mut self, grace: Duration) {
        let deadline = Instant::now() + grace;
        self.begin_stop();
        let threads = std::mem::take(&mut self.threads);
        let joined =
            tokio::task::spawn_blocking(|| threads.into_iter().for_each(|thread| drop(thread.join())));
        // Workers and connections gone, the slow path's queue has no sender left, and ends when empty.
        let drained = timeout_at(deadline, async {
            let _ = joined.await;
            while self.tasks.join_next().await.is_some() {}
        });
        if drained.await.is_err() {
            tracing::warn!("queries were still in work at the end of the grace period");
        }
    }

    fn begin_stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
        self.stop_streams.send_replace(true);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.begin_stop();
        let _ = self.metrics.unregister(Box::new(self.collector.clone()));
    }
}
