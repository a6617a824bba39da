//! Questions to an upstream server.

use crate::UDP_PAYLOAD;
use crate::edns::{ClientSubnet, option};
use crate::name::Name;
use crate::query::flag;
use crate::types::{Class, Rtype};

/// A question as a client writes it.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The id; unpredictable, chosen by the caller (RFC 5452 §9.2).
    pub id: u16,
    /// The name, its case sent as it stands.
    pub name: &'a Name,
    /// The type.
    pub rtype: Rtype,
    /// RD.
    pub recursion_desired: bool,
    /// Whether to send an OPT record.
    pub edns: bool,
    /// DO, in the OPT record.
    pub dnssec_ok: bool,
    /// A client subnet, in the OPT record.
    pub client_subnet: Option<ClientSubnet>,
}

impl<'a> Ask<'a> {
    /// A question of class IN with an OPT record, RD clear.
    pub fn new(id: u16, name: &'a Name, rtype: Rtype) -> Self {
        Self { id, name, rtype, recursion_desired: false, edns: true, dnssec_ok: false, client_subnet: None }
    }

    /// Appends the message to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        let flags = if self.recursion_desired { flag::RD } else { 0 };
        for word in [self.id, flags, 1, 0, 0, u16::from(self.edns)] {
            out.extend_from_slice(&word.to_be_bytes());
        }
        out.extend_from_slice(self.name.as_wire());
        for word in [self.rtype.0, Class::IN.0] {
            out.extend_from_slice(&word.to_be_bytes());
        }
        if self.edns {
            let options = self.client_subnet.map_or(0, |subnet| subnet.wire_len()) as u16;
            out.push(0);
            let dnssec_ok = if self.dnssec_ok { 0x8000 } else { 0 };
            for word in [Rtype::OPT.0, UDP_PAYLOAD, 0, dnssec_ok, options] {
                out.extend_from_slice(&word.to_be_bytes());
            }
            if let Some(subnet) = self.client_subnet {
                let length = subnet.wire_len() - 4;
                out.extend_from_slice(&option::CLIENT_SUBNET.to_be_bytes());
                out.extend_from_slice(&(length as u16).to_be_bytes());
                out.extend_from_slice(&subnet.data()[..length]);
            }
        }
    }
}
