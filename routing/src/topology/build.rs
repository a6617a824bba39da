//! From names to ids, table by table, in the order in which they refer to each other. Each function
//! reports every rule that its rows break.

mod cloud;
mod network;
mod service;

use super::Topology;
use super::file::File;
use super::problem::Report;

/// Resolves a file. The result is whole only if nothing was reported.
pub(super) fn topology(file: &File, digest: u128, report: &mut Report) -> Topology {
    let regions = cloud::regions(&file.regions, report);
    let zones = cloud::zones(&file.zones, &regions, report);
    let vpcs = cloud::vpcs(&file.vpcs, report);
    let subnets = cloud::subnets(&file.subnets, &vpcs, &zones, report);
    let mut inside = cloud::Inside::new();
    let instances = cloud::instances(&file.instances, &subnets, &mut inside, report);
    let gateways = cloud::gateways(&file.gateways, &zones, report);

    let ases = network::ases(file, report);
    let relations = network::relations(&file.relations, &ases, report);
    let routers = network::routers(&file.routers, &regions, report);
    let sessions = network::sessions(&file.sessions, &routers, &ases.carriers, report);
    let prefixes = network::prefixes(&file.prefixes, &sessions, &ases.carriers, report);

    let slbs = service::Slbs {
        subnets: &subnets,
        zones: &zones.table,
        gateways: &gateways,
        routers: &routers.table,
        sessions: &sessions.table,
        prefixes: &prefixes,
    }
    .read(&file.slbs, &mut inside, report);
    let services = service::services(&file.services, &slbs, &regions, report);

    Topology {
        asn: ases.ours,
        regions: regions.table,
        zones: zones.table,
        vpcs: vpcs.table,
        subnets: subnets.table,
        instances: instances.table,
        gateways: gateways.table,
        carriers: ases.carriers.table,
        routers: routers.table,
        sessions: sessions.table,
        prefixes: prefixes.table,
        slbs: slbs.table,
        services: services.table,
        networks: ases.networks.table,
        relations,
        carriers_by_asn: ases.carriers_by_asn,
        digest,
    }
}
