//! Where a world stands: its network and the port of its name servers; and files rendered for it.
//!
//! The files that ship with Tern are written for 127.0.0.0/16 and port 5300. Another site has the same
//! text but for these two: every `127.0.` that begins an address becomes the other network's, every
//! whole number `5300` the other port.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

use ipnet::Ipv4Net;

use crate::error::Error;

/// A /16 of IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Net([u8; 2]);

impl Net {
    /// Whether an address is in it.
    pub fn contains(self, address: IpAddr) -> bool {
        matches!(address, IpAddr::V4(v4) if v4.octets()[..2] == self.0)
    }

    /// The network around an address.
    pub fn around(address: IpAddr) -> Option<Self> {
        match address {
            IpAddr::V4(v4) => Some(Self([v4.octets()[0], v4.octets()[1]])),
            IpAddr::V6(_) => None,
        }
    }
}

impl fmt::Display for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b] = self.0;
        write!(f, "{a}.{b}.0.0/16")
    }
}

impl FromStr for Net {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mend = "write an IPv4 network of length 16, such as 127.9.0.0/16";
        let bad = |what: &str| Error::config(format!("{what} (mend: {mend})"));
        let net: Ipv4Net = text.parse().map_err(|_| bad("not a network"))?;
        let [a, b, ..] = net.addr().octets();
        if net.prefix_len() != 16 {
            Err(bad("its length is not 16"))
        } else if net.addr() != net.network() {
            Err(bad("it has host bits set"))
        } else if net.addr().is_multicast() || a == 0 || a >= 240 {
            Err(bad("no host can have its addresses"))
        } else {
            Ok(Self([a, b]))
        }
    }
}

/// A network and a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site {
    /// Where all addresses of the world are.
    pub net: Net,
    /// The port of every name server.
    pub port: u16,
}

impl Default for Site {
    fn default() -> Self {
        Self { net: Net([127, 0]), port: 5300 }
    }
}

impl Site {
    /// A text of the default site, for this one.
    pub fn render(&self, text: &str) -> String {
        let [a, b] = self.net.0;
        let moved = replace(text, "127.0.", &format!("{a}.{b}."));
        replace(&moved, "5300", &self.port.to_string())
    }

    /// The admin endpoint of a world here.
    pub fn admin(&self) -> SocketAddr {
        let [a, b] = self.net.0;
        (Ipv4Addr::new(a, b, 0, 1), 9053).into()
    }
}

/// Replaces `old` wherever it is no part of a longer number or address.
fn replace(text: &str, old: &str, new: &str) -> String {
    let whole_number = old.ends_with(|c: char| c.is_ascii_digit());
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(old) {
        let (before, after) = (&rest[..at], &rest[at + old.len()..]);
        let previous = before.chars().next_back().or_else(|| out.chars().next_back());
        let begun = previous.is_some_and(|c| c.is_ascii_digit() || c == '.');
        let goes_on = whole_number && after.starts_with(|c: char| c.is_ascii_digit());
        out.push_str(before);
        out.push_str(if begun || goes_on { old } else { new });
        rest = after;
    }
    out + rest
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn site(net: &str, port: u16) -> Site {
        Site { net: net.parse().unwrap(), port }
    }

    #[test]
    fn addresses_and_ports_move_and_nothing_else_does() {
        let elsewhere = site("127.9.0.0/16", 5399);
        for (text, moved) in [
            ("listen = [\"127.0.1.1:5300\"]", "listen = [\"127.9.1.1:5399\"]"),
            ("dig @127.0.0.5 -p 5300", "dig @127.9.0.5 -p 5399"),
            ("127.0.0.2,127.0.0.3", "127.9.0.2,127.9.0.3"),
            ("upstream-port = 5300", "upstream-port = 5399"),
            ("admin = \"127.0.0.1:9053\"", "admin = \"127.9.0.1:9053\""),
            // Parts of other numbers and addresses.
            ("2026053001 1127.0.0.1 10.127.0.1 15300 53000", "2026053001 1127.0.0.1 10.127.0.1 15300 53000"),
            ("127.127.0.1 53005300", "127.127.0.1 53005300"),
            ("", ""),
        ] {
            assert_eq!(elsewhere.render(text), moved);
            assert_eq!(Site::default().render(text), text);
        }
    }

    #[test]
    fn only_a_network_of_16_bits_is_a_net() {
        assert_eq!("10.20.0.0/16".parse::<Net>().unwrap().to_string(), "10.20.0.0/16");
        for (text, problem) in [
            ("127.9.0.0", "not a network"),
            ("127.9.0.0/24", "its length is not 16"),
            ("127.9.1.0/16", "it has host bits set"),
            ("224.0.0.0/16", "no host can have its addresses"),
            ("0.0.0.0/16", "no host can have its addresses"),
        ] {
            let error = text.parse::<Net>().unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("{problem} (mend: write an IPv4 network of length 16, such as 127.9.0.0/16)")
            );
            assert_eq!(error.exit_code(), 2);
        }
    }

    #[test]
    fn an_address_is_in_the_net_around_it() {
        let net = Net::around([127, 9, 1, 1].into()).unwrap();
        assert!(net.contains([127, 9, 200, 3].into()) && !net.contains([127, 0, 0, 1].into()));
        assert_eq!(Net::around("::1".parse().unwrap()), None);
        assert_eq!(site("127.9.0.0/16", 1).admin().to_string(), "127.9.0.1:9053");
    }
}
