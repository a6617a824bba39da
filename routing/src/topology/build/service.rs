//! What clients are sent to: SLBs with their public addresses, and the services on them.

use std::net::IpAddr;
use std::ops::Range;

use ipnet::IpNet;
use toml::Spanned;

use super::cloud::{Inside, attach};
use super::network::Prefixes;
use crate::topology::check::{self, Used};
use crate::topology::file::{self, Row};
use crate::topology::model::{Node, Prefix, Region, Router, Service, Session, Slb, SlbAddress, Subnet, Zone};
use crate::topology::named::Named;
use crate::topology::problem::Report;
use crate::topology::table::{
    NodeId, RegionId, RouterId, ServiceId, SessionId, SlbId, SubnetId, Table, ZoneId,
};

/// What SLBs refer to.
pub(super) struct Slbs<'a> {
    pub(super) subnets: &'a Named<SubnetId, Subnet>,
    pub(super) zones: &'a Table<ZoneId, Zone>,
    pub(super) gateways: &'a Named<NodeId, Node>,
    pub(super) routers: &'a Table<RouterId, Router>,
    pub(super) sessions: &'a Table<SessionId, Session>,
    pub(super) prefixes: &'a Prefixes,
}

impl Slbs<'_> {
    pub(super) fn read(
        &self,
        rows: &[Row<file::Slb>],
        inside: &mut Inside,
        report: &mut Report,
    ) -> Named<SlbId, Slb> {
        let mut public = Used::new();
        Named::read("slb", rows, report, |report, at, name, raw| {
            let who = format!("slb {name}");
            let weight = check::within(report, &format!("{who}: weight"), &raw.weight, 1, 1 << 20);
            let gateway = self.gateways.find(report, &who, &raw.gateway);
            let subnet_id = self.subnets.find(report, &who, &raw.subnet)?;
            let subnet = &self.subnets.table[subnet_id];
            let region = self.zones[subnet.zone].region;
            let gateway = gateway?;
            if self.zones[self.gateways.table[gateway].zone].region != region {
                report.add(
                    raw.gateway.span(),
                    format!("{who}: gateway {} is in another region", raw.gateway.get_ref()),
                    "choose a gateway of the region in which the subnet is",
                );
            }
            let numbered = self.numbered(report, &who, at.span(), raw, subnet, region);
            let listed = self.listed(report, &who, raw);
            let mut addresses = numbered?;
            addresses.extend(listed?);
            if addresses.is_empty() {
                report.add(
                    at.span(),
                    format!("{who}: has no address"),
                    "give it host and inside numbers, or a list of addresses",
                );
            }
            let mut attached: Vec<IpAddr> = Vec::new();
            for (address, at) in &addresses {
                let SlbAddress { address, inside: to, .. } = address;
                public.take(report, &who, at.clone(), &address.to_string(), *address);
                if !attached.contains(to) {
                    attached.push(*to);
                    attach(report, &who, at.clone(), *to, subnet, inside);
                }
            }
            Some(Slb {
                name,
                kind: raw.kind.as_str().into(),
                zone: subnet.zone,
                weight: weight?,
                vpc: subnet.vpc,
                subnet: subnet_id,
                gateway,
                addresses: addresses.into_iter().map(|(address, _)| address).collect(),
            })
        })
    }

    /// `host = 11, inside = 21`: number 11 of every prefix that the region announces, translated to
    /// number 21 of the subnet's range of that family.
    fn numbered(
        &self,
        report: &mut Report,
        who: &str,
        at: Range<usize>,
        raw: &file::Slb,
        subnet: &Subnet,
        region: RegionId,
    ) -> Option<Vec<(SlbAddress, Range<usize>)>> {
        let (host, inside) = match (&raw.host, &raw.inside) {
            (None, None) => return Some(Vec::new()),
            (Some(host), Some(inside)) => (host, inside),
            _ => {
                report.add(
                    at,
                    format!("{who}: host and inside belong together, and one is missing"),
                    "give both, or list addresses instead",
                );
                return None;
            }
        };
        let mut addresses = Vec::new();
        for (prefix, row) in self.prefixes.table.entries() {
            if !self.announced_from(row, region) {
                continue;
            }
            let range = subnet.cidrs.iter().find(|range| same_family(range, &row.cidr));
            let Some(range) = range else {
                report.add(
                    inside.span(),
                    format!("{who}: subnet {} has no range of the family of {}", subnet.name, row.cidr),
                    "add one to the subnet's cidrs, or list addresses instead of host and inside",
                );
                return None;
            };
            let address = number(report, who, "host", host, &row.cidr);
            let inside = number(report, who, "inside", inside, range);
            let address = SlbAddress { address: address?, prefix, inside: inside?, bias_ms: 0.0 };
            addresses.push((address, host.span()));
        }
        if addresses.is_empty() && !self.prefixes.broken {
            report.add(
                host.span(),
                format!("{who}: no router of its region announces a prefix for host {}", host.get_ref()),
                "announce a prefix from the region, or list addresses of other prefixes",
            );
        }
        (!addresses.is_empty()).then_some(addresses)
    }

    fn announced_from(&self, prefix: &Prefix, region: RegionId) -> bool {
        prefix
            .announcements
            .iter()
            .any(|hop| self.routers[self.sessions[hop.session].router].region == region)
    }

    /// `addresses = [{ address = "…", inside = "…" }]`.
    fn listed(
        &self,
        report: &mut Report,
        who: &str,
        raw: &file::Slb,
    ) -> Option<Vec<(SlbAddress, Range<usize>)>> {
        let mut addresses = Vec::new();
        for row in &raw.addresses {
            let (address, inside) = (*row.address.get_ref(), *row.inside.get_ref());
            let bias = check::within(
                report,
                &format!("{who}: {address}: bias-ms"),
                &row.bias_ms,
                -10_000.0,
                10_000.0,
            );
            if address.is_ipv4() != inside.is_ipv4() {
                report.add(
                    row.inside.span(),
                    format!("{who}: {address} is translated to {inside} of the other family"),
                    "translate IPv4 to IPv4 and IPv6 to IPv6",
                );
            }
            let covering = self.prefixes.table.entries();
            let covering = covering.filter(|(_, prefix)| prefix.cidr.contains(&address));
            let prefix = covering.max_by_key(|(_, prefix)| prefix.cidr.prefix_len());
            if prefix.is_none() && !self.prefixes.broken {
                report.add(
                    row.address.span(),
                    format!("{who}: no announced prefix covers {address}"),
                    "add a prefix around it to prefixes, or correct the address",
                );
            }
            addresses.push(prefix.zip(bias).map(|((prefix, _), bias_ms)| {
                let address = SlbAddress { address, prefix, inside, bias_ms };
                (address, row.address.span())
            }));
        }
        addresses.into_iter().collect()
    }
}

