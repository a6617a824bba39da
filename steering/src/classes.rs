//! Classes of addresses, and services as the policy sees them.
//!
//! Addresses of one region on one prefix with one bias cost the same for everybody: they form a
//! *class*. A service is the members of its classes; what is ranked for it in one address family is a
//! *scheme*, shared by the services that rank alike.

use std::collections::HashMap;

use routing::topology::{PrefixId, RegionId, Topology};
use wire::Name;
use xxhash_rust::xxh3::xxh3_64;

use crate::ids::{ClassId, Family};
use crate::policy::Member;

/// Addresses that cost the same for everybody.
#[derive(Clone, Copy, Debug)]
pub struct Class {
    /// Where their SLBs stand.
    pub region: RegionId,
    /// What covers them; its line is theirs.
    pub prefix: PrefixId,
    /// The operator's correction, in ms.
    pub bias_ms: f64,
}

/// What is ranked for a service in one address family, shared by the services that rank alike.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Scheme {
    pub(crate) classes: Vec<ClassId>,
    pub(crate) region_order: Vec<RegionId>,
}

impl Scheme {
    fn of(
        classes: &[Class],
        members: &[Vec<Member>],
        family: Family,
        topology: &Topology,
        region_order: &[RegionId],
    ) -> Self {
        let fits = |class: &Class| family == Family::of(topology.prefixes()[class.prefix].cidr.addr());
        let used = (0..)
            .map(ClassId::from_index)
            .zip(classes)
            .filter(|(id, class)| fits(class) && !members[id.index()].is_empty());
        Self { classes: used.map(|(id, _)| id).collect(), region_order: region_order.to_vec() }
    }
}

/// A service, ready for [`choose`](crate::policy::choose).
#[derive(Clone, Debug)]
pub struct ServiceLayout {
    /// Its DNS name.
    pub name: Name,
    /// How many SLBs an answer names.
    pub answers: usize,
    /// TTL of an answer, seconds.
    pub ttl: u32,
    pub(crate) hash: u64,
    /// By [`ClassId`].
    members: Vec<Vec<Member>>,
    /// By [`Family`].
    pub(crate) schemes: [usize; 2],
}

impl ServiceLayout {
    /// The service's addresses of a class.
    pub fn members(&self, class: ClassId) -> &[Member] {
        self.members.get(class.index()).map_or(&[], Vec::as_slice)
    }

    /// Whether the service has addresses of a class.
    pub fn uses(&self, class: ClassId) -> bool {
        !self.members(class).is_empty()
    }
}

/// Sorts the addresses of all services into classes; returns the classes and each service's members.
pub(crate) fn classify(topology: &Topology) -> (Vec<Class>, Vec<Vec<Vec<Member>>>) {
    let mut classes = Vec::new();
    let mut ids: HashMap<(RegionId, PrefixId, u64), ClassId> = HashMap::new();
    let mut services = Vec::new();
    for service in topology.services().iter() {
        let mut members: Vec<Vec<Member>> = Vec::new();
        for &id in &service.slbs {
            let slb = &topology.slbs()[id];
            let region = topology.region_of(id);
            for address in &slb.addresses {
                let key = (region, address.prefix, address.bias_ms.to_bits());
                let class = *ids.entry(key).or_insert_with(|| {
                    classes.push(Class { region, prefix: address.prefix, bias_ms: address.bias_ms });
                    ClassId::from_index(classes.len() - 1)
                });
                members.resize_with(members.len().max(class.index() + 1), Vec::new);
                members[class.index()].push(Member {
                    slb: id,
                    address: address.address,
                    zone: slb.zone,
                    weight: slb.weight,
                    hash: xxh3_64(slb.name.as_bytes()),
                });
            }
        }
        services.push(members);
    }
    for members in &mut services {
        members.resize_with(classes.len(), Vec::new);
    }
    (classes, services)
}

/// Each service with its members and schemes, and the schemes.
pub(crate) fn lay_out(
    topology: &Topology,
    classes: &[Class],
    members: Vec<Vec<Vec<Member>>>,
) -> (Vec<ServiceLayout>, Vec<Scheme>) {
    let mut schemes = Vec::new();
    let services = topology.services().iter().zip(members).filter_map(|(service, members)| {
        let schemes = [Family::V4, Family::V6].map(|family| {
            let scheme = Scheme::of(classes, &members, family, topology, &service.regions);
            intern(&mut schemes, scheme)
        });
        Some(ServiceLayout {
            name: service.name.parse().ok()?,
            answers: usize::from(service.answers),
            ttl: service.ttl,
            hash: xxh3_64(service.name.as_bytes()),
            members,
            schemes,
        })
    });
    let services = services.collect();
    (services, schemes)
}

fn intern<T: PartialEq>(all: &mut Vec<T>, one: T) -> usize {
    all.iter().position(|other| *other == one).unwrap_or_else(|| {
        all.push(one);
        all.len() - 1
    })
}
