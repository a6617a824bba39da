//! The network: carriers and other ASes, their relations, our routers, sessions and prefixes.

use std::collections::HashMap;

use toml::Spanned;

use crate::topology::check::{self, Used};
use crate::topology::file::{self, File, Row};
use crate::topology::model::{
    Announcement, Asn, Carrier, Network, Prefix, Region, Relation, Router, Session,
};
use crate::topology::named::Named;
use crate::topology::problem::Report;
use crate::topology::table::{CarrierId, NetworkId, PrefixId, RegionId, RouterId, SessionId, Table};

/// Who speaks BGP.
pub(super) struct Ases {
    pub(super) ours: Asn,
    pub(super) carriers: Named<CarrierId, Carrier>,
    pub(super) networks: Named<NetworkId, Network>,
    pub(super) carriers_by_asn: HashMap<Asn, CarrierId>,
}

pub(super) fn ases(file: &File, report: &mut Report) -> Ases {
    let mut used = Used::new();
    let mut claim = |report: &mut Report, who: &str, raw: &Spanned<Asn>| {
        let asn = check::asn(report, who, raw)?;
        used.take(report, who, raw.span(), &format!("AS {asn}"), asn)?;
        Some(asn)
    };
    let ours = file.asn.as_ref().and_then(|asn| claim(report, "our own AS", asn));
    let carriers = Named::read("carrier", &file.carriers, report, |report, _, name, raw| {
        let who = format!("carrier {name}");
        let all = std::iter::once(&raw.asn).chain(&raw.asns);
        let asns: Vec<_> = all.map(|asn| claim(report, &who, asn)).collect();
        Some(Carrier {
            name,
            title: raw.title.as_str().into(),
            asn: *raw.asn.get_ref(),
            asns: asns.into_iter().collect::<Option<_>>()?,
        })
    });
    let networks = Named::read("network", &file.networks, report, |report, at, name, raw| {
        let who = format!("network {name}");
        if let Some(line) = carriers.line(&name) {
            report.add(
                at.span(),
                format!("{who}: the name is used twice, first by a carrier on line {line}"),
                "give one of them another name",
            );
        }
        let asn = claim(report, &who, &raw.asn)?;
        Some(Network { name, asn })
    });
    let carriers_by_asn = carriers
        .table
        .entries()
        .flat_map(|(id, carrier)| carrier.asns.iter().map(move |&asn| (asn, id)))
        .collect();
    Ases { ours: ours.unwrap_or_default(), carriers, networks, carriers_by_asn }
}

impl Ases {
    /// The AS of a carrier or network.
    fn find(&self, report: &mut Report, name: &Spanned<String>) -> Option<Asn> {
        if let Some(network) = self.networks.table.find(name.get_ref()) {
            return Some(self.networks.table[network].asn);
        }
        if self.networks.line(name.get_ref()).is_some() {
            return None;
        }
        if let Some(carrier) = self.carriers.table.find(name.get_ref()) {
            return Some(self.carriers.table[carrier].asn);
        }
        if self.carriers.line(name.get_ref()).is_none() {
            report.add(
                name.span(),
                format!("relations: {:?} is neither a carrier nor a network", name.get_ref()),
                "add it to carriers or networks, or correct the name",
            );
        }
        None
    }
}

pub(super) fn relations(
    rows: &[Option<Spanned<file::Relation>>],
    ases: &Ases,
    report: &mut Report,
) -> Vec<Relation> {
    let mut relations = Vec::new();
    let mut transit = Vec::new();
    let mut used = Used::new();
    let mut relate = |report: &mut Report, a: &Spanned<String>, b: &Spanned<String>| {
        let (x, y) = (a.get_ref(), b.get_ref());
        if x == y {
            report.add(b.span(), format!("relations: {x} is related to itself"), "name two different ASes");
            return None;
        }
        let (first, second) = (ases.find(report, a), ases.find(report, b));
        let (first, second) = (first?, second?);
        let pair = (first.min(second), first.max(second));
        if let Err((_, line)) = used.claim(pair, x, report.line(&b.span())) {
            report.add(
                b.span(),
                format!("relations: {x} and {y} are already related on line {line}"),
                "keep the one that is true",
            );
            return None;
        }
        Some((first, second))
    };
    for row in rows.iter().flatten() {
        let raw = row.get_ref();
        match (raw.peers.as_slice(), &raw.provider, &raw.customer) {
            ([_, _, ..], None, None) => {
                for (i, a) in raw.peers.iter().enumerate() {
                    for b in &raw.peers[i + 1..] {
                        relations.extend(relate(report, a, b).map(|(a, b)| Relation::Peers(a, b)));
                    }
                }
            }
            ([], Some(provider), Some(customer)) => {
                if let Some((provider, customer)) = relate(report, provider, customer) {
                    relations.push(Relation::Transit { provider, customer });
                    transit.push((provider, customer, row.span()));
                }
            }
            _ => report.add(
                row.span(),
                "relations: the row is neither peers nor provider and customer",
                "write { peers = [\"…\", \"…\"] } or { provider = \"…\", customer = \"…\" }",
            ),
        }
    }
    check::provider_circle(&transit, report);
    relations
}