fn same_family(a: &IpNet, b: &IpNet) -> bool {
    a.addr().is_ipv4() == b.addr().is_ipv4()
}

fn number(report: &mut Report, who: &str, key: &str, number: &Spanned<u32>, net: &IpNet) -> Option<IpAddr> {
    let host = check::host(net, *number.get_ref());
    if host.is_none() {
        report.add(
            number.span(),
            format!("{who}: {key} {} is not a host of {net}", number.get_ref()),
            "choose a number from 1 to the size of the prefix less one",
        );
    }
    host
}

pub(super) fn services(
    rows: &[Row<file::Service>],
    slbs: &Named<SlbId, Slb>,
    regions: &Named<RegionId, Region>,
    report: &mut Report,
) -> Named<ServiceId, Service> {
    Named::read("service", rows, report, |report, at, name, raw| {
        let who = format!("service {name}");
        check::dns_name(report, &who, at);
        let answers = check::within(report, &format!("{who}: answers"), &raw.answers, 1, u8::MAX);
        // RFC 2181 §8.
        let ttl = check::within(report, &format!("{who}: ttl"), &raw.ttl, 0, i32::MAX.unsigned_abs());
        let order = region_order(report, &who, raw, regions);
        let slbs = members(report, &who, at, raw, slbs)?;
        Some(Service { name, slbs, answers: answers?, ttl: ttl?, regions: order? })
    })
}

/// The SLBs that a service names, by kind or by globbed names.
fn members(
    report: &mut Report,
    who: &str,
    at: &Spanned<String>,
    raw: &file::Service,
    slbs: &Named<SlbId, Slb>,
) -> Option<Vec<SlbId>> {
    let picked = |chosen: &dyn Fn(&Slb) -> bool| -> Vec<SlbId> {
        let entries = slbs.table.entries();
        entries.filter(|(_, slb)| chosen(slb)).map(|(id, _)| id).collect()
    };
    match (&raw.kind, raw.slbs.as_slice()) {
        (Some(kind), []) => {
            let members = picked(&|slb| *slb.kind == **kind.get_ref());
            if members.is_empty() && !slbs.broken {
                report.add(
                    kind.span(),
                    format!("{who}: no slb is of kind {:?}", kind.get_ref()),
                    "give an SLB this kind, or name another",
                );
            }
            (!members.is_empty()).then_some(members)
        }
        (None, patterns @ [_, ..]) => {
            for pattern in patterns {
                let text = pattern.get_ref();
                if picked(&|slb| check::glob(text, &slb.name)).is_empty() && !slbs.broken {
                    report.add(
                        pattern.span(),
                        format!("{who}: no slb is named {text:?}"),
                        "add one to slbs or correct the name; * stands for any characters",
                    );
                }
            }
            let any = |slb: &Slb| patterns.iter().any(|p| check::glob(p.get_ref(), &slb.name));
            let members = picked(&any);
            (!members.is_empty()).then_some(members)
        }
        _ => {
            report.add(
                at.span(),
                format!("{who}: names its SLBs neither by kind nor by slbs, or by both"),
                "give kind = \"…\" or slbs = [\"…\"]",
            );
            None
        }
    }
}

/// The regions that a service names, then the others in the order of the file.
fn region_order(
    report: &mut Report,
    who: &str,
    raw: &file::Service,
    regions: &Named<RegionId, Region>,
) -> Option<Vec<RegionId>> {
    check::once(report, who, "region", &raw.regions);
    let named = raw.regions.iter().map(|name| regions.find(report, who, name));
    let named: Vec<_> = named.collect();
    let mut order: Vec<_> = named.into_iter().collect::<Option<_>>()?;
    let others: Vec<_> = regions.table.ids().filter(|id| !order.contains(id)).collect();
    order.extend(others);
    Some(order)
}
