//! Bad input over real sockets, to every service of the world: the protocol's own error, or silence,
//! and the next question is answered.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hickory_proto::op::Message;
use tests::need;
use tests::packet::{
    A, Asker, BADVERS, Connection, FORMERR, NOERROR, NOTIMP, NXDOMAIN, REFUSED, client_subnet, id, option,
    question, rcode, with_opt,
};
use tests::world::{Role, World};

const PATIENCE: Duration = Duration::from_secs(10);
/// The id of questions that are sent to see whether a server still answers; no other packet has it.
const SENTINEL: u16 = 0xfffe;

/// What a packet should bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Brings {
    Error(u16),
    Silence,
}
use Brings::{Error, Silence};

type Row = (&'static str, Vec<u8>, Brings);

/// `packet` with `change` done to it.
fn but(mut packet: Vec<u8>, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    change(&mut packet);
    packet
}

/// The table of the house: what is wrong, and what it brings.
fn table(role: Role) -> Vec<Row> {
    let plain = || question(1, role.knows(), A);
    let class = |class: u16| but(plain(), |p| *p.last_chunk_mut().unwrap() = class.to_be_bytes());
    let subnet = |option: Vec<u8>| with_opt(plain(), 0, &option);
    let mut rows = vec![
        // RFC 1035 §4.1.1.
        ("opcode 1", but(plain(), |p| p[2] |= 1 << 3), Error(NOTIMP)),
        ("opcode STATUS", but(plain(), |p| p[2] |= 2 << 3), Error(NOTIMP)),
        ("opcode NOTIFY", but(plain(), |p| p[2] |= 4 << 3), Error(NOTIMP)),
        ("opcode 15", but(plain(), |p| p[2] |= 15 << 3), Error(NOTIMP)),
        ("QR set", but(plain(), |p| p[2] |= 0x80), Silence),
        ("half a header", plain()[..11].to_vec(), Silence),
        ("nothing", Vec::new(), Silence),
        // RFC 9619.
        ("two questions", but(plain(), two_questions), Error(FORMERR)),
        ("no question", but(plain(), |p| (p[5], _) = (0, p.truncate(12))), Error(FORMERR)),
        // RFC 6891 §6.1.3, §6.1.1.
        ("EDNS version 1", with_opt(plain(), 1, &[]), Error(BADVERS)),
        ("EDNS version 255", with_opt(plain(), 255, &[]), Error(BADVERS)),
        ("two OPT records", with_opt(with_opt(plain(), 0, &[]), 0, &[]), Error(FORMERR)),
        ("an option that is cut", with_opt(plain(), 0, &[0, 10, 0, 8, 1, 2]), Error(FORMERR)),
        // RFC 7871 §6, §7.1.1.
        ("ECS with scope", subnet(client_subnet(1, 24, 24, &[192, 0, 2])), Error(FORMERR)),
        ("ECS with stray bits", subnet(client_subnet(1, 20, 0, &[192, 0, 255])), Error(FORMERR)),
        ("ECS of 33 bits", subnet(client_subnet(1, 33, 0, &[192, 0, 2, 1, 0])), Error(FORMERR)),
        ("ECS that is short", subnet(client_subnet(1, 24, 0, &[192, 0])), Error(FORMERR)),
        ("ECS that is long", subnet(client_subnet(1, 24, 0, &[192, 0, 2, 1])), Error(FORMERR)),
        ("ECS of family 7", subnet(client_subnet(7, 24, 0, &[192, 0, 2])), Error(FORMERR)),
        ("ECS of two octets", subnet(option(8, &[0, 1])), Error(FORMERR)),
        // RFC 7873 §5.2.2.
        ("a cookie of 9 octets", subnet(option(10, &[7; 9])), Error(FORMERR)),
        ("class CH", class(3), Error(REFUSED)),
        ("class ANY", class(255), Error(REFUSED)),
        ("a label of 64 octets", but(plain(), |p| p[12] = 64), Error(FORMERR)),
        ("a question that points to itself", but(plain(), points_to_itself), Error(FORMERR)),
    ];
    if matches!(role, Role::Com | Role::Authoritative | Role::Gslb) {
        rows.push(("outside the zones", question(1, "www.example.org", A), Error(REFUSED)));
        rows.push(("above the zones", question(1, "", A), Error(REFUSED)));
    }
    rows
}

fn two_questions(packet: &mut Vec<u8>) {
    packet.extend_from_within(12..);
    packet[5] = 2;
}

fn points_to_itself(packet: &mut Vec<u8>) {
    packet.truncate(12);
    packet.extend([0xc0, 12, 0, 1, 0, 1]);
}

/// A question that `role` answers from memory. Resolvers are asked once before, so that it is there.
fn sentinel(world: &World, role: Role) -> Vec<u8> {
    assert!(world.answers(role), "{role:?} answers nothing");
    question(SENTINEL, role.knows(), A)
}

#[test]
fn every_error_of_the_table_over_udp() {
    let world = World::start();
    for role in Role::ALL {
        let asker = Asker::new(world.address(role));
        let sentinel = sentinel(&world, role);
        for (what, packet, brings) in table(role) {
            let replies = asker.try_packet(&packet, &sentinel, PATIENCE);
            let got: Vec<_> = replies.iter().map(|reply| Error(rcode(reply))).collect();
            let wanted = if brings == Silence { Vec::new() } else { vec![brings] };
            assert_eq!(got, wanted, "{role:?}, {what}: {packet:02x?} brought {replies:02x?}");
            for reply in replies {
                check_reply(&packet, &reply);
            }
        }
    }
}

#[test]
fn every_error_of_the_table_over_tcp() {
    let world = World::start();
    for role in Role::ALL {
        let sentinel = sentinel(&world, role);
        for (what, packet, brings) in table(role) {
            let mut connection = Connection::open(world.address(role), PATIENCE);
            connection.send(&packet);
            connection.send(&sentinel);
            let mut replies = Vec::new();
            while let Some(reply) = connection.receive().filter(|reply| id(reply) != SENTINEL) {
                replies.push(reply);
            }
            let got: Vec<_> = replies.iter().map(|reply| Error(rcode(reply))).collect();
            let wanted = if brings == Silence { Vec::new() } else { vec![brings] };
            assert_eq!(got, wanted, "{role:?}, {what}: {packet:02x?} brought {replies:02x?}");
        }
        assert!(world.answers(role));
    }
}

/// What every reply to anything must be: for that packet, a response, and whole.
fn check_reply(packet: &[u8], reply: &[u8]) {
    let bad = |why: &str| panic!("{why}: {packet:02x?} brought {reply:02x?}");
    if reply.len() < 12 || id(reply) != id(packet) {
        bad("not its id");
    }
    if reply[2] & 0x80 == 0 {
        bad("not a response");
    }
    let message = Message::from_vec(reply).unwrap_or_else(|error| bad(&error.to_string()));
    let codes = [NOERROR, FORMERR, NXDOMAIN, NOTIMP, REFUSED, BADVERS];
    if !codes.contains(&rcode(reply)) {
        bad("a response code that means something is broken");
    }
    if rcode(reply) != NOERROR && !message.answers.is_empty() && rcode(reply) != NXDOMAIN {
        bad("an error with an answer");
    }
}

/// Packets that are in order, one of each kind.
fn sound(name: &str) -> [Vec<u8>; 4] {
    let plain = question(0, name, A);
    let subnet = client_subnet(1, 24, 0, &[202, 96, 209]);
    let many = [option(10, &[1, 2, 3, 4, 5, 6, 7, 8]), option(3, &[]), subnet.clone()].concat();
    [
        with_opt(plain.clone(), 0, &subnet),
        with_opt(plain.clone(), 0, &[]),
        with_opt(plain.clone(), 0, &many),
        plain,
    ]
}

/// Every beginning of `packet`, and `packet` with one octet flipped by each of `flips`.
fn damaged(packet: &[u8], flips: &[u8]) -> Vec<Vec<u8>> {
    let cut = (0..packet.len()).map(|length| packet[..length].to_vec());
    let flipped = (0..packet.len())
        .flat_map(|at| flips.iter().map(move |flip| but(packet.to_vec(), |packet| packet[at] ^= flip)));
    cut.chain(flipped).collect()
}

/// Gives each packet an id of its own, but for those whose id was flipped.
fn number(packets: &mut [Vec<u8>]) {
    for (number, packet) in packets.iter_mut().enumerate() {
        if let Some(id) = packet.first_chunk_mut::<2>().filter(|id| **id == [0, 0]) {
            *id = (u16::try_from(number).unwrap() + 0x100).to_be_bytes();
        }
    }
}

/// Sends all of `packets` to `server` over UDP, one after the other, and checks every reply. Those of a
/// resolver may come late, as it asks others first.
fn try_all_over_udp(server: SocketAddr, packets: &[Vec<u8>], sentinel: &[u8]) {
    let asker = Asker::new(server);
    let mut replies = Vec::new();
    for packet in packets {
        replies.extend(asker.try_packet(packet, sentinel, PATIENCE));
    }
    let quiet = Duration::from_millis(200);
    replies.extend(std::iter::from_fn(|| asker.receive(Instant::now() + quiet)));
    let mut of: HashMap<u16, Vec<&Vec<u8>>> = HashMap::new();
    for packet in packets.iter().filter(|packet| packet.len() >= 2) {
        of.entry(id(packet)).or_default().push(packet);
    }
    let mut counts: HashMap<u16, usize> = HashMap::new();
    for reply in &replies {
        let asked = of.get(&id(reply)).unwrap_or_else(|| panic!("nobody asked for {reply:02x?}"));
        let count = counts.entry(id(reply)).or_default();
        *count += 1;
        assert!(*count <= asked.len(), "two replies: {asked:02x?} brought {reply:02x?}");
        check_reply(asked[0], reply);
        let cut = asked.iter().all(|packet| packet.len() < 12 + 6);
        assert!(!cut || rcode(reply) == FORMERR, "{asked:02x?} brought {reply:02x?}");
    }
    assert!(replies.len() > packets.len() / 3, "only {} of {} were answered", replies.len(), packets.len());
}

#[test]
fn every_truncation_and_every_flip_over_udp() {
    if !need::tool("curl") {
        return;
    }
    let world = World::start();
    for role in Role::ALL {
        let sentinel = sentinel(&world, role);
        for packet in sound(role.knows()) {
            let mut packets = damaged(&packet, &[1, 2, 4, 8, 16, 32, 64, 128, 255]);
            number(&mut packets);
            try_all_over_udp(world.address(role), &packets, &sentinel);
        }
        assert!(world.answers(role));
    }
    assert_eq!(world.metrics().sum("tern_panics_total", &[]), 0.0);
}

#[test]
fn every_truncation_and_flips_over_tcp() {
    if !need::tool("curl") {
        return;
    }
    let world = World::start();
    for role in [Role::Authoritative, Role::Gslb, Role::Telecom] {
        let sentinel = sentinel(&world, role);
        let mut packets = damaged(&sound(role.knows())[0], &[1, 128]);
        number(&mut packets);
        let mut connection = Connection::open(world.address(role), PATIENCE);
        for packet in &packets {
            connection.send(packet);
            connection.send(&sentinel);
            loop {
                match connection.receive() {
                    Some(reply) if id(&reply) == SENTINEL => break,
                    Some(reply) => assert!(reply.len() >= 12 && reply[2] & 0x80 != 0, "{reply:02x?}"),
                    // Who sends such things may be sent away (RFC 7766 §6.2.4).
                    None => {
                        connection = Connection::open(world.address(role), PATIENCE);
                        break;
                    }
                }
            }
        }
        assert!(world.answers(role));
    }
    assert_eq!(world.metrics().sum("tern_panics_total", &[]), 0.0);
}

#[test]
fn broken_framing_over_tcp_costs_only_that_connection() {
    let world = World::start();
    for role in Role::ALL {
        let sentinel = sentinel(&world, role);
        let length = u16::try_from(sentinel.len()).unwrap().to_be_bytes();
        for octets in [&[][..], &[0], &[0, 0], &length, &[&length[..], &sentinel[..20]].concat(), &[255; 9]] {
            let mut connection = Connection::open(world.address(role), PATIENCE);
            connection.send_raw(octets);
            connection.finish();
            let reply = connection.receive();
            assert_eq!(reply, None, "{role:?}: {octets:02x?}");
        }
        let mut connection = Connection::open(world.address(role), PATIENCE);
        // One message in three pieces, and then two in one.
        let message = [&length[..], &sentinel].concat();
        for piece in [&message[..1], &message[1..9], &message[9..], &[&message[..], &message].concat()] {
            connection.send_raw(piece);
        }
        for _ in 0..3 {
            assert_eq!(connection.receive().map(|reply| rcode(&reply)), Some(NOERROR), "{role:?}");
        }
    }
}

#[test]
fn noise_is_answered_with_errors_at_most() {
    let world = World::start();
    let mut random = fastrand::Rng::with_seed(0x0b5e);
    for role in Role::ALL {
        let asker = Asker::new(world.address(role));
        let sentinel = sentinel(&world, role);
        for _ in 0..1000 {
            let mut packet: Vec<u8> = (0..random.usize(..600)).map(|_| random.u8(..)).collect();
            if packet.len() > 12 && random.bool() {
                // A header that is taken for a query's, so that the noise is read further.
                packet[2..12].copy_from_slice(&[1, 0, 0, 1, 0, 0, 0, 0, 0, random.u8(..2)]);
            }
            if packet.len() >= 2 {
                packet[0] = 0x55;
            }
            for reply in asker.try_packet(&packet, &sentinel, PATIENCE) {
                assert!(reply.len() >= 12 && reply[0] == 0x55, "{packet:02x?} brought {reply:02x?}");
                assert_ne!(rcode(&reply), NOERROR, "{packet:02x?} brought {reply:02x?}");
            }
        }
    }
}
