use std::net::SocketAddr;
use std::time::Duration;

use proptest::prelude::*;
use wire::{Ask, Name, Rtype};

use super::*;
use crate::acl::AclConfig;

/// Answers NOERROR; what begins with `slow` after a minute.
pub(crate) struct Patient;

impl Service for Patient {
    type Worker = Self;

    fn worker(&self, _core: usize) -> Self {
        Self
    }

    async fn slow(&self, packet: OwnedPacket, _client: Client, mut sink: Sink) {
        tokio::time::sleep(Duration::from_secs(60)).await;
        let query = packet.query().unwrap();
        let mut buffer = [0; 512];
        let length = Reply::to(&query, &mut buffer, sink.limit()).finish();
        sink.send(&buffer[..length]).await.unwrap();
    }
}

impl Answer for Patient {
    fn answer(&mut self, query: &Query<'_>, _client: &Client, _reply: &mut Reply<'_>) -> Outcome {
        if query.question.wire.starts_with(b"\x04slow") { Outcome::Slow } else { Outcome::Done }
    }
}

/// What the workers of [`Patient`] share, and the slow path's queue with room for one.
pub(crate) fn shared() -> (Arc<Shared<Patient>>, mpsc::Sender<Job>, mpsc::Receiver<Job>) {
    let (slow_queue, jobs) = mpsc::channel(1);
    let counters = ServerCounters::new("patient", slow_queue.downgrade()).unwrap();
    let shared = Shared {
        service: Arc::new(Patient),
        acl: Acl::new(&AclConfig::default()),
        counters: Arc::new(counters),
        udp_payload: 1232,
    };
    (Arc::new(shared), slow_queue, jobs)
}

pub(crate) fn question(id: u16, name: &str) -> Vec<u8> {
    let name: Name = name.parse().unwrap();
    let mut packet = Vec::new();
    Ask::new(id, &name, Rtype::A).write(&mut packet);
    packet
}

pub(crate) fn client(transport: Transport) -> Client {
    let address = SocketAddr::from(([192, 0, 2, 1], 5353));
    Client { address, local: [192, 0, 2, 53].into(), transport }
}

/// What the worker says to the packet; the sink of a slow query leads nowhere.
fn handle(worker: &mut Worker<Patient>, packet: &[u8], transport: Transport) -> Option<Vec<u8>> {
    let mut buffer = [0; 4096];
    let (frames, _) = mpsc::channel(1);
    let sink_to = || SinkTo::Tcp { frames, _in_flight: None };
    let length = worker.handle(packet, &client(transport), &mut buffer, sink_to)?;
    Some(buffer[..length].to_vec())
}

#[test]
fn the_limit_of_a_slow_answer_is_the_transports_and_the_askers() {
    let (shared, slow_queue, mut jobs) = shared();
    let mut worker = Worker::new(&shared, 0, slow_queue);
    let edns = question(1, "slow.example.");
    let mut plain = edns[..edns.len() - 11].to_vec();
    plain[11] = 0;
    for (packet, transport, expected) in
        [(&plain, Transport::Udp, 512), (&edns, Transport::Udp, 1232), (&plain, Transport::Tcp, 65_535)]
    {
        assert_eq!(handle(&mut worker, packet, transport), None);
        let job = jobs.try_recv().unwrap();
        assert_eq!((job.sink.limit(), &job.packet.0[..]), (expected, &packet[..]));
    }
}

/// The promises that hold for every packet, whatever it is.
fn keeps_its_promises(packet: &[u8], transport: Transport) -> Result<(), TestCaseError> {
    let (shared, slow_queue, _jobs) = shared();
    let mut worker = Worker::new(&shared, 0, slow_queue);
    let Some(reply) = handle(&mut worker, packet, transport) else { return Ok(()) };
    prop_assert!(packet.len() >= wire::HEADER && packet[2] & 0x80 == 0, "silence");
    prop_assert_eq!(&reply[..2], &packet[..2], "the id");
    prop_assert_eq!(reply[2] & 0xF8, packet[2] & 0x78 | 0x80, "QR and the opcode");
    // No client can be flooded by packets in its name: what is no good query gets little more than it sent.
    prop_assert!(reply.len() <= packet.len() + 11, "amplified");
    Ok(())
}

proptest! {
    #[test]
    fn any_octets(packet in prop::collection::vec(any::<u8>(), 0..600), tcp: bool) {
        keeps_its_promises(&packet, if tcp { Transport::Tcp } else { Transport::Udp })?;
    }

    #[test]
    fn nearly_a_query(at in 0usize..42, octet: u8, cut in 0usize..60) {
        let mut packet = question(7, "www.example.");
        let length = packet.len();
        packet[at % length] = octet;
        packet.truncate(cut.max(1));
        keeps_its_promises(&packet, Transport::Udp)?;
    }
}
