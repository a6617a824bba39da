//! Streams (RFC 7766): many queries on a connection, answered as they get ready.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use crate::acl::Otherwise;
use crate::service::{Client, Service, Transport};
use crate::sink::{Job, SinkTo};
use crate::worker::{Shared, Worker};

/// The longest message that the two octets of its length can announce.
const MESSAGE: usize = u16::MAX as usize;

/// Replies that wait for a slow reader; then its queries wait.
const FRAMES: usize = 4;

/// How long a server that stops still takes queries that are on their way.
const LAST_CALL: Duration = Duration::from_millis(50);

/// Replies are gathered into one write up to so many octets.
const WRITE: usize = 16 << 10;

/// TCP: how long, how many.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct TcpConfig {
    /// Seconds after which a connection is closed on which nothing is asked, a query does not end or an
    /// answer is not taken; 10 by default.
    pub idle_timeout: u64,
    /// Connections in all; 1000 by default.
    pub connections: usize,
    /// Connections of one client, an IPv4 address or an IPv6 /64; 100 by default.
    pub connections_per_client: usize,
    /// Queries of one connection that may be in work at the same time; 64 by default.
    pub pipeline: usize,
}

impl Default for TcpConfig {
    fn default() -> Self {
        Self { idle_timeout: 10, connections: 1000, connections_per_client: 100, pipeline: 64 }
    }
}

/// What the connections of one server share.
pub(crate) struct Tcp<S: Service> {
    shared: Arc<Shared<S>>,
    /// As many workers as cores; a query takes one that is free.
    lanes: Vec<Mutex<Lane<S>>>,
    next_lane: AtomicUsize,
    config: TcpConfig,
    clients: Mutex<HashMap<IpAddr, usize>>,
}

struct Lane<S: Service> {
    worker: Worker<S>,
    reply: Box<[u8]>,
}

impl<S: Service> Tcp<S> {
    pub(crate) fn new(
        shared: &Arc<Shared<S>>,
        lanes: usize,
        slow_queue: &mpsc::Sender<Job>,
        config: TcpConfig,
    ) -> Self {
        let lane = |core| {
            let worker = Worker::new(shared, core, slow_queue.clone());
            Mutex::new(Lane { worker, reply: vec![0; MESSAGE].into() })
        };
        Self {
            lanes: (0..lanes).map(lane).collect(),
            next_lane: AtomicUsize::new(0),
            config,
            clients: Mutex::default(),
            shared: Arc::clone(shared),
        }
    }

    fn idle_timeout(&self) -> Duration {
        Duration::from_secs(self.config.idle_timeout)
    }

    /// Has a worker answer the query; the reply, if there is one already.
    fn handle(&self, packet: &[u8], client: &Client, sink_to: impl FnOnce() -> SinkTo) -> Option<Box<[u8]>> {
        let first = self.next_lane.fetch_add(1, Ordering::Relaxed);
        let lane = |index: usize| &self.lanes[(first + index) % self.lanes.len()];
        let free = (0..self.lanes.len()).find_map(|index| lane(index).try_lock().ok());
        let mut taken = free.unwrap_or_else(|| lane(0).lock().unwrap_or_else(PoisonError::into_inner));
        let Lane { worker, reply } = &mut *taken;
        let length = worker.handle(packet, client, reply, sink_to)?;
        Some(reply[..length].into())
    }

    /// A place among the connections for this client, unless a limit says no.
    fn admit(self: &Arc<Self>, client: IpAddr) -> Option<Admitted<S>> {
        let counters = &self.shared.counters;
        let client = crowd(client);
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let of_client = clients.get(&client).copied().unwrap_or(0);
        let open = counters.connections.load(Ordering::Relaxed);
        if open >= self.config.connections || of_client >= self.config.connections_per_client {
            counters.connections_refused.add();
            return None;
        }
        clients.insert(client, of_client + 1);
        counters.connections.fetch_add(1, Ordering::Relaxed);
        Some(Admitted { tcp: Arc::clone(self), client })
    }
}

/// What counts as one client: an IPv4 address or an IPv6 /64, which is what one host gets.
fn crowd(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
        v4 => v4,
    }
}

/// A connection's place; given back when it ends.
struct Admitted<S: Service> {
    tcp: Arc<Tcp<S>>,
    client: IpAddr,
}

impl<S: Service> Drop for Admitted<S> {
    fn drop(&mut self) {
        self.tcp.shared.counters.connections.fetch_sub(1, Ordering::Relaxed);
        let mut clients = self.tcp.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = clients.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                clients.remove(&self.client);
            }
        }
    }
}

