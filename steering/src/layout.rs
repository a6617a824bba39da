//! What only a new map or configuration changes: groups of clients, and the table from prefix to
//! group.
//!
//! Clients of one carrier whose rankings of the classes are equal for every service form a *group*;
//! health and BGP do not enter, so no event changes a group, a prefix or a scope. (The carrier belongs
//! to a group because the filter asks it: two carriers that rank alike may reach differently.)

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::net::IpAddr;
use std::sync::Arc;

use geo::{Place, Point, PrefixTable};
use routing::topology::{CarrierId, Id, ServiceId, Topology};
use routing::{Simulation, Snapshot};
use wire::Folded;
use xxhash_rust::xxh3::{Xxh3, xxh3_64_with_seed};

use crate::classes::{Class, Scheme, ServiceLayout, classify, lay_out};
use crate::ids::{ClassId, Family, GroupId};
use crate::policy::{Coefficients, Ranked, Terms, rank};

/// Who asks, as far as the ranking is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Client {
    /// The carrier, where known.
    pub carrier: Option<CarrierId>,
    /// The place, where known.
    pub point: Option<Point>,
}

impl Client {
    /// Carrier: the AS in a carrier's list, else the map's hint. (The map's overrides drop the AS of
    /// the sources below them, so that their carrier counts.)
    pub fn at(place: &Place, topology: &Topology) -> Self {
        let by_asn = place.asn.and_then(|asn| topology.carrier_of_asn(asn));
        let by_hint = || topology.carriers().find(place.carrier.as_deref()?);
        Self { carrier: by_asn.or_else(by_hint), point: place.point }
    }
}

/// Clients whose answers are always the same.
#[derive(Clone, Debug)]
pub struct Group {
    /// Their carrier.
    pub carrier: Option<CarrierId>,
    /// Stands for the group in hashing: carrier and order of regions, the same on every node.
    hash: u64,
    /// A ranking for each [`Scheme`].
    rankings: Arc<[Vec<Ranked>]>,
}

/// Classes, groups and the table from prefix to group. Immutable.
#[derive(Debug)]
pub struct Layout {
    /// What it was built from.
    pub topology: Arc<Topology>,
    /// What it was built from.
    pub map: Arc<geo::Map>,
    /// What it was built from.
    pub coefficients: Coefficients,
    /// Reachability with everything up.
    baseline: Snapshot,
    classes: Vec<Class>,
    schemes: Vec<Scheme>,
    services: Vec<ServiceLayout>,
    by_name: HashMap<Box<[u8]>, ServiceId, BuildHasherDefault<NameHasher>>,
    groups: Vec<Group>,
    table: PrefixTable<GroupId>,
    digest: u128,
}

impl Layout {
    /// Builds it: one ranking for each distinct place, one leaf for each prefix of the map.
    pub fn build(topology: Arc<Topology>, map: Arc<geo::Map>, coefficients: Coefficients) -> Self {
        let (classes, members) = classify(&topology);
        let (services, schemes) = lay_out(&topology, &classes, members);
        let by_name = services
            .iter()
            .map(|service| service.name.folded().as_wire().into())
            .zip((0..).map(ServiceId::from_index));
        let mut layout = Self {
            baseline: Simulation::baseline(&topology),
            digest: digest(&topology, &map, &coefficients),
            by_name: by_name.collect(),
            groups: Vec::new(),
            table: PrefixTable::build(GroupId::from_index(0), []),
            classes,
            schemes,
            services,
            coefficients,
            topology,
            map,
        };
        layout.fold();
        layout
    }

    /// Folds the map's places into groups and its prefixes into the table.
    fn fold(&mut self) {
        let mut by_client: HashMap<Client, GroupId> = HashMap::new();
        let mut by_key: HashMap<GroupKey, GroupId> = HashMap::new();
        let mut groups = Vec::new();
        let of_place: Vec<GroupId> = self
            .map
            .places()
            .iter()
            .map(|place| Client::at(place, &self.topology))
            .map(|client| {
                *by_client.entry(client).or_insert_with(|| {
                    let rankings: Arc<[_]> =
                        (0..self.schemes.len()).map(|scheme| self.rank(client, scheme)).collect();
                    let key = GroupKey::of(client.carrier, &rankings);
                    *by_key.entry(key).or_insert_with(|| {
                        let hash = self.group_hash(client.carrier, &rankings);
                        groups.push(Group { carrier: client.carrier, hash, rankings });
                        GroupId::from_index(groups.len() - 1)
                    })
                })
            })
            .collect();
        let leaves =
            self.map.leaves().filter_map(|(prefix, place)| Some((prefix, *of_place.get(place.index())?)));
        self.table = PrefixTable::build(GroupId::from_index(0), leaves);
        self.groups = groups;
    }

