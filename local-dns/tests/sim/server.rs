//! A scripted authoritative server: zone data answered by RFC 1034 §4.3.2, spoilt as the script says.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, RngExt};
use serve::Transport;
use wire::{Message, Name, Rcode, Record, Rtype, Section};

const QR: u16 = 0x8000;
const AA: u16 = 0x0400;
const TC: u16 = 0x0200;
const RA: u16 = 0x0080;

/// What comes back of a packet.
pub enum Reply {
    Unreachable,
    /// Each so much later than the question.
    Packets(Vec<(Duration, Vec<u8>)>),
}

/// An answer word for word, whatever the zone says.
#[derive(Clone, Debug)]
pub struct Scripted {
    pub name: Name,
    pub rtype: Option<Rtype>,
    pub body: Body,
}

/// Everything behind the question.
#[derive(Clone, Debug, Default)]
pub struct Body {
    pub flags: u16,
    pub rcode: u16,
    pub records: Vec<(Section, Record)>,
}

/// One server.
#[derive(Clone, Debug, Default)]
pub struct Server {
    pub apex: Option<Name>,
    pub records: Vec<Record>,
    pub scripted: Vec<Scripted>,
    pub delay: Duration,
    /// Percent of questions that get no answer.
    pub loss: u32,
    /// The response code of every answer.
    pub rcode: Option<Rcode>,
    pub traits: Vec<String>,
    /// Questions that came.
    pub asked: Vec<(Name, Rtype)>,
}

impl Server {
    fn is(&self, word: &str) -> bool {
        self.traits.iter().any(|own| own == word)
    }

    /// Answers a packet.
    pub fn answer(&mut self, packet: &[u8], transport: Transport, rng: &mut StdRng) -> Reply {
        let message = Message::parse(packet).expect("the iterator sends good packets");
        let (name, rtype, _) = message.question.clone().expect("with a question");
        assert!(!message.is_response());
        self.asked.push((name.clone(), rtype));
        let tcp = transport == Transport::Tcp;
        if self.is("unreachable") || tcp && self.is("no-tcp") {
            return Reply::Unreachable;
        }
        if self.is("dead") || rng.random_range(0..100) < self.loss {
            return Reply::Packets(Vec::new());
        }
        let mut body = self.body(&name, rtype);
        if let Some(rcode) = self.rcode {
            body = Body { rcode: rcode.0, ..Body::default() };
        }
        if self.is("no-edns") && message.counts()[2] > 0 {
            body = Body { rcode: Rcode::FORMERR.0, ..Body::default() };
        }
        if self.is("truncates") && !tcp {
            body = Body { flags: TC, ..Body::default() };
        }
        if self.is("recursive") {
            body.flags = RA;
        }
        let good = write(message.id, &name, rtype, &body);
        let mut packets = Vec::new();
        if self.is("tudoor") {
            packets.extend(self.lies(&good, rng));
        }
        packets.push((self.delay, good));
        Reply::Packets(packets)
    }

    /// What an attacker sends before the answer: cut short, with a wrong id, for another question, as a
    /// query, with records that overrun, and noise.
    fn lies(&self, good: &[u8], rng: &mut StdRng) -> Vec<(Duration, Vec<u8>)> {
        let changed = |at: usize, mask: u8| {
            let mut lie = good.to_vec();
            lie[at] ^= mask;
            lie
        };
        let mut noise = vec![0; 64];
        rng.fill_bytes(&mut noise);
        let answers = changed(7, 0x40);
        let lies = [good[..11].to_vec(), changed(0, 1), changed(13, 1), changed(2, 0x80), answers, noise];
        lies.into_iter().map(|lie| (self.delay / 2, lie)).collect()
    }

    fn body(&self, name: &Name, rtype: Rtype) -> Body {
        let fits = |reply: &&Scripted| reply.name == *name && reply.rtype.is_none_or(|want| want == rtype);
        if let Some(scripted) = self.scripted.iter().find(fits) {
            return scripted.body.clone();
        }
        match &self.apex {
            Some(apex) if name.is_at_or_below(apex) => self.look_up(apex, name.clone(), rtype),
            _ => Body { rcode: Rcode::REFUSED.0, ..Body::default() },
        }
    }

