//! `tern explain`: an answer, and why not another one.
//!
//! The explanation itself is steering's, made by the running world or offline by the same code; here
//! it becomes a text.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::IpAddr;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::cli::{self, Family};
use crate::client::Client;
use crate::error::Error;
use crate::geo::{Place, Point};
use crate::offline::Offline;
use crate::table::{Column, or_dash, table};

/// Candidates that are not in the answer, shown unless all are asked for.
const OTHERS: usize = 8;

/// Runs the command.
///
/// # Errors
/// [`Error`].
pub fn run(command: &cli::Explain, out: &mut impl Write) -> Result<(), Error> {
    let explanation = ask(command)?;
    if command.json {
        writeln!(out, "{explanation}")?;
        return Ok(());
    }
    let read: Explanation = serde_json::from_value(explanation)
        .map_err(|error| Error::failed(format!("the world is of another version: {error}")))?;
    write!(out, "{}", read.text(command.family, command.all))?;
    Ok(())
}

fn ask(command: &cli::Explain) -> Result<Value, Error> {
    if let Some(dir) = &command.world.dir {
        let family = match command.family {
            Family::V4 => steering::Family::V4,
            Family::V6 => steering::Family::V6,
        };
        let world = Offline::open(dir, Timestamp::now())?;
        let explanation = world.explain(&command.service, command.address, family)?;
        return serde_json::to_value(explanation).map_err(Error::failed);
    }
    let family = match command.family {
        Family::V4 => "4",
        Family::V6 => "6",
    };
    let address = command.address.to_string();
    let query = [("service", &*command.service), ("address", &address), ("family", family)];
    Client::new(command.world.admin).get("explain", &query)
}

/// `steering::Explanation` as its JSON says it.
#[derive(Debug, Deserialize)]
pub struct Explanation {
    service: String,
    address: IpAddr,
    prefix: String,
    place: Place,
    carrier: Option<String>,
    group: usize,
    answers: Vec<IpAddr>,
    ttl: u32,
    notes: Vec<String>,
    candidates: Vec<Candidate>,
    world: WorldFacts,
}

#[derive(Debug, Deserialize)]
struct Candidate {
    slb: String,
    region: String,
    zone: String,
    line: String,
    address: IpAddr,
    distance_km: Option<f64>,
    distance_ms: f64,
    hops: Option<u32>,
    hops_ms: f64,
    bias_ms: f64,
    cost_ms: f64,
    verdict: String,
}

#[derive(Debug, Deserialize)]
struct WorldFacts {
    serial: u64,
    id: String,
    built: Timestamp,
}

impl Explanation {
    /// The answer, the client, the candidates: all of them, or those in the answer and the best of each
    /// kind of the others.
    pub fn text(&self, family: Family, all: bool) -> String {
        let shown = if all { (0..self.candidates.len()).collect() } else { self.best() };
        let rows = shown.iter().filter_map(|&at| Some(self.row(at, self.candidates.get(at)?)));
        let columns = [
            Column::Right("#"),
            Column::Left("SLB"),
            Column::Left("address"),
            Column::Left("zone"),
            Column::Left("line"),
            Column::Right("km"),
            Column::Right("distance ms"),
            Column::Right("hops ms"),
            Column::Right("bias ms"),
            Column::Right("cost ms"),
            Column::Left("verdict"),
        ];
        format!("{}\n{}{}", self.head(family), table(columns, rows), self.rest(&shown))
    }

