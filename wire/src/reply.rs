//! Replies, written into the caller's buffer: header, question, a template, OPT.

use crate::edns::{ClientSubnet, option};
use crate::query::{Fault, Query, flag};
use crate::template::TemplateRef;
use crate::types::{Opcode, Rcode, Rtype};
use crate::{HEADER, UDP_PAYLOAD};

/// Octets of an OPT record without options.
const OPT: usize = 11;

/// One reply. Begun by [`Reply::to`], filled by whoever answers, ended by [`Reply::finish`].
pub struct Reply<'b> {
    /// As long as the message may become, OPT included.
    buffer: &'b mut [u8],
    len: usize,
    /// Where records begin: behind the header, and the question where it fits.
    records_at: usize,
    rcode: Rcode,
    edns: Option<OptReply>,
}

/// The OPT record that will end the reply.
#[derive(Clone, Copy)]
struct OptReply {
    dnssec_ok: bool,
    client_subnet: Option<ClientSubnet>,
}

impl OptReply {
    fn wire_len(self) -> usize {
        OPT + self.client_subnet.map_or(0, |subnet| subnet.wire_len())
    }
}

impl<'b> Reply<'b> {
    /// Begins the reply to `query`: its id, opcode, RD, CD and question, rcode NOERROR, no other flag.
    /// `limit` is what the transport carries, in octets; for UDP pass
    /// [`Query::udp_payload`] capped by what the server is ready to send. Both should be 512 at the least,
    /// which header, question and OPT always fit; what does not fit is truncated.
    pub fn to(query: &Query<'_>, buffer: &'b mut [u8], limit: usize) -> Self {
        let flags = flag::QR
            | if query.recursion_desired { flag::RD } else { 0 }
            | if query.checking_disabled { flag::CD } else { 0 };
        let edns =
            query.edns.map(|edns| OptReply { dnssec_ok: edns.dnssec_ok, client_subnet: edns.client_subnet });
        let limit = limit.min(buffer.len());
        let mut reply =
            Self { buffer: &mut buffer[..limit], len: 0, records_at: 0, rcode: Rcode::NOERROR, edns };
        reply.head(query.id, flags, Some(query.question.wire));
        reply
    }

    /// Writes the error answer to a packet that is no good query; returns its length in octets, 0 where
    /// the buffer can't hold a header.
    pub fn fault(fault: &Fault<'_>, buffer: &'b mut [u8]) -> usize {
        let Opcode(opcode) = fault.opcode;
        let flags =
            flag::QR | u16::from(opcode & 0xF) << 11 | if fault.recursion_desired { flag::RD } else { 0 };
        let edns = fault.edns.then_some(OptReply { dnssec_ok: false, client_subnet: None });
        let mut reply = Self { buffer, len: 0, records_at: 0, rcode: fault.rcode, edns };
        reply.head(fault.id, flags, fault.question);
        reply.finish()
    }

    fn head(&mut self, id: u16, flags: u16, question: Option<&[u8]>) {
        let mut header = [0; HEADER];
        header[..2].copy_from_slice(&id.to_be_bytes());
        header[2..4].copy_from_slice(&flags.to_be_bytes());
        if !self.append(&header) {
            return;
        }
        if let Some(question) = question {
            match self.append(question) {
                true => self.buffer[5] = 1,
                false => self.set_truncated(),
            }
        }
        self.records_at = self.len;
    }

    /// Appends all of `octets` or, where they do not fit, nothing.
    fn append(&mut self, octets: &[u8]) -> bool {
        let room = self.buffer.get_mut(self.len..self.len + octets.len());
        let fits = room.is_some();
        if let Some(room) = room {
            room.copy_from_slice(octets);
            self.len += octets.len();
        }
        fits
    }

    fn set_flag(&mut self, bit: u16) {
        let [high, low] = bit.to_be_bytes();
        if let Some(flags) = self.buffer.get_mut(2..4) {
            flags[0] |= high;
            flags[1] |= low;
        }
    }

    /// Sets the response code.
    pub fn set_rcode(&mut self, rcode: Rcode) {
        self.rcode = rcode;
    }

    /// The response code as it is set.
    pub fn rcode(&self) -> Rcode {
        self.rcode
    }

    /// Sets AA: the answer is from a zone that this server holds.
    pub fn set_authoritative(&mut self) {
        self.set_flag(flag::AA);
    }

    /// Sets RA: this server recurses.
    pub fn set_recursion_available(&mut self) {
        self.set_flag(flag::RA);
    }

    /// Sets TC: the asker should come back over TCP.
    pub fn set_truncated(&mut self) {
        self.set_flag(flag::TC);
    }

    /// Sets the scope of the client subnet that the reply echoes: the answer holds for so many bits
    /// of its address (RFC 7871 §7.2.1), at the most as many as its family has; for nobody's in
    /// particular, 0, where the asker gave none. Without a client subnet in the query it does nothing.
    pub fn set_scope(&mut self, bits: u8) {
        if let Some(OptReply { client_subnet: Some(subnet), .. }) = &mut self.edns {
            subnet.scope = if subnet.source == 0 { 0 } else { bits.min(subnet.family.bits()) };
        }
    }

