//! The cloud's topology: one typed, validated model, read from one TOML file of flat tables that
//! refer to each other by name. `default/topology.toml` explains the notation.

mod model;
mod problem;
mod table;

use std::collections::HashMap;

pub use model::{
    Announcement, Asn, Carrier, Instance, Network, Node, Prefix, Region, Relation, Router, Service,
    Session, Slb, SlbAddress, Subnet, Vpc, Zone,
};
pub use problem::{Problem, Problems};
pub use table::{
    CarrierId, Id, InstanceId, NodeId, PrefixId, RegionId, RouterId, ServiceId, SessionId, SlbId,
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
    networks: Vec<Network>,
    relations: Vec<Relation>,
    carriers_by_asn: HashMap<Asn, CarrierId>,
    digest: u128,
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
    pub fn networks(&self) -> &[Network] {
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
