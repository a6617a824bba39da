//! Sockets towards servers: for each question a fresh one, from a random port, connected, so that nobody
//! else is heard (RFC 5452 §9.2).

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use rand::RngExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, UdpSocket};

use crate::iterator::Families;

/// Ports are drawn from here up to the last: below are those that services like to listen on.
const FIRST_PORT: u16 = 10_240;
/// How many random ports are tried before the kernel chooses one.
const DRAWS: usize = 8;

/// Where questions leave from, and go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Upstream {
    /// The port of every server.
    pub(super) port: u16,
    /// The address that questions to IPv4 servers leave from; none where IPv4 is not in use.
    pub(super) v4: Option<Ipv4Addr>,
    /// The same for IPv6.
    pub(super) v6: Option<Ipv6Addr>,
}

impl Upstream {
    pub(super) fn families(&self) -> Families {
        Families { v4: self.v4.is_some(), v6: self.v6.is_some() }
    }

    fn source(&self, server: IpAddr) -> io::Result<IpAddr> {
        let source = match server {
            IpAddr::V4(_) => self.v4.map(IpAddr::from),
            IpAddr::V6(_) => self.v6.map(IpAddr::from),
        };
        source.ok_or_else(|| io::ErrorKind::Unsupported.into())
    }

    /// A socket from which `server` can be asked; connected, it hears nobody else.
    pub(super) fn datagrams(&self, server: IpAddr) -> io::Result<UdpSocket> {
        let source = self.source(server)?;
        let mut rng = rand::rng();
        let drawn = (0..DRAWS).map(|_| rng.random_range(FIRST_PORT..=u16::MAX)).chain([0]);
        let mut bound = Err(io::ErrorKind::AddrInUse.into());
        for port in drawn {
            bound = std::net::UdpSocket::bind((source, port));
            match &bound {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                _ => break,
            }
        }
        let socket = bound?;
        socket.set_nonblocking(true)?;
        UdpSocket::from_std(socket)
    }

    /// Asks over TCP (RFC 7766): one question, one answer.
    pub(super) async fn stream(&self, server: IpAddr, packet: &[u8]) -> io::Result<Vec<u8>> {
        let source = self.source(server)?;
        let socket = if server.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.bind(SocketAddr::new(source, 0))?;
        let mut stream = socket.connect((server, self.port).into()).await?;
        stream.set_nodelay(true)?;
        let length = u16::try_from(packet.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        stream.write_all(&[&length.to_be_bytes(), packet].concat()).await?;
        let mut answer = vec![0; usize::from(stream.read_u16().await?)];
        stream.read_exact(&mut answer).await?;
        Ok(answer)
    }
}
