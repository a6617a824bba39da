//! The rows of a topology. References are ids into the topology's tables.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::table::{
    CarrierId, NodeId, PrefixId, RegionId, RouterId, SessionId, SlbId, SubnetId, VpcId, ZoneId,
};

/// The number of an autonomous system (RFC 6793).
pub type Asn = u32;

/// A region of the cloud: a city with data centres.
#[derive(Clone, Debug)]
pub struct Region {
    /// Such as `cn-east`.
    pub name: Arc<str>,
    /// Such as `Shanghai`, for people.
    pub city: Arc<str>,
    /// Degrees north, −90 to 90.
    pub lat: f64,
    /// Degrees east, −180 to 180.
    pub lon: f64,
}

/// An availability zone: what fails together inside a region.
#[derive(Clone, Debug)]
pub struct Zone {
    /// Such as `cn-east-a`.
    pub name: Arc<str>,
    /// Where it stands.
    pub region: RegionId,
}

/// A tenant's virtual private cloud, kept apart from the others by its VXLAN id (RFC 7348).
#[derive(Clone, Debug)]
pub struct Vpc {
    /// Such as `shop`.
    pub name: Arc<str>,
    /// VXLAN network identifier, 1 to 2²⁴ − 1.
    pub vni: u32,
    /// The address space that its subnets are cut from.
    pub cidrs: Vec<IpNet>,
}

/// A piece of a VPC in one zone.
#[derive(Clone, Debug)]
pub struct Subnet {
    /// Such as `shop-east-a`.
    pub name: Arc<str>,
    /// Whose it is.
    pub vpc: VpcId,
    /// Where it stands.
    pub zone: ZoneId,
    /// Usually one of each family; disjoint from every other subnet of the VPC.
    pub cidrs: Vec<IpNet>,
}

/// A database, cache or server behind a private name.
#[derive(Clone, Debug)]
pub struct Instance {
    /// Its private DNS name, such as `orders.mysql.east.shop.internal`.
    pub name: Arc<str>,
    /// What it is, for people: `mysql`, `redis` …
    pub role: Arc<str>,
    /// Where it is attached.
    pub subnet: SubnetId,
    /// Its address in that subnet.
    pub address: IpAddr,
}

/// A gateway node: holds public addresses and translates (NAT) to addresses inside a VPC.
#[derive(Clone, Debug)]
pub struct Node {
    /// Such as `cn-east-a-gw`.
    pub name: Arc<str>,
    /// Where it stands.
    pub zone: ZoneId,
}

/// A carrier: an access network whose clients ask, and a neighbour in BGP.
#[derive(Clone, Debug)]
pub struct Carrier {
    /// As geo data and prefixes' lines name it: `telecom`.
    pub name: Arc<str>,
    /// For people: `China Telecom`.
    pub title: Arc<str>,
    /// The AS that speaks for the carrier in the AS graph.
    pub asn: Asn,
    /// Every AS whose clients are the carrier's; `asn` is the first.
    pub asns: Vec<Asn>,
}

/// A border router of ours.
#[derive(Clone, Debug)]
pub struct Router {
    /// Such as `cn-east-br1`.
    pub name: Arc<str>,
    /// Where it stands.
    pub region: RegionId,
}

/// An eBGP session of a border router to a carrier. We are the carrier's customer.
#[derive(Clone, Debug)]
pub struct Session {
    /// Such as `cn-east-br1-telecom`.
    pub name: Arc<str>,
    /// Our end.
    pub router: RouterId,
    /// The other end.
    pub carrier: CarrierId,
}

/// A public prefix that our AS originates.
#[derive(Clone, Debug)]
pub struct Prefix {
    /// No host bits set.
    pub cidr: IpNet,
    /// The carrier that it belongs to, by name, or `bgp` for a multi-line prefix.
    pub line: Arc<str>,
    /// The sessions that it is announced over, at least one, each once.
    pub announcements: Vec<Announcement>,
}

/// A prefix on a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Announcement {
    /// Over which session.
    pub session: SessionId,
    /// How many extra times our ASN is put on the path.
    pub prepend: u8,
}

/// A load balancer in a zone with public addresses on a gateway node.
#[derive(Clone, Debug)]
pub struct Slb {
    /// Such as `cn-east-slb1`.
    pub name: Arc<str>,
    /// What it serves: `slb`, `edge` or another word that services choose by.
    pub kind: Arc<str>,
    /// Where it stands.
    pub zone: ZoneId,
    /// Its share among equals, at least 1.
    pub weight: u32,
    /// Whose it is.
    pub vpc: VpcId,
    /// Where its inside addresses are.
    pub subnet: SubnetId,
    /// The node that holds its public addresses.
    pub gateway: NodeId,
    /// Its public addresses, at least one, each once in the topology.
    pub addresses: Vec<SlbAddress>,
}

/// A public address of an SLB.
#[derive(Clone, Debug)]
pub struct SlbAddress {
    /// What clients connect to.
    pub address: IpAddr,
    /// The announced prefix that covers it most closely; its line is the address's line.
    pub prefix: PrefixId,
    /// What the gateway node translates it to: of the same family, in the SLB's subnet.
    pub inside: IpAddr,
    /// Added to the estimated round trip, ms; may be negative.
    pub bias_ms: f64,
}

/// A name that steering answers with SLB addresses.
#[derive(Clone, Debug)]
pub struct Service {
    /// The DNS name in lower case, without the final dot.
    pub name: Arc<str>,
    /// The SLBs that serve it, in the order of the file, at least one.
    pub slbs: Vec<SlbId>,
    /// How many SLBs an answer names, at least 1.
    pub answers: u8,
    /// TTL of the answer, seconds.
    pub ttl: u32,
    /// Every region once: the order for clients whose place is unknown.
    pub regions: Vec<RegionId>,
}

/// A further AS of the graph that is neither ours nor a carrier's: a transit provider, an exchange.
#[derive(Clone, Debug)]
pub struct Network {
    /// Such as `cogent`.
    pub name: Arc<str>,
    /// Its number.
    pub asn: Asn,
}

/// How two neighbouring ASes trade routes (Gao–Rexford). Our own AS is a customer of every carrier
/// that it has a session with; the file need not say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    /// They exchange their own and their customers' routes.
    Peers(Asn, Asn),
    /// The provider gives the customer every route and takes the customer's to everyone.
    Transit {
        /// Who carries.
        provider: Asn,
        /// Who pays.
        customer: Asn,
    },
}

impl Relation {
    /// The two ASes; the provider first.
    pub fn ends(self) -> (Asn, Asn) {
        match self {
            Self::Peers(a, b) => (a, b),
            Self::Transit { provider, customer } => (provider, customer),
        }
    }
}