pub(super) fn routers(
    rows: &[Row<file::Router>],
    regions: &Named<RegionId, Region>,
    report: &mut Report,
) -> Named<RouterId, Router> {
    Named::read("router", rows, report, |report, _, name, raw| {
        let region = regions.find(report, &format!("router {name}"), &raw.region)?;
        Some(Router { name, region })
    })
}

pub(super) fn sessions(
    rows: &[Row<file::Session>],
    routers: &Named<RouterId, Router>,
    carriers: &Named<CarrierId, Carrier>,
    report: &mut Report,
) -> Named<SessionId, Session> {
    let mut pairs = Used::new();
    Named::read("session", rows, report, |report, at, name, raw| {
        let who = format!("session {name}");
        let router = routers.find(report, &who, &raw.router);
        let carrier = carriers.find(report, &who, &raw.carrier);
        let (router, carrier) = (router?, carrier?);
        if let Err((other, line)) = pairs.claim((router, carrier), &who, report.line(&at.span())) {
            report.add(
                at.span(),
                format!("{who}: joins the same two as {other} on line {line}"),
                "keep one of them",
            );
            return None;
        }
        Some(Session { name, router, carrier })
    })
}

/// The prefixes, and whether some could not be read: then nothing can be said about what is missing.
pub(super) struct Prefixes {
    pub(super) table: Table<PrefixId, Prefix>,
    pub(super) broken: bool,
}

pub(super) fn prefixes(
    rows: &[Option<Spanned<file::Prefixes>>],
    sessions: &Named<SessionId, Session>,
    carriers: &Named<CarrierId, Carrier>,
    report: &mut Report,
) -> Prefixes {
    let mut prefixes = Prefixes { table: Table::default(), broken: rows.iter().any(Option::is_none) };
    let mut used = Used::new();
    for row in rows.iter().flatten() {
        let raw = row.get_ref();
        let who = match raw.cidrs.first() {
            Some(cidr) => format!("prefix {}", cidr.get_ref()),
            None => "prefixes".to_owned(),
        };
        let line = line(raw, &who, carriers, report);
        let announcements = announcements(raw, &who, row.span(), sessions, report);
        let cidrs = check::cidrs(report, &who, row.span(), &raw.cidrs);
        let (Some(()), Some(announcements), Some(cidrs)) = (line, announcements, cidrs) else {
            prefixes.broken = true;
            continue;
        };
        let line = raw.line.get_ref().as_str();
        let carried = |hop: &Announcement| {
            let carrier = sessions.table[hop.session].carrier;
            *carriers.table[carrier].name == *line
        };
        if line != MULTI_LINE && !announcements.iter().any(carried) {
            report.add(
                row.span(),
                format!("{who}: its line is {line}, but no session to {line} announces it"),
                "add such a session to over, or correct the line",
            );
        }
        for (cidr, at) in cidrs.into_iter().zip(&raw.cidrs) {
            let text = cidr.to_string();
            if let Err((_, line)) = used.claim(cidr, &who, report.line(&at.span())) {
                report.add(
                    at.span(),
                    format!("prefix {text}: is listed twice, first on line {line}"),
                    "take one out",
                );
                continue;
            }
            let prefix = Prefix { cidr, line: line.into(), announcements: announcements.clone() };
            prefixes.table.push(text.into(), prefix);
        }
    }
    prefixes
}

/// The line of a prefix that belongs to no single carrier.
const MULTI_LINE: &str = "bgp";

fn line(
    raw: &file::Prefixes,
    who: &str,
    carriers: &Named<CarrierId, Carrier>,
    report: &mut Report,
) -> Option<()> {
    if raw.line.get_ref() != MULTI_LINE {
        carriers.find(report, &format!("{who}: line"), &raw.line)?;
    }
    Some(())
}

fn announcements(
    raw: &file::Prefixes,
    who: &str,
    at: std::ops::Range<usize>,
    sessions: &Named<SessionId, Session>,
    report: &mut Report,
) -> Option<Vec<Announcement>> {
    if raw.over.is_empty() {
        report.add(at, format!("{who}: is announced to no one"), "list at least one session in over");
        return None;
    }
    check::once(report, who, "session", &raw.over);
    let mut announcements = Vec::new();
    for name in &raw.over {
        let prepend = raw.prepend.get(name).copied().unwrap_or_default();
        let session = sessions.find(report, who, name);
        announcements.push(session.map(|session| Announcement { session, prepend }));
    }
    for name in raw.prepend.keys().filter(|name| !raw.over.contains(name)) {
        report.add(
            name.span(),
            format!("{who}: prepends on session {:?}, which is not in over", name.get_ref()),
            "add the session to over or take it out of prepend",
        );
    }
    announcements.into_iter().collect()
}
