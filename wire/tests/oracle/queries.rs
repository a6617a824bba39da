//! Queries that hickory writes, read by us; questions that we write, read by hickory.

use std::net::IpAddr;

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query as TheirQuery};
use hickory_proto::rr::rdata::opt::{ClientSubnet as TheirSubnet, EdnsCode, EdnsOption, NSIDPayload};
use hickory_proto::rr::{Name as TheirName, RecordType};
use proptest::prelude::*;
use wire::{Ask, ClientSubnet, Query, Rtype};

use crate::samples::name;

/// What a query says.
#[derive(Clone, Debug)]
struct Said {
    id: u16,
    name: String,
    rtype: u16,
    rd: bool,
    cd: bool,
    edns: Option<SaidEdns>,
}

#[derive(Clone, Debug)]
struct SaidEdns {
    payload: u16,
    dnssec_ok: bool,
    subnet: Option<(IpAddr, u8)>,
    cookie: Option<Vec<u8>>,
    nsid: bool,
}

fn said() -> impl Strategy<Value = Said> {
    let cookie = prop_oneof![Just(8), 16..=40_usize].prop_flat_map(|n| prop::collection::vec(any::<u8>(), n));
    let edns = (any::<u16>(), any::<bool>(), subnet(), prop::option::of(cookie), any::<bool>()).prop_map(
        |(payload, dnssec_ok, subnet, cookie, nsid)| SaidEdns { payload, dnssec_ok, subnet, cookie, nsid },
    );
    let name = prop::collection::vec("[a-zA-Z0-9_][a-zA-Z0-9_-]{0,19}", 0..6)
        .prop_map(|labels| labels.join(".") + ".");
    // Any type but OPT, which hickory reads as a record, and IXFR, which may bring one.
    let rtype = any::<u16>().prop_filter("a type to ask for", |&rtype| rtype != 41 && rtype != 251);
    (any::<u16>(), name, rtype, any::<bool>(), any::<bool>(), prop::option::of(edns))
        .prop_map(|(id, name, rtype, rd, cd, edns)| Said { id, name, rtype, rd, cd, edns })
}

fn subnet() -> impl Strategy<Value = Option<(IpAddr, u8)>> {
    let subnet = any::<IpAddr>().prop_flat_map(|address| {
        let bits: u8 = if address.is_ipv4() { 32 } else { 128 };
        (Just(address), 0..=bits)
    });
    prop::option::of(subnet)
}

/// The same, written by hickory.
fn write(said: &Said) -> Vec<u8> {
    let mut message = Message::new(said.id, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = said.rd;
    message.metadata.checking_disabled = said.cd;
    let theirs = TheirName::from_ascii(&said.name).unwrap();
    message.add_query(TheirQuery::query(theirs, RecordType::from(said.rtype)));
    if let Some(said) = &said.edns {
        let mut edns = Edns::new();
        edns.set_max_payload(said.payload).set_dnssec_ok(said.dnssec_ok).set_version(0);
        let options = edns.options_mut();
        if let Some((address, source)) = said.subnet {
            // hickory writes the bits beyond the source too: hand it none.
            let address = ClientSubnet::new(address, source).address().unwrap_or(address);
            options.insert(EdnsOption::Subnet(TheirSubnet::new(address, source, 0)));
        }
        if let Some(cookie) = &said.cookie {
            options.insert(EdnsOption::Unknown(EdnsCode::Cookie.into(), cookie.clone()));
        }
        if said.nsid {
            options.insert(EdnsOption::NSID(NSIDPayload::new([]).unwrap()));
        }
        message.set_edns(edns);
    }
    message.to_vec().unwrap()
}

proptest! {
    #[test]
    fn what_hickory_asks_we_read(said in said()) {
        let packet = write(&said);
        let query = Query::parse(&packet).unwrap();
        prop_assert_eq!(query.id, said.id);
        prop_assert_eq!((query.recursion_desired, query.checking_disabled), (said.rd, said.cd));
        let asked = name(&said.name);
        prop_assert_eq!(&query.question.wire[..asked.as_wire().len()], asked.as_wire(), "case kept");
        prop_assert_eq!(query.question.name, asked.folded());
        prop_assert_eq!((query.question.rtype, query.question.class.0), (Rtype(said.rtype), 1));
        prop_assert_eq!(query.packet, &packet);
        prop_assert_eq!(query.edns.is_some(), said.edns.is_some());
        if let (Some(edns), Some(said)) = (query.edns, said.edns) {
            prop_assert_eq!(edns.version, 0);
            prop_assert_eq!(edns.udp_payload, said.payload.max(512));
            prop_assert_eq!(edns.dnssec_ok, said.dnssec_ok);
            let subnet = said.subnet.map(|(address, source)| ClientSubnet::new(address, source));
            prop_assert_eq!(edns.client_subnet, subnet);
            let cookie = edns.cookie.map(|cookie| [&cookie.client, cookie.server].concat());
            prop_assert_eq!(cookie, said.cookie);
            prop_assert_eq!(edns.nsid, said.nsid);
        }
    }

    #[test]
    fn what_we_ask_hickory_reads(said in said()) {
        let asked = name(&said.name);
        let edns = said.edns.as_ref();
        let client_subnet =
            edns.and_then(|edns| edns.subnet).map(|(address, source)| ClientSubnet::new(address, source));
        let ask = Ask {
            id: said.id,
            name: &asked,
            rtype: Rtype(said.rtype),
            recursion_desired: said.rd,
            edns: edns.is_some(),
            dnssec_ok: edns.is_some_and(|edns| edns.dnssec_ok),
            client_subnet,
        };
        let mut packet = Vec::new();
        ask.write(&mut packet);
        let message = Message::from_vec(&packet).unwrap();
        prop_assert_eq!(message.metadata.id, said.id);
        prop_assert_eq!(message.metadata.message_type, MessageType::Query);
        prop_assert_eq!(message.metadata.recursion_desired, said.rd);
        prop_assert!(message.queries[0].name.eq_case(&TheirName::from_ascii(&said.name).unwrap()));
        prop_assert_eq!(u16::from(message.queries[0].query_type), said.rtype);
        prop_assert_eq!(message.edns.is_some(), edns.is_some());
        if let Some(theirs) = &message.edns {
            prop_assert_eq!((theirs.version(), theirs.max_payload()), (0, wire::UDP_PAYLOAD));
            prop_assert_eq!(theirs.flags().dnssec_ok, ask.dnssec_ok);
            let address = |subnet: ClientSubnet| subnet.address().unwrap_or_else(|| {
                let v6 = subnet.family == wire::Family::V6;
                if v6 { [0_u8; 16].into() } else { [0_u8; 4].into() }
            });
            let want = client_subnet.map(|ours| {
                EdnsOption::Subnet(TheirSubnet::new(address(ours), ours.source, 0))
            });
            prop_assert_eq!(theirs.option(EdnsCode::Subnet), want.as_ref());
        }
        // And we read our own.
        let query = Query::parse(&packet).unwrap();
        prop_assert_eq!(query.edns.and_then(|edns| edns.client_subnet), client_subnet);
    }
}