    fn rank(&self, client: Client, scheme: usize) -> Vec<Ranked> {
        let classes = self.schemes.get(scheme).map_or(&[][..], |scheme| &scheme.classes);
        rank(classes.iter().map(|&class| (class, self.terms(client, class, scheme).cost(&self.coefficients))))
    }

    /// What the cost of a class is made of, for a client, in the scheme of a service.
    fn terms(&self, client: Client, class: ClassId, scheme: usize) -> Terms {
        let Class { region, prefix, bias_ms } = self.classes[class.index()];
        let site = &self.topology.regions()[region];
        let here = Point::new(site.lat, site.lon);
        let distance_km = client.point.zip(here).map(|(client, here)| client.distance_km(here));
        let order = || self.schemes[scheme].region_order.iter().position(|&other| other == region);
        let reach = client.carrier.map(|carrier| self.baseline.reach(carrier, prefix));
        Terms {
            distance_km,
            region_order: if distance_km.is_none() { order() } else { None },
            hops: reach.filter(|reach| reach.reachable).map(|reach| reach.hops_beyond_direct()),
            no_path: reach.is_some_and(|reach| !reach.reachable),
            bias_ms,
        }
    }

    /// What the cost of a class is made of, for a client of a service.
    pub fn terms_for(&self, client: Client, class: ClassId, service: ServiceId, family: Family) -> Terms {
        self.terms(client, class, self.service(service).schemes[family as usize])
    }

    /// Carrier and order of regions in the first ranking, by name.
    fn group_hash(&self, carrier: Option<CarrierId>, rankings: &[Vec<Ranked>]) -> u64 {
        let mut hash = Xxh3::new();
        hash.update(carrier.map_or(&[][..], |carrier| self.topology.carriers()[carrier].name.as_bytes()));
        let mut seen = Vec::new();
        for ranked in rankings.first().into_iter().flatten() {
            let region = self.classes[ranked.class.index()].region;
            if !seen.contains(&region) {
                seen.push(region);
                hash.update(b"/");
                hash.update(self.topology.regions()[region].name.as_bytes());
            }
        }
        hash.digest()
    }

    /// The group of an address, and over how many of its bits the group is the same: the scope.
    pub fn locate(&self, address: IpAddr) -> (GroupId, u8) {
        self.table.get(address)
    }

    /// Every prefix and its group.
    pub fn prefixes(&self) -> impl Iterator<Item = (ipnet::IpNet, GroupId)> {
        self.table.iter()
    }

    /// The service of a name.
    pub fn find(&self, name: &Folded) -> Option<ServiceId> {
        self.by_name.get(name.as_wire()).copied()
    }

    /// A service of [`Layout::find`].
    pub fn service(&self, id: ServiceId) -> &ServiceLayout {
        &self.services[id.index()]
    }

    /// Every service.
    pub fn services(&self) -> &[ServiceLayout] {
        &self.services
    }

    /// Every class.
    pub fn classes(&self) -> &[Class] {
        &self.classes
    }

    /// Every class's id.
    pub fn class_ids(&self) -> impl Iterator<Item = ClassId> + use<> {
        (0..self.classes.len()).map(ClassId::from_index)
    }

    /// Every group.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// A group's ranking for a service.
    pub fn ranking(&self, group: GroupId, service: ServiceId, family: Family) -> &[Ranked] {
        &self.groups[group.index()].rankings[self.service(service).schemes[family as usize]]
    }

    /// What stands for (service, group) in hashing.
    pub fn seed(&self, group: GroupId, service: ServiceId) -> u64 {
        self.groups[group.index()].hash ^ self.service(service).hash.rotate_left(32)
    }

    /// A hash of topology, map and coefficients.
    pub fn digest(&self) -> u128 {
        self.digest
    }
}

/// What makes a group: the carrier, and for each scheme the classes with their ties.
#[derive(PartialEq, Eq, Hash)]
struct GroupKey(Option<CarrierId>, Vec<Vec<(ClassId, u32)>>);

impl GroupKey {
    fn of(carrier: Option<CarrierId>, rankings: &[Vec<Ranked>]) -> Self {
        let flat = |ranking: &Vec<Ranked>| ranking.iter().map(|ranked| (ranked.class, ranked.tie)).collect();
        Self(carrier, rankings.iter().map(flat).collect())
    }
}

/// Hashes names on the hot path. They come from the configuration: nobody can choose colliding ones.
#[derive(Clone, Copy, Default)]
struct NameHasher(u64);

impl Hasher for NameHasher {
    fn write(&mut self, octets: &[u8]) {
        self.0 = xxh3_64_with_seed(octets, self.0);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

fn digest(topology: &Topology, map: &geo::Map, coefficients: &Coefficients) -> u128 {
    let mut hash = Xxh3::new();
    hash.update(&topology.digest().to_le_bytes());
    hash.update(&map.digest().to_le_bytes());
    hash.update(&coefficients.stretch.to_le_bytes());
    hash.update(&coefficients.hop_penalty_ms.to_le_bytes());
    hash.digest128()
}
