//! What `dig` says, taken apart.

use std::net::{IpAddr, SocketAddr};
use std::process::Command;

use crate::process::output;

/// A resource record, as `dig` writes it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Record {
    /// The owner, with the last dot.
    pub owner: String,
    /// In seconds.
    pub ttl: u32,
    /// Like `A`.
    pub rtype: String,
    /// In presentation form, one blank between fields.
    pub data: String,
}

/// A response.
#[derive(Clone, Debug, Default)]
pub struct Dug {
    /// Like `NOERROR`.
    pub status: String,
    /// Like `qr`, `aa`.
    pub flags: Vec<String>,
    /// The answer section.
    pub answer: Vec<Record>,
    /// The authority section.
    pub authority: Vec<Record>,
    /// The additional section, without OPT.
    pub additional: Vec<Record>,
    /// The client subnet of the reply: subnet, source and scope, like `211.136.112.0/24/20`.
    pub subnet: Option<String>,
    /// All of it.
    pub text: String,
}

/// Asks `server`, once, and waits for five seconds at most; `arguments` as for `dig`, after the server.
pub fn ask(server: SocketAddr, arguments: &str) -> Dug {
    let mut dig = Command::new("dig");
    dig.arg(format!("@{}", server.ip())).args(["-p", &server.port().to_string()]);
    dig.args(["+noall", "+comments", "+answer", "+authority", "+additional", "+tries=1", "+timeout=5"]);
    parse(output(dig.args(arguments.split_whitespace())))
}

fn parse(text: String) -> Dug {
    let mut dug = Dug::default();
    let mut section = "";
    for line in text.lines() {
        if let Some(header) = line.strip_prefix(";; ->>HEADER<<- ") {
            dug.status = between(header, "status: ", ",").to_owned();
        } else if let Some(flags) = line.strip_prefix(";; flags:") {
            let flags = flags.split(';').next().unwrap_or_default();
            dug.flags = flags.split_whitespace().map(str::to_owned).collect();
        } else if let Some(subnet) = line.strip_prefix("; CLIENT-SUBNET: ") {
            dug.subnet = Some(subnet.trim().to_owned());
        } else if let Some(name) = line.strip_prefix(";; ").and_then(|line| line.strip_suffix(" SECTION:")) {
            section = name;
        } else if let Some(record) = record(line) {
            match section {
                "ANSWER" => dug.answer.push(record),
                "AUTHORITY" => dug.authority.push(record),
                "ADDITIONAL" => dug.additional.push(record),
                other => panic!("a record in section {other:?}:\n{text}"),
            }
        }
    }
    dug.text = text;
    dug
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let rest = text.split_once(before).map_or("", |(_, rest)| rest);
    rest.split_once(after).map_or(rest, |(found, _)| found)
}

fn record(line: &str) -> Option<Record> {
    if line.starts_with(';') {
        return None;
    }
    let mut fields = line.split_whitespace();
    let (owner, ttl, _class, rtype) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let data = fields.collect::<Vec<_>>().join(" ");
    Some(Record { owner: owner.to_owned(), ttl: ttl.parse().ok()?, rtype: rtype.to_owned(), data })
}

impl Dug {
    /// The addresses of the answer section, in the order of the answer.
    pub fn addresses(&self) -> Vec<IpAddr> {
        let of = |record: &Record| matches!(record.rtype.as_str(), "A" | "AAAA").then(|| record.data.parse());
        self.answer.iter().filter_map(of).collect::<Result<_, _>>().expect("dig writes addresses")
    }

    /// As [`Dug::addresses`], sorted.
    pub fn sorted_addresses(&self) -> Vec<IpAddr> {
        let mut addresses = self.addresses();
        addresses.sort_unstable();
        addresses
    }

    /// Whether the header has this flag.
    pub fn flag(&self, name: &str) -> bool {
        self.flags.iter().any(|flag| flag == name)
    }

    /// The scope of the reply's client subnet.
    pub fn scope(&self) -> Option<u8> {
        self.subnet.as_deref()?.rsplit('/').next()?.parse().ok()
    }
}
