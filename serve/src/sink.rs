//! Where the answers of the slow path go, and the bounded queue in front of it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use wire::Rcode;

use crate::counters::{Counters, Dropped};
use crate::service::{Client, OwnedPacket, Service};
use crate::udp::Socket;

/// Where the answers of the slow path go: one message or, over TCP, many.
///
/// Dropped without a message it is silence, and counted as such.
#[derive(Debug)]
pub struct Sink {
    to: SinkTo,
    limit: usize,
    counters: Arc<Counters>,
    sent: bool,
}

#[derive(Debug)]
pub(crate) enum SinkTo {
    Udp {
        socket: Arc<Socket>,
        client: Client,
    },
    /// The permit is given back when the sink is dropped: the query is no longer in work.
    Tcp {
        frames: mpsc::Sender<Box<[u8]>>,
        _in_flight: Option<OwnedSemaphorePermit>,
    },
}

/// How often, and how far apart, a datagram is tried again that the socket's send buffer had no room for.
const RETRIES: usize = 10;
const RETRY_AFTER: Duration = Duration::from_millis(1);

impl Sink {
    pub(crate) fn new(to: SinkTo, limit: usize, counters: Arc<Counters>) -> Self {
        Self { to, limit, counters, sent: false }
    }

    /// A sink that belongs to no socket, and where its messages come out: for tests of services.
    pub fn detached(limit: usize) -> (Self, mpsc::Receiver<Box<[u8]>>) {
        let (frames, received) = mpsc::channel(16);
        (Self::new(SinkTo::Tcp { frames, _in_flight: None }, limit, Arc::default()), received)
    }

    /// The longest message that it takes, in octets: over UDP what both the asker and the configuration
    /// allow, over TCP 65,535.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Sends one message. Over TCP it waits while the asker reads too slowly.
    ///
    /// # Errors
    /// `InvalidInput` for a message above [`Sink::limit`] or without a header, `BrokenPipe` where the
    /// asker has gone, and what the socket says. There is nobody to tell, so stop.
    pub async fn send(&mut self, message: &[u8]) -> io::Result<()> {
        if message.len() > self.limit || message.len() < wire::HEADER {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a message of a length that cannot be sent",
            ));
        }
        if !self.sent {
            // The upper bits of an extended code (RFC 6891 §6.1.3) are not worth a walk to the OPT record.
            self.counters.response(Rcode(u16::from(message[3] & 0xF))).add();
            self.sent = true;
        }
        match &self.to {
            SinkTo::Udp { socket, client } => send_datagram(socket, message, client).await,
            SinkTo::Tcp { frames, .. } => {
                frames.send(message.into()).await.map_err(|_| io::ErrorKind::BrokenPipe.into())
            }
        }
        .inspect_err(|_| self.counters.dropped(Dropped::SendFailed).add())
    }
}

async fn send_datagram(socket: &Socket, message: &[u8], client: &Client) -> io::Result<()> {
    for _ in 0..RETRIES {
        match socket.send(message, client.address, client.local) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => tokio::time::sleep(RETRY_AFTER).await,
            done => return done,
        }
    }
    socket.send(message, client.address, client.local)
}

impl Drop for Sink {
    fn drop(&mut self) {
        if !self.sent {
            self.counters.dropped(Dropped::Service).add();
        }
        if std::thread::panicking() {
            self.counters.panics.add();
        }
    }
}

/// A query on its way down the slow path.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) packet: OwnedPacket,
    pub(crate) client: Client,
    pub(crate) sink: Sink,
}

/// Runs the jobs of the queue, at most `tasks` at a time, until every sender is gone and every job done.
pub(crate) async fn dispatch<S: Service>(service: Arc<S>, mut queue: mpsc::Receiver<Job>, tasks: u32) {
    let permits = Arc::new(Semaphore::new(tasks as usize));
    while let Ok(permit) = Arc::clone(&permits).acquire_owned().await {
        let Some(Job { packet, client, sink }) = queue.recv().await else { break };
        let service = Arc::clone(&service);
        tokio::spawn(async move {
            service.slow(packet, client, sink).await;
            drop(permit);
        });
    }
    // Every permit is back when every job is done.
    let _ = permits.acquire_many(tasks).await;
}
