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