    fn head(&self, family: Family) -> String {
        let rtype = match family {
            Family::V4 => "A",
            Family::V6 => "AAAA",
        };
        let answers: Vec<_> = self.answers.iter().map(IpAddr::to_string).collect();
        let answer = if answers.is_empty() { "no address".to_owned() } else { answers.join(" ") };
        let WorldFacts { serial, id, built } = &self.world;
        let mut text = format!(
            "{service} {ttl} {rtype} {answer}\n\n\
             client   {address}, in {prefix} all get this answer (group {group})\n\
             place    {place}\n\
             carrier  {carrier}{asn}\n\
             world    {serial}, id {id}, built {built:.0}\n",
            service = self.service,
            ttl = self.ttl,
            address = self.address,
            prefix = self.prefix,
            group = self.group,
            place = whereabouts(&self.place),
            carrier = self.carrier.as_deref().unwrap_or("unknown"),
            asn = self.place.asn.map(|asn| format!(" (AS{asn})")).unwrap_or_default(),
        );
        for note in &self.notes {
            text += &format!("note     {note}\n");
        }
        text
    }

    /// Those in the answer, and of the others the first of each region, line and verdict.
    fn best(&self) -> Vec<usize> {
        let mut seen = Vec::new();
        let mut others = 0;
        let mut wanted = |candidate: &Candidate| {
            let kind = (candidate.region.clone(), candidate.line.clone(), candidate.verdict.clone());
            if candidate.verdict == "taken" {
                return true;
            }
            if others == OTHERS || seen.contains(&kind) {
                return false;
            }
            seen.push(kind);
            others += 1;
            true
        };
        let chosen = self.candidates.iter().enumerate().filter(|(_, candidate)| wanted(candidate));
        chosen.map(|(at, _)| at).collect()
    }

    fn row(&self, at: usize, candidate: &Candidate) -> [String; 11] {
        [
            (at + 1).to_string(),
            candidate.slb.clone(),
            candidate.address.to_string(),
            candidate.stands_in(),
            candidate.line.clone(),
            or_dash(candidate.distance_km.map(|km| format!("{km:.0}"))),
            or_dash(candidate.distance_km.map(|_| format!("{:.1}", candidate.distance_ms))),
            or_dash(candidate.hops.map(|_| format!("{:.1}", candidate.hops_ms))),
            format!("{:.1}", candidate.bias_ms),
            format!("{:.1}", candidate.cost_ms),
            words(&candidate.verdict, self.carrier.as_deref()),
        ]
    }

    /// How many candidates are not shown, by verdict.
    fn rest(&self, shown: &[usize]) -> String {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for (at, candidate) in self.candidates.iter().enumerate() {
            if !shown.contains(&at) {
                *counts.entry(&candidate.verdict).or_default() += 1;
            }
        }
        if counts.is_empty() {
            return String::new();
        }
        let carrier = self.carrier.as_deref();
        let each: Vec<_> =
            counts.iter().map(|(verdict, count)| format!("{count} × {}", words(verdict, carrier))).collect();
        let hidden: usize = counts.values().sum();
        format!("{hidden} more (--all shows them): {}\n", each.join("; "))
    }
}

impl Candidate {
    /// The zone, with its region unless the zone's name says it.
    fn stands_in(&self) -> String {
        let Self { region, zone, .. } = self;
        if zone.starts_with(region.as_str()) { zone.clone() } else { format!("{region}/{zone}") }
    }
}

/// A place in words.
fn whereabouts(place: &Place) -> String {
    let point = place.point.as_ref().map(|Point { lat, lon }| format!("({lat:.2}, {lon:.2})"));
    let parts = [&place.city, &place.province, &place.country, &point];
    let known: Vec<_> = parts.into_iter().flatten().map(String::as_str).collect();
    if known.is_empty() { "unknown".to_owned() } else { known.join(" ") }
}

/// A verdict in words; one that this version does not know stays as it is.
fn words(verdict: &str, carrier: Option<&str>) -> String {
    match verdict {
        "taken" => "in the answer",
        "dearer" => "usable, costs more",
        "lost-tie" => "usable, lost the tie",
        "other-address" => "its SLB has a cheaper address",
        "unreachable" => return format!("no route from {}", carrier.unwrap_or("any carrier")),
        "unhealthy" => "health says down",
        "draining" => "an operator drains it",
        "forced-down" => "an operator forced it down",
        other => other,
    }
    .to_owned()
}
