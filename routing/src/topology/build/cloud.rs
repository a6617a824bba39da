//! The cloud: regions, zones, VPCs and what is in them.

use std::net::IpAddr;
use std::ops::Range;

use crate::topology::check::{self, Used};
use crate::topology::file::{self, Row};
use crate::topology::model::{Instance, Node, Region, Subnet, Vpc, Zone};
use crate::topology::named::Named;
use crate::topology::problem::Report;
use crate::topology::table::{InstanceId, NodeId, RegionId, SubnetId, VpcId, ZoneId};

/// Addresses inside the VPCs, and who has them.
pub(super) type Inside = Used<(VpcId, IpAddr)>;

pub(super) fn regions(rows: &[Row<file::Region>], report: &mut Report) -> Named<RegionId, Region> {
    Named::read("region", rows, report, |report, _, name, raw| {
        let lat = check::within(report, &format!("region {name}: lat"), &raw.lat, -90.0, 90.0);
        let lon = check::within(report, &format!("region {name}: lon"), &raw.lon, -180.0, 180.0);
        Some(Region { name, city: raw.city.as_str().into(), lat: lat?, lon: lon? })
    })
}

pub(super) fn zones(
    rows: &[Row<file::Zone>],
    regions: &Named<RegionId, Region>,
    report: &mut Report,
) -> Named<ZoneId, Zone> {
    Named::read("zone", rows, report, |report, _, name, raw| {
        let region = regions.find(report, &format!("zone {name}"), &raw.region)?;
        Some(Zone { name, region })
    })
}

pub(super) fn vpcs(rows: &[Row<file::Vpc>], report: &mut Report) -> Named<VpcId, Vpc> {
    let mut vnis = Used::new();
    Named::read("vpc", rows, report, |report, at, name, raw| {
        let who = format!("vpc {name}");
        let vni = check::within(report, &format!("{who}: VXLAN id"), &raw.vni, 1, (1 << 24) - 1);
        let vni = vni.and_then(|vni| {
            let what = format!("VXLAN id {vni}");
            vnis.take(report, &who, raw.vni.span(), &what, vni)?;
            Some(vni)
        });
        let cidrs = check::cidrs(report, &who, at.span(), &raw.cidrs);
        Some(Vpc { name, vni: vni?, cidrs: cidrs? })
    })
}

pub(super) fn subnets(
    rows: &[Row<file::Subnet>],
    vpcs: &Named<VpcId, Vpc>,
    zones: &Named<ZoneId, Zone>,
    report: &mut Report,
) -> Named<SubnetId, Subnet> {
    let mut taken = Vec::new();
    Named::read("subnet", rows, report, |report, at, name, raw| {
        let who = format!("subnet {name}");
        let vpc = vpcs.find(report, &who, &raw.vpc);
        let zone = zones.find(report, &who, &raw.zone);
        let cidrs = check::cidrs(report, &who, at.span(), &raw.cidrs)?;
        let (vpc, zone) = (vpc?, zone?);
        for cidr in &raw.cidrs {
            let net = cidr.get_ref();
            if !vpcs.table[vpc].cidrs.iter().any(|outer| outer.contains(net)) {
                report.add(
                    cidr.span(),
                    format!("{who}: {net} is outside vpc {}", raw.vpc.get_ref()),
                    "choose a range inside the VPC's cidrs, or add one to them",
                );
            }
            let other = taken.iter().find(|(other, taken, _)| *other == vpc && check::overlap(net, taken));
            if let Some((_, other, owner)) = other {
                report.add(
                    cidr.span(),
                    format!("{who}: {net} overlaps {other} of subnet {owner}"),
                    "choose a free range of the VPC",
                );
            }
            taken.push((vpc, *net, name.clone()));
        }
        Some(Subnet { name, vpc, zone, cidrs })
    })
}

/// Reports an address outside its subnet, or taken inside the subnet's VPC.
pub(super) fn attach(
    report: &mut Report,
    who: &str,
    at: Range<usize>,
    address: IpAddr,
    subnet: &Subnet,
    inside: &mut Inside,
) -> Option<()> {
    if !subnet.cidrs.iter().any(|cidr| cidr.contains(&address)) {
        report.add(
            at,
            format!("{who}: {address} is outside subnet {}", subnet.name),
            "choose an address inside the subnet's cidrs",
        );
        return None;
    }
    inside.take(report, who, at, &address.to_string(), (subnet.vpc, address))
}

pub(super) fn instances(
    rows: &[Row<file::Instance>],
    subnets: &Named<SubnetId, Subnet>,
    inside: &mut Inside,
    report: &mut Report,
) -> Named<InstanceId, Instance> {
    Named::read("instance", rows, report, |report, at, name, raw| {
        let who = format!("instance {name}");
        check::dns_name(report, &who, at);
        let subnet = subnets.find(report, &who, &raw.subnet)?;
        let address = *raw.address.get_ref();
        attach(report, &who, raw.address.span(), address, &subnets.table[subnet], inside);
        Some(Instance { name, role: raw.role.as_str().into(), subnet, address })
    })
}

pub(super) fn gateways(
    rows: &[Row<file::Gateway>],
    zones: &Named<ZoneId, Zone>,
    report: &mut Report,
) -> Named<NodeId, Node> {
    Named::read("gateway", rows, report, |report, _, name, raw| {
        let zone = zones.find(report, &format!("gateway {name}"), &raw.zone)?;
        Some(Node { name, zone })
    })
}