    /// Drops the client subnet from the reply, as a server does that does not use it (RFC 7871 §7.2.1).
    pub fn omit_client_subnet(&mut self) {
        if let Some(edns) = &mut self.edns {
            edns.client_subnet = None;
        }
    }

    /// Copies a prepared answer behind the question, its TTLs lowered by `age` seconds. The question
    /// must be at or below the template's anchor. Records of a template before go; TC stays.
    ///
    /// What does not fit goes: first the additional section, then all, with TC (RFC 2181 §9). A
    /// referral without its glue is truncated too (RFC 9471 §3).
    pub fn template(&mut self, template: TemplateRef<'_>, age: u32) {
        if self.len < HEADER {
            return;
        }
        self.len = self.records_at;
        let (body, counts) = self.fitting(template);
        self.append(body);
        for (index, count) in counts.into_iter().enumerate() {
            let at = 6 + 2 * index;
            self.buffer[at..at + 2].copy_from_slice(&count.to_be_bytes());
        }
        let moved = self.records_at.saturating_sub(HEADER + 4 + usize::from(template.anchor_len));
        let body = &mut self.buffer[self.records_at..self.len];
        if moved > 0 {
            move_pointers(body, template.pointers, moved as u16);
        }
        if age > 0 {
            lower_ttls(body, template.ttls, age);
        }
    }

    /// As much of a prepared answer as leaves room for the OPT record, and its counts.
    fn fitting<'t>(&mut self, template: TemplateRef<'t>) -> (&'t [u8], [u16; 3]) {
        let opt = self.edns.map_or(0, OptReply::wire_len);
        // Owner names point to the question: without it there is room for none.
        let room =
            if self.records_at > HEADER { self.buffer.len().saturating_sub(self.len + opt) } else { 0 };
        if template.body.len() <= room {
            return (template.body, template.counts);
        }
        let [answer, authority, _] = template.counts;
        match template.body.get(..usize::from(template.additional_at)) {
            Some(body) if body.len() <= room => {
                if answer == 0 {
                    self.set_truncated();
                }
                (body, [answer, authority, 0])
            }
            _ => {
                self.set_truncated();
                (&[], [0; 3])
            }
        }
    }

    /// Ends the message: the OPT record, the response code. Returns its length in octets, 0 where the
    /// buffer can't hold a header.
    ///
    /// A code above 15 needs the OPT record; without one SERVFAIL stands in for it.
    pub fn finish(mut self) -> usize {
        if self.len < HEADER {
            return 0;
        }
        let Rcode(rcode) = self.rcode;
        let extended = self.edns.is_some_and(|edns| self.write_opt(edns, (rcode >> 4) as u8));
        let low = if rcode > 0xF && !extended { Rcode::SERVFAIL.0 } else { rcode & 0xF };
        self.buffer[3] |= low as u8;
        self.len
    }

    /// Appends the OPT record where it fits, else sets TC.
    fn write_opt(&mut self, edns: OptReply, extended_rcode: u8) -> bool {
        if self.len + edns.wire_len() > self.buffer.len() {
            self.set_truncated();
            return false;
        }
        let mut opt = [0; OPT];
        opt[1..3].copy_from_slice(&Rtype::OPT.0.to_be_bytes());
        opt[3..5].copy_from_slice(&UDP_PAYLOAD.to_be_bytes());
        opt[5] = extended_rcode;
        opt[7] = if edns.dnssec_ok { 0x80 } else { 0 };
        opt[9..11].copy_from_slice(&((edns.wire_len() - OPT) as u16).to_be_bytes());
        self.append(&opt);
        if let Some(subnet) = edns.client_subnet {
            let length = subnet.wire_len() - 4;
            self.append(&option::CLIENT_SUBNET.to_be_bytes());
            self.append(&(length as u16).to_be_bytes());
            self.append(&subnet.data()[..length]);
        }
        let additional = u16::from_be_bytes([self.buffer[10], self.buffer[11]]).saturating_add(1);
        self.buffer[10..12].copy_from_slice(&additional.to_be_bytes());
        true
    }
}

/// Adds `by` to each pointer: names that it points to stand so much later in this message.
fn move_pointers(body: &mut [u8], pointers: &[u16], by: u16) {
    for &at in pointers {
        if let Some(pointer) = body.get_mut(usize::from(at)..usize::from(at) + 2) {
            let moved = u16::from_be_bytes([pointer[0], pointer[1]]).wrapping_add(by);
            pointer.copy_from_slice(&moved.to_be_bytes());
        }
    }
}

fn lower_ttls(body: &mut [u8], ttls: &[u16], age: u32) {
    for &at in ttls {
        if let Some(ttl) = body.get_mut(usize::from(at)..usize::from(at) + 4) {
            let left = u32::from_be_bytes([ttl[0], ttl[1], ttl[2], ttl[3]]).saturating_sub(age);
            ttl.copy_from_slice(&left.to_be_bytes());
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;
