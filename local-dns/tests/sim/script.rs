//! Scenario files: servers, what they say, and what the resolver must make of it.
//!
//! ```text
//! ; why, with the RFC's own words
//! SERVER 192.0.2.1 . [delay=MS] [loss=PERCENT] [rcode=NAME] [TRAIT ...]
//! OWNER TTL TYPE DATA              a record of its zone
//! REPLY OWNER TYPE|* [aa] [ra] [rcode=NAME]
//! answer|authority|additional OWNER TTL TYPE DATA
//! ASK OWNER TYPE [xN]
//! = RCODE [packets<=N] [tcp=N] [ms<=N] [ttl=N] [failure=WORD]
//! = OWNER TTL TYPE DATA            each record of the answer, in order
//! ASKED ADDRESS N                  the server has had so many questions so far
//! PASS SECONDS
//! CHANGE ADDRESS                   the server's zone and traits begin anew
//! FAMILIES v4
//! ```
//!
//! Servers of the root are the hints.

use std::net::IpAddr;
use std::time::Duration;

use local_dns::cache::NameServer;
use wire::{Class, Name, Record, Rtype, Section};

use super::server::{Body, Scripted, Server};
use super::{Net, show as show_answer};

fn name(text: &str) -> Name {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Runs a scenario file; panics with its line where the resolver does otherwise than it says.
pub fn run(file: &str, text: &str) {
    let mut lines = text
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with(';'))
        .peekable();
    let mut net = Net::new(hints(text), 7);
    let mut server: IpAddr = IpAddr::from([0; 4]);
    let mut asked = 0;
    while let Some((number, line)) = lines.next() {
        let at = format!("{file}:{number}");
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["SERVER" | "CHANGE", address, apex, ref rest @ ..] => {
                server = address.parse().expect(&at);
                net.servers.insert(server, new_server(apex, rest, &at));
            }
            ["REPLY", owner, rtype, ref rest @ ..] => {
                let scripted = new_reply(owner, rtype, rest, &at);
                net.servers.get_mut(&server).expect(&at).scripted.push(scripted);
            }
            ["answer" | "authority" | "additional", ref rest @ ..] => {
                let section = match words[0] {
                    "answer" => Section::Answer,
                    "authority" => Section::Authority,
                    _ => Section::Additional,
                };
                let scripted = net.servers.get_mut(&server).and_then(|server| server.scripted.last_mut());
                scripted.expect(&at).body.records.push((section, record(rest, &at)));
            }
            ["PASS", seconds] => net.now = net.now.plus_secs(seconds.parse().expect(&at)),
            ["FAMILIES", "v4"] => net.families.v6 = false,
            ["ASKED", address, count] => {
                let server = &net.servers[&address.parse::<IpAddr>().expect(&at)];
                assert_eq!(server.asked.len().to_string(), count, "{at}: {:?}", server.asked);
            }
            ["ASK", owner, rtype, ref times @ ..] => {
                let times: usize = times.first().map_or(1, |times| times[1..].parse().expect(&at));
                let mut expected = Vec::new();
                while let Some((_, line)) = lines.next_if(|(_, line)| line.starts_with("= ")) {
                    expected.push(line[2..].split_whitespace().collect::<Vec<_>>().join(" "));
                }
                for _ in 0..times {
                    let outcome = net.ask(&name(owner), rtype.parse().expect(&at));
                    check(&net, &outcome, &expected, &at);
                    asked += 1;
                }
            }
            [owner, ..] if owner.ends_with('.') => {
                net.servers.get_mut(&server).expect(&at).records.push(record(&words, &at));
            }
            _ => panic!("{at}: {line}"),
        }
    }
    assert!(asked > 0, "{file} asks nothing");
}