/// Accepts connections until `stop` changes, then waits for those that are open to end.
pub(crate) async fn run<S: Service>(
    listener: TcpListener,
    tcp: Arc<Tcp<S>>,
    mut stop: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            _ = stop.changed() => break,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, address)) => {
                let silenced = tcp.shared.acl.verdict(address.ip()) == Some(Otherwise::Silence);
                let admitted = if silenced { None } else { tcp.admit(address.ip()) };
                let (Some(admitted), Ok(local)) = (admitted, stream.local_addr()) else { continue };
                let client = Client { address, local: local.ip(), transport: Transport::Tcp };
                // Replies are written whole; waiting for more to send would only delay them.
                let _ = stream.set_nodelay(true);
                let stop = stop.clone();
                connections.spawn(async move { serve(&admitted.tcp, stream, client, stop).await });
            }
            // Most likely out of descriptors: some connection must end first.
            Err(error) => {
                tracing::warn!(%error, "cannot accept a TCP connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Serves one connection to its end.
async fn serve<S: Service>(
    tcp: &Tcp<S>,
    stream: impl AsyncRead + AsyncWrite,
    client: Client,
    stop: watch::Receiver<bool>,
) {
    let (input, output) = tokio::io::split(stream);
    let (frames, replies) = mpsc::channel(FRAMES);
    let mut writing = std::pin::pin!(write_replies(output, replies, tcp.idle_timeout()));
    // Whichever way reading ends, what is in work is still answered, if the client takes it.
    tokio::select! {
        _ = &mut writing => return,
        _ = read_queries(tcp, input, client, frames, stop) => {}
    }
    let _ = writing.await;
}

/// Reads queries until the client ends, errs or idles, or the server stops.
async fn read_queries<S: Service>(
    tcp: &Tcp<S>,
    input: impl AsyncRead + Unpin,
    client: Client,
    frames: mpsc::Sender<Box<[u8]>>,
    mut stop: watch::Receiver<bool>,
) -> io::Result<()> {
    let mut input = BufReader::with_capacity(4 << 10, input);
    let mut packet = Vec::new();
    let in_work = Arc::new(Semaphore::new(tcp.config.pipeline));
    let mut last_call = None;
    loop {
        let arrived = match last_call {
            None => tokio::select! {
                arrived = timeout(tcp.idle_timeout(), input.fill_buf()) => arrived,
                _ = stop.wait_for(|stop| *stop) => {
                    last_call = Some(Instant::now() + LAST_CALL);
                    continue;
                }
            },
            Some(end) if Instant::now() < end => timeout_at(end, input.fill_buf()).await,
            Some(_) => return Ok(()),
        };
        match arrived {
            Ok(octets) => {
                if octets?.is_empty() {
                    return Ok(());
                }
            }
            // Not idle while it waits for an answer (RFC 7766 §6.2.3).
            Err(_) if last_call.is_none() && in_work.available_permits() < tcp.config.pipeline => continue,
            Err(_) => return Ok(()),
        }
        timeout(tcp.idle_timeout(), read_message(&mut input, &mut packet)).await??;
        let Ok(permit) = Arc::clone(&in_work).acquire_owned().await else { return Ok(()) };
        let sink_to = || SinkTo::Tcp { frames: frames.clone(), _in_flight: Some(permit) };
        if let Some(reply) = tcp.handle(&packet, &client, sink_to) {
            frames.send(reply).await.map_err(|_| io::ErrorKind::BrokenPipe)?;
        }
    }
}

/// Reads one message; memory grows as octets arrive, not as they are announced.
async fn read_message(input: &mut (impl AsyncRead + Unpin), packet: &mut Vec<u8>) -> io::Result<()> {
    let length = input.read_u16().await?;
    packet.clear();
    packet.shrink_to(WRITE);
    match input.take(u64::from(length)).read_to_end(packet).await? {
        read if read == usize::from(length) => Ok(()),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Writes the replies, each behind its length, until there can be no more or the client does not read.
async fn write_replies(
    mut output: impl AsyncWrite + Unpin,
    mut replies: mpsc::Receiver<Box<[u8]>>,
    patience: Duration,
) -> io::Result<()> {
    let mut out = Vec::new();
    while let Some(reply) = replies.recv().await {
        frame(&mut out, &reply);
        while out.len() < WRITE
            && let Ok(reply) = replies.try_recv()
        {
            frame(&mut out, &reply);
        }
        timeout(patience, output.write_all(&out)).await??;
        out.clear();
        out.shrink_to(WRITE);
    }
    timeout(patience, output.shutdown()).await?
}

fn frame(out: &mut Vec<u8>, reply: &[u8]) {
    // Replies come from buffers of at most 65,535 octets, and from `Sink`, which checks.
    out.extend_from_slice(&(reply.len() as u16).to_be_bytes());
    out.extend_from_slice(reply);
}

/// Binds a listener for streams.
pub(crate) fn bind(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    use socket2::{Domain, Protocol, Type};
    let socket = socket2::Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // Connections that ended lately must not keep a new server from its port.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(1024)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests;
