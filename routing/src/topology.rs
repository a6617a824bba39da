//! The cloud's topology: one typed, validated model, read from one TOML file of flat tables that
//! refer to each other by name. `default/topology.toml` explains the notation.

mod build;
mod check;
mod file;
mod load;
mod model;
mod named;
mod problem;
mod table;

use std::collections::HashMap;

use file::File;
use problem::Report;

pub use check::glob;
pub use model::{
    Announcement, Asn, Carrier, Instance, Network, Node, Prefix, Region, Relation, Router, Service, Session,
    Slb, SlbAddress, Subnet, Vpc, Zone,
};
pub use problem::{Problem, Problems};
pub use table::{
    CarrierId, Id, InstanceId, NetworkId, NodeId, PrefixId, RegionId, RouterId, ServiceId, SessionId, SlbId,
    SubnetId, Table, VpcId, ZoneId,
};

/// The topology that ships with Tern: three regions in China, four carriers, two services.
pub const DEFAULT_TOPOLOGY: &str = include_str!("../default/topology.toml");

/// A validated topology. Immutable; a reload makes a new one.
#[derive(Clone, Debug)]
pub struct Topology {
    asn: Asn,
    regions: Table<RegionId, Region>,
    zones: Table<ZoneId, Zone>,
    vpcs: Table<VpcId, Vpc>,
    subnets: Table<SubnetId, Subnet>,
    instances: Table<InstanceId, Instance>,
    gateways: Table<NodeId, Node>,
    carriers: Table<CarrierId, Carrier>,
    routers: Table<RouterId, Router>,
    sessions: Table<SessionId, Session>,
    prefixes: Table<PrefixId, Prefix>,
    slbs: Table<SlbId, Slb>,
    services: Table<ServiceId, Service>,
    networks: Table<NetworkId, Network>,
    relations: Vec<Relation>,
    carriers_by_asn: HashMap<Asn, CarrierId>,
    digest: u128,
}

impl Topology {
    /// Reads a topology; `file` is its name, for complaints.
    ///
    /// # Errors
    /// Everything that is wrong with it, see [`Problems`].
    pub fn parse(text: &str, file: &str) -> Result<Self, Problems> {
        let mut report = Report::new(file, text);
        let Some(read) = File::read(text, &mut report) else {
            return Err(report.into_problems());
        };
        let topology = build::topology(&read, read.digest(), &mut report);
        if report.is_clean() { Ok(topology) } else { Err(report.into_problems()) }
    }
}

/// What the file says, row by row.
impl Topology {
    /// Our own AS.
    pub fn asn(&self) -> Asn {
        self.asn
    }
    /// Regions; the first is the main site.
    pub fn regions(&self) -> &Table<RegionId, Region> {
        &self.regions
    }
    /// Availability zones.
    pub fn zones(&self) -> &Table<ZoneId, Zone> {
        &self.zones
    }
    /// Tenants' VPCs.
    pub fn vpcs(&self) -> &Table<VpcId, Vpc> {
        &self.vpcs
    }
    /// Subnets of the VPCs.
    pub fn subnets(&self) -> &Table<SubnetId, Subnet> {
        &self.subnets
    }
    /// Databases, caches and servers, by private name.
    pub fn instances(&self) -> &Table<InstanceId, Instance> {
        &self.instances
    }
    /// Gateway nodes.
    pub fn gateways(&self) -> &Table<NodeId, Node> {
        &self.gateways
    }
    /// Carriers.
    pub fn carriers(&self) -> &Table<CarrierId, Carrier> {
        &self.carriers
    }
    /// Our border routers.
    pub fn routers(&self) -> &Table<RouterId, Router> {
        &self.routers
    }
    /// eBGP sessions of the border routers.
    pub fn sessions(&self) -> &Table<SessionId, Session> {
        &self.sessions
    }
    /// Announced prefixes; their name is their CIDR, such as `198.18.0.0/24`.
    pub fn prefixes(&self) -> &Table<PrefixId, Prefix> {
        &self.prefixes
    }
    /// Load balancers.
    pub fn slbs(&self) -> &Table<SlbId, Slb> {
        &self.slbs
    }
    /// Services; their name is their DNS name.
    pub fn services(&self) -> &Table<ServiceId, Service> {
        &self.services
    }
    /// ASes of the graph beside our own and the carriers'.
    pub fn networks(&self) -> &Table<NetworkId, Network> {
        &self.networks
    }
    /// Relations among carriers and networks, without our own sessions.
    pub fn relations(&self) -> &[Relation] {
        &self.relations
    }
}

/// What follows from it.
impl Topology {
    /// The carrier whose clients are in this AS.
    pub fn carrier_of_asn(&self, asn: Asn) -> Option<CarrierId> {
        self.carriers_by_asn.get(&asn).copied()
    }

    /// Whether two ASes have a link: by the relations, or by our own sessions.
    pub fn are_linked(&self, a: Asn, b: Asn) -> bool {
        let ours = self.sessions.iter().map(|session| (self.asn, self.carriers[session.carrier].asn));
        let all = self.relations.iter().map(|relation| relation.ends()).chain(ours);
        all.into_iter().any(|ends| ends == (a, b) || ends == (b, a))
    }

    /// Where an SLB stands.
    pub fn region_of(&self, slb: SlbId) -> RegionId {
        self.zones[self.slbs[slb].zone].region
    }

    /// A hash of the content, equal on every node that reads the same rows; comments, layout and
    /// the file's name do not enter. Part of a world's id.
    pub fn digest(&self) -> u128 {
        self.digest
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;
