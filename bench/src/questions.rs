//! Questions in wire form, each with the answer that every server owes it: the load of a scenario, and a
//! sample by which each server proves that it does the work before it is measured.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::Ipv4Net;
use wire::edns::option;
use wire::{ClientSubnet, Message, Rcode, Rtype, Section};

use crate::error::Error;

/// How many of the questions are checked.
const SAMPLE: usize = 200;

/// A question and what must come of it.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    /// The message, as sent.
    pub(crate) packet: Vec<u8>,
    /// All addresses of the answer lie in it.
    pub(crate) net: Ipv4Net,
    /// How many addresses there are.
    pub(crate) count: usize,
    /// The longest ECS scope that the answer may have; none where ECS is not asked for.
    pub(crate) scope: Option<u8>,
}

/// The questions of a scenario.
#[derive(Debug)]
pub(crate) struct Questions {
    /// All of them, as `dnsperf -B` reads them: two octets of length, then the message (as over TCP).
    pub(crate) file: PathBuf,
    /// How many.
    pub(crate) count: usize,
    /// The ones that are checked.
    pub(crate) sample: Vec<Question>,
}

impl Questions {
    /// Writes the file into `dir`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn write(dir: &Path, all: &[Question]) -> Result<Self, Error> {
        let mut stream = Vec::new();
        for Question { packet, .. } in all {
            stream.extend_from_slice(&(packet.len() as u16).to_be_bytes());
            stream.extend_from_slice(packet);
        }
        let file = dir.join("questions.bin");
        fs::write(&file, stream).map_err(|source| Error::file(&file, source))?;
        let step = all.len().div_ceil(SAMPLE).max(1);
        Ok(Self { file, count: all.len(), sample: all.iter().step_by(step).cloned().collect() })
    }

    /// Asks the sample and compares the answers.
    ///
    /// # Errors
    /// At the first answer that is wrong or does not come within 2 s.
    pub(crate) fn check(&self, server: &'static str, address: SocketAddr) -> Result<(), Error> {
        let socket = UdpSocket::bind((address.ip(), 0)).map_err(Error::Socket)?;
        socket.connect(address).map_err(Error::Socket)?;
        socket.set_read_timeout(Some(Duration::from_secs(2))).map_err(Error::Socket)?;
        let mut buffer = [0; 4096];
        for (index, question) in self.sample.iter().enumerate() {
            let mut packet = question.packet.clone();
            packet[..2].copy_from_slice(&(index as u16).to_be_bytes());
            socket.send(&packet).map_err(Error::Socket)?;
            let wrong = |what: String| Error::WrongAnswer { server, index, what };
            loop {
                let length = socket.recv(&mut buffer).map_err(|error| wrong(error.to_string()))?;
                // A late answer to the probe, or to an earlier question, is not this one's.
                if buffer[..2] == packet[..2] {
                    question.judge(&buffer[..length]).map_err(wrong)?;
                    break;
                }
            }
        }
        Ok(())
    }
}

impl Question {
    /// Says what is wrong with a response.
    fn judge(&self, response: &[u8]) -> Result<(), String> {
        let message = Message::parse(response).map_err(|error| error.to_string())?;
        if message.header_rcode() != Rcode::NOERROR {
            return Err(format!("{}", message.header_rcode()));
        }
        let (mut addresses, mut scope) = (Vec::new(), None);
        for record in message.records() {
            let (section, record) = record.map_err(|error| error.to_string())?;
            match (section, record.rtype) {
                (Section::Answer, Rtype::A) => {
                    let octets =
                        <[u8; 4]>::try_from(&*record.rdata).map_err(|_| "an A record of odd size")?;
                    addresses.push(Ipv4Addr::from(octets));
                }
                (_, Rtype::OPT) => scope = scope_of(&record.rdata),
                _ => {}
            }
        }
        addresses.sort_unstable();
        addresses.dedup();
        if addresses.len() != self.count || !addresses.iter().all(|address| self.net.contains(address)) {
            return Err(format!("{addresses:?}, not {} of {}", self.count, self.net));
        }
        match (self.scope, scope) {
            (Some(longest), Some(scope)) if scope == 0 || scope > longest => {
                Err(format!("scope {scope}, not of 1 to {longest}"))
            }
            (Some(_), None) => Err("no client subnet option".into()),
            _ => Ok(()),
        }
    }
}

/// The scope of the client subnet in an OPT record's data.
fn scope_of(rdata: &[u8]) -> Option<u8> {
    wire::edns::options(rdata)
        .filter_map(Result::ok)
        .find(|(code, _)| *code == option::CLIENT_SUBNET)
        .and_then(|(_, data)| ClientSubnet::parse(data))
        .map(|subnet| subnet.scope)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use wire::{Ask, Name};

    use super::*;

    fn question() -> Question {
        let name: Name = "www.example".parse().unwrap();
        let client_subnet = Some(ClientSubnet::new("1.2.3.0".parse().unwrap(), 24));
        let mut packet = Vec::new();
        Ask { client_subnet, ..Ask::new(0, &name, Rtype::A) }.write(&mut packet);
        Question { packet, net: "198.18.0.0/24".parse().unwrap(), count: 2, scope: Some(16) }
    }

    /// The question's packet made a response: answers put between its question and its OPT record, the
    /// scope into the option.
    fn response(question: &Question, addresses: &[[u8; 4]], scope: u8) -> Vec<u8> {
        let mut packet = question.packet.clone();
        packet[2] |= 0x84;
        packet[7] = addresses.len() as u8;
        let opt = packet.len() - 22;
        let scope_at = packet.len() - 4;
        packet[scope_at] = scope;
        let answers = addresses.iter().flat_map(|octets| {
            let fixed = [0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 10, 0, 4];
            fixed.into_iter().chain(*octets)
        });
        packet.splice(opt..opt, answers.collect::<Vec<u8>>());
        packet
    }

    #[test]
    fn right_answers_pass_in_any_order() {
        let question = question();
        let judge = |packet: Vec<u8>| question.judge(&packet);
        assert_eq!(judge(response(&question, &[[198, 18, 0, 1], [198, 18, 0, 2]], 16)), Ok(()));
        assert_eq!(judge(response(&question, &[[198, 18, 0, 9], [198, 18, 0, 1]], 9)), Ok(()));
    }

    #[test]
    fn wrong_answers_do_not() {
        let question = question();
        let reason = |addresses: &[[u8; 4]], scope, rcode| {
            let mut packet = response(&question, addresses, scope);
            packet[3] |= rcode;
            question.judge(&packet).unwrap_err()
        };
        let two = [[198, 18, 0, 1], [198, 18, 0, 2]];
        assert_eq!(reason(&two, 16, 2), "SERVFAIL");
        assert_eq!(reason(&two, 17, 0), "scope 17, not of 1 to 16");
        assert_eq!(reason(&two, 0, 0), "scope 0, not of 1 to 16");
        assert_eq!(reason(&two[..1], 16, 0), "[198.18.0.1], not 2 of 198.18.0.0/24");
        assert_eq!(reason(&[two[0], two[0]], 16, 0), "[198.18.0.1], not 2 of 198.18.0.0/24");
        assert_eq!(
            reason(&[two[0], [198, 18, 1, 1]], 16, 0),
            "[198.18.0.1, 198.18.1.1], not 2 of 198.18.0.0/24"
        );
        let mut silent = question.packet.clone();
        silent[11] = 0;
        assert!(question.judge(&silent[..silent.len() - 22]).is_err());
    }
}