    /// RFC 1034 §4.3.2, without wildcards.
    fn look_up(&self, apex: &Name, mut name: Name, rtype: Rtype) -> Body {
        let mut body = Body { flags: AA, ..Body::default() };
        loop {
            if let Some(cut) = self.cut(apex, &name, rtype) {
                return self.refer(body, &cut);
            }
            let mut here = self.records.iter().filter(|record| record.owner == name).peekable();
            let exists = here.peek().is_some();
            let wanted: Vec<&Record> = here.clone().filter(|record| record.rtype == rtype).collect();
            let alias = here.find(|record| record.rtype == Rtype::CNAME);
            body.records.extend(wanted.iter().map(|record| (Section::Answer, (*record).clone())));
            match alias {
                _ if !wanted.is_empty() && rtype == Rtype::NS => return self.add_glue(body),
                _ if !wanted.is_empty() => return body,
                Some(alias) => {
                    body.records.push((Section::Answer, alias.clone()));
                    name = alias.target().expect("a CNAME has a target");
                    if !name.is_at_or_below(apex) || body.records.len() > 20 {
                        return body;
                    }
                }
                None => {
                    let below = |record: &Record| record.owner.is_at_or_below(&name);
                    if !exists && !self.records.iter().any(below) {
                        body.rcode = Rcode::NXDOMAIN.0;
                    }
                    let soa = self.records.iter().find(|record| record.rtype == Rtype::SOA);
                    body.records.extend(soa.map(|soa| (Section::Authority, soa.clone())));
                    return body;
                }
            }
        }
    }

    /// The zone cut at or above `name`, the highest.
    fn cut(&self, apex: &Name, name: &Name, rtype: Rtype) -> Option<Name> {
        let cuts = self.records.iter().filter(|record| {
            let at_parent = rtype == Rtype::DS && record.owner == *name;
            record.rtype == Rtype::NS
                && record.owner != *apex
                && name.is_at_or_below(&record.owner)
                && !at_parent
        });
        cuts.map(|record| &record.owner).min_by_key(|owner| owner.label_count()).cloned()
    }

    fn refer(&self, mut body: Body, cut: &Name) -> Body {
        if body.records.is_empty() {
            body.flags = 0;
        }
        let servers = self.records.iter().filter(|record| record.rtype == Rtype::NS && record.owner == *cut);
        for server in servers {
            body.records.push((Section::Authority, server.clone()));
        }
        self.add_glue(body)
    }

    fn add_glue(&self, mut body: Body) -> Body {
        let targets: Vec<Name> = body.records.iter().filter_map(|(_, record)| record.target()).collect();
        for record in &self.records {
            if matches!(record.rtype, Rtype::A | Rtype::AAAA) && targets.contains(&record.owner) {
                body.records.push((Section::Additional, record.clone()));
            }
        }
        body
    }
}

/// A response, names uncompressed.
pub fn write(id: u16, name: &Name, rtype: Rtype, body: &Body) -> Vec<u8> {
    let count = |section| body.records.iter().filter(|(own, _)| *own == section).count() as u16;
    let counts = [count(Section::Answer), count(Section::Authority), count(Section::Additional)];
    let mut out = Vec::new();
    for word in [id, QR | body.flags | body.rcode & 0xF, 1, counts[0], counts[1], counts[2]] {
        out.extend_from_slice(&word.to_be_bytes());
    }
    out.extend_from_slice(name.as_wire());
    for word in [rtype.0, 1] {
        out.extend_from_slice(&word.to_be_bytes());
    }
    for section in [Section::Answer, Section::Authority, Section::Additional] {
        for (_, record) in body.records.iter().filter(|(own, _)| *own == section) {
            out.extend_from_slice(record.owner.as_wire());
            out.extend_from_slice(&record.rtype.0.to_be_bytes());
            out.extend_from_slice(&record.class.0.to_be_bytes());
            out.extend_from_slice(&record.ttl.to_be_bytes());
            out.extend_from_slice(&(record.rdata.len() as u16).to_be_bytes());
            out.extend_from_slice(&record.rdata);
        }
    }
    out
}
