//! Packets by hand, octet by octet, and raw exchanges over UDP and TCP.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

/// The response code 0.
pub const NOERROR: u16 = 0;
/// RFC 1035 §4.1.1.
pub const FORMERR: u16 = 1;
/// RFC 1035 §4.1.1.
pub const SERVFAIL: u16 = 2;
/// RFC 1035 §4.1.1.
pub const NXDOMAIN: u16 = 3;
/// RFC 1035 §4.1.1.
pub const NOTIMP: u16 = 4;
/// RFC 1035 §4.1.1.
pub const REFUSED: u16 = 5;
/// RFC 6891 §9.
pub const BADVERS: u16 = 16;

/// The QTYPE of addresses.
pub const A: u16 = 1;

/// A query for `name`, class IN, RD set.
pub fn question(id: u16, name: &str, qtype: u16) -> Vec<u8> {
    let mut packet = Vec::new();
    packet.extend(id.to_be_bytes());
    packet.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.split('.').filter(|label| !label.is_empty()) {
        packet.push(u8::try_from(label.len()).expect("a label"));
        packet.extend(label.as_bytes());
    }
    packet.push(0);
    packet.extend(qtype.to_be_bytes());
    packet.extend([0, 1]);
    packet
}

/// The query with an OPT record: payload size 1232, `version`, and `options` in wire form (RFC 6891 §6.1).
pub fn with_opt(mut packet: Vec<u8>, version: u8, options: &[u8]) -> Vec<u8> {
    packet.extend([0, 0, 41, 0x04, 0xd0, 0, version, 0, 0]);
    packet.extend(u16::try_from(options.len()).expect("short options").to_be_bytes());
    packet.extend(options);
    packet[11] += 1;
    packet
}

/// An option in wire form.
pub fn option(code: u16, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).expect("a short option").to_be_bytes();
    [&code.to_be_bytes()[..], &length, data].concat()
}

/// A client subnet option (RFC 7871 §6); `address` as on the wire, cut to `source` bits or not.
pub fn client_subnet(family: u16, source: u8, scope: u8, address: &[u8]) -> Vec<u8> {
    option(8, &[&family.to_be_bytes()[..], &[source, scope], address].concat())
}

/// The id of a message.
pub fn id(message: &[u8]) -> u16 {
    u16::from_be_bytes([message[0], message[1]])
}

/// The response code of a message, with the upper bits from the OPT record if it has one. The OPT of
/// Tern's replies is their last record.
pub fn rcode(message: &[u8]) -> u16 {
    let low = u16::from(message[3] & 15);
    let opt = hickory_proto::op::Message::from_vec(message).ok().and_then(|message| message.edns);
    opt.map_or(low, |opt| (u16::from(opt.rcode_high()) << 4) | low)
}

/// Sends `packet` to `server` over UDP; the first datagram that comes back within `patience`.
pub fn exchange_udp(server: SocketAddr, packet: &[u8], patience: Duration) -> Option<Vec<u8>> {
    let asker = Asker::new(server);
    asker.send(packet);
    asker.receive(Instant::now() + patience)
}

/// A UDP socket that talks to one server.
pub struct Asker {
    socket: UdpSocket,
    server: SocketAddr,
}

impl Asker {
    /// From a free port of 127.0.0.1.
    pub fn new(server: SocketAddr) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback has free ports");
        Self { socket, server }
    }

    /// Sends a datagram.
    pub fn send(&self, packet: &[u8]) {
        self.socket.send_to(packet, self.server).expect("loopback takes datagrams");
    }

    /// The next datagram of the server; `None` where none comes before `deadline`.
    pub fn receive(&self, deadline: Instant) -> Option<Vec<u8>> {
        let mut buffer = [0; 4096];
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            self.socket.set_read_timeout(Some(left)).expect("not zero");
            match self.socket.recv_from(&mut buffer) {
                Ok((length, from)) if from == self.server => return Some(buffer[..length].to_vec()),
                // Not from whom we asked, or nothing came, or the port was closed a moment ago.
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
                Err(error) => panic!("{}: {error}", self.server),
            }
        }
    }

    /// Sends `packet`, then a question that `server` answers from memory, and waits for that answer:
    /// what came before it is for `packet`. Silence takes no time this way.
    pub fn try_packet(&self, packet: &[u8], sentinel: &[u8], patience: Duration) -> Vec<Vec<u8>> {
        self.send(packet);
        self.send(sentinel);
        let deadline = Instant::now() + patience;
        let mut replies = Vec::new();
        loop {
            let reply = self
                .receive(deadline)
                .unwrap_or_else(|| panic!("{} answers nothing any more after {packet:02x?}", self.server));
            if reply.len() >= 2 && id(&reply) == id(sentinel) {
                return replies;
            }
            replies.push(reply);
        }
    }
}

/// A TCP connection to a name server (RFC 7766).
pub struct Connection(TcpStream);

impl Connection {
    /// Connects; reads will wait for `patience` at most.
    pub fn open(server: SocketAddr, patience: Duration) -> Self {
        let stream =
            TcpStream::connect_timeout(&server, patience).unwrap_or_else(|e| panic!("{server}: {e}"));
        stream.set_read_timeout(Some(patience)).expect("not zero");
        stream.set_nodelay(true).expect("a TCP socket");
        Self(stream)
    }

    /// Sends octets as they are; `false` where the server has closed the connection.
    pub fn send_raw(&mut self, octets: &[u8]) -> bool {
        self.0.write_all(octets).is_ok()
    }

    /// Sends a message with its length before it.
    pub fn send(&mut self, message: &[u8]) -> bool {
        let length = u16::try_from(message.len()).expect("a message").to_be_bytes();
        self.send_raw(&[&length, message].concat())
    }

    /// No more will be sent.
    pub fn finish(&mut self) {
        // A server that has closed first is fine, too.
        let _ = self.0.shutdown(std::net::Shutdown::Write);
    }

    /// The next message; `None` where the server has closed the connection.
    pub fn receive(&mut self) -> Option<Vec<u8>> {
        let mut length = [0; 2];
        self.fill(&mut length)?;
        let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
        self.fill(&mut message)?;
        Some(message)
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Option<()> {
        match self.0.read_exact(buffer) {
            Ok(()) => Some(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                panic!("{:?} neither answers nor closes", self.0.peer_addr())
            }
            Err(_) => None,
        }
    }
}