fn check(net: &Net, outcome: &super::Outcome, expected: &[String], at: &str) {
    let (head, records) = expected.split_first().unwrap_or_else(|| panic!("{at}: expects nothing"));
    let resolution = &outcome.resolution;
    let context = format!("{at}: {resolution:?}, {} packets, {} ms", outcome.packets, outcome.millis);
    for word in head.split(' ') {
        let number = |prefix: &str| word.strip_prefix(prefix).and_then(|n| n.parse::<u64>().ok());
        if let Some(most) = number("packets<=") {
            assert!(u64::from(outcome.packets) <= most, "{context}");
        } else if let Some(most) = number("ms<=") {
            assert!(outcome.millis <= most, "{context}");
        } else if let Some(tcp) = number("tcp=") {
            assert_eq!(outcome.tcp as u64, tcp, "{context}");
        } else if let Some(ttl) = number("ttl=") {
            assert_eq!(u64::from(resolution.ttl(net.now, &net.limits)), ttl, "{context}");
        } else if let Some(failure) = word.strip_prefix("failure=") {
            assert_eq!(format!("{:?}", resolution.failure), format!("Some({failure})"), "{context}");
        } else {
            assert_eq!(resolution.rcode().to_string(), word, "{context}");
        }
    }
    assert_eq!(show_answer(resolution, net.now), records, "{context}");
}

/// A server as its line has it.
pub fn new_server(apex: &str, rest: &[&str], at: &str) -> Server {
    let mut server = Server { apex: Some(name(apex)), ..Server::default() };
    for word in rest {
        match word.split_once('=') {
            Some(("delay", ms)) => server.delay = Duration::from_millis(ms.parse().expect(at)),
            Some(("loss", percent)) => server.loss = percent.parse().expect(at),
            Some(("rcode", rcode)) => server.rcode = Some(rcode.parse().expect(at)),
            Some(_) => panic!("{at}: {word}"),
            None => server.traits.push((*word).to_owned()),
        }
    }
    server
}

fn new_reply(owner: &str, rtype: &str, rest: &[&str], at: &str) -> Scripted {
    let mut body = Body::default();
    for word in rest {
        match (word.split_once('='), *word) {
            (_, "aa") => body.flags |= 0x0400,
            (_, "ra") => body.flags |= 0x0080,
            (Some(("rcode", rcode)), _) => body.rcode = rcode.parse::<wire::Rcode>().expect(at).0,
            _ => panic!("{at}: {word}"),
        }
    }
    let rtype = (rtype != "*").then(|| rtype.parse().expect(at));
    Scripted { name: name(owner), rtype, body }
}

/// The root's servers, from the servers that the script gives the root to.
pub fn hints(text: &str) -> Vec<NameServer> {
    let servers = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some("SERVER"), Some(address), Some(".")) => address.parse().ok(),
            _ => None,
        }
    });
    let named =
        |(index, address)| NameServer { name: name(&format!("hint{index}.")), addresses: vec![address] };
    servers.enumerate().map(named).collect()
}

/// `OWNER TTL TYPE DATA`.
pub fn record(words: &[&str], at: &str) -> Record {
    let [owner, ttl, rtype, data @ ..] = words else { panic!("{at}: OWNER TTL TYPE DATA") };
    let rtype: Rtype = rtype.parse().expect(at);
    let rdata = match (rtype, data) {
        (Rtype::A, [v4]) => v4.parse::<std::net::Ipv4Addr>().expect(at).octets().to_vec(),
        (Rtype::AAAA, [v6]) => v6.parse::<std::net::Ipv6Addr>().expect(at).octets().to_vec(),
        (Rtype::NS | Rtype::CNAME, [target]) => name(target).as_wire().to_vec(),
        (Rtype::SOA, [mname, rname, numbers @ ..]) => {
            let mut rdata = [name(mname).as_wire(), name(rname).as_wire()].concat();
            for number in numbers {
                rdata.extend_from_slice(&number.parse::<u32>().expect(at).to_be_bytes());
            }
            rdata
        }
        (Rtype::TXT, [text]) => [&[text.len() as u8], text.as_bytes()].concat(),
        _ => panic!("{at}: {rtype} {data:?}"),
    };
    Record { owner: name(owner), rtype, class: Class::IN, ttl: ttl.parse().expect(at), rdata: rdata.into() }
}

/// A record's data as the script writes it.
pub fn show(rtype: Rtype, rdata: &[u8]) -> String {
    match rtype {
        Rtype::A => std::net::Ipv4Addr::from(<[u8; 4]>::try_from(rdata).unwrap()).to_string(),
        Rtype::AAAA => std::net::Ipv6Addr::from(<[u8; 16]>::try_from(rdata).unwrap()).to_string(),
        Rtype::NS | Rtype::CNAME => Name::from_wire(rdata).unwrap().to_string(),
        Rtype::TXT => String::from_utf8_lossy(&rdata[1..]).into_owned(),
        _ => format!("{rdata:?}"),
    }
}
