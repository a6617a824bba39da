//! A world: layout, reachability and states, worked out into a finished answer for each service and
//! group. Immutable; the next one shares what did not change.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;
use routing::Snapshot;
use routing::topology::{CarrierId, Id, ServiceId, SlbId};
use wire::{Owner, Rtype, Section, Template, TemplateBuilder};
use xxhash_rust::xxh3::Xxh3;

use crate::classes::{ClassId, ServiceLayout};
use crate::layout::{GroupId, Layout};
use crate::policy::{Choice, Fallback, Member, Observer, Pool, SlbState, choose};

/// An address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// IPv4: A records.
    V4 = 0,
    /// IPv6: AAAA records.
    V6 = 1,
}

impl Family {
    /// The family of an address.
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }

    /// The family that a type asks for.
    pub fn asked_by(rtype: Rtype) -> Option<Self> {
        match rtype {
            Rtype::A => Some(Self::V4),
            Rtype::AAAA => Some(Self::V6),
            _ => None,
        }
    }
}

/// A finished answer. Groups that get the same share it.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// What was chosen; no picks where the service has no address of the family.
    pub choice: Choice,
    /// The records in wire form, anchored at the service's name.
    pub template: Template,
}

/// A service's answers, by [`GroupId`] and [`Family`].
type Rows = Vec<[Arc<Answer>; 2]>;

/// What an SLB's state and the network were when the answers were worked out, and the answers.
#[derive(Debug)]
pub struct World {
    /// Counts up by one with each world that this process publishes.
    pub serial: u64,
    /// A hash of all inputs: equal ids mean equal answers, on any node.
    pub id: u128,
    /// When it was built.
    pub built: Timestamp,
    /// Map and configuration.
    pub layout: Arc<Layout>,
    /// Who reaches what.
    pub snapshot: Arc<Snapshot>,
    states: Arc<[SlbState]>,
    reach: Reachable,
    services: Vec<Arc<Rows>>,
}

/// The inputs that events change.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// Map and configuration.
    pub layout: Arc<Layout>,
    /// Who reaches what.
    pub snapshot: Arc<Snapshot>,
    /// By [`SlbId`].
    pub states: Arc<[SlbState]>,
}

impl World {
    /// Works out the first world of a layout, or, with the world before, only the rows that the change
    /// touches. Returns it and the number of rows whose answer is another.
    pub fn build(inputs: Inputs, before: Option<&World>, built: Timestamp) -> (Self, usize) {
        let Inputs { layout, snapshot, states } = inputs;
        let before = before.filter(|before| Arc::ptr_eq(&before.layout, &layout));
        let mut world = Self {
            serial: 0,
            id: id(&layout, &snapshot, &states),
            built,
            reach: Reachable::of(&layout, &snapshot),
            layout,
            snapshot,
            states,
            services: Vec::new(),
        };
        let mut moved = 0;
        for service in (0..world.layout.services().len()).map(ServiceId::from_index) {
            let (rows, rows_moved) = world.rows(service, before);
            world.services.push(rows);
            moved += rows_moved;
        }
        (world, moved)
    }

    fn rows(&self, service: ServiceId, before: Option<&World>) -> (Arc<Rows>, usize) {
        let mut interned = Interner::default();
        let groups = (0..self.layout.groups().len()).map(GroupId::from_index);
        let Some(before) = before else {
            let rows: Rows = groups.map(|group| self.row(service, group, &mut interned)).collect();
            let count = rows.len();
            return (Arc::new(rows), count);
        };
        let old = &before.services[service.index()];
        let touched = self.touched(service, before);
        if !touched.any() {
            return (Arc::clone(old), 0);
        }
        old.iter().flatten().for_each(|answer| interned.know(answer));
        let mut rows = Rows::clone(old);
        let mut moved = 0;
        for (group, row) in groups.zip(&mut rows) {
            if touched.includes(self.layout.groups()[group.index()].carrier) {
                let new = self.row(service, group, &mut interned);
                moved += usize::from(new != *row);
                *row = new;
            }
        }
        (Arc::new(rows), moved)
    }

    fn row(&self, service: ServiceId, group: GroupId, interned: &mut Interner) -> [Arc<Answer>; 2] {
        [Family::V4, Family::V6].map(|family| {
            let choice = self.choose(service, group, family, &mut ());
            interned.answer(self.layout.service(service), family, choice)
        })
    }

    /// Runs the policy for one service and group: what the rows hold, and what explain looks at.
    pub fn choose<O: Observer>(
        &self,
        service: ServiceId,
        group: GroupId,
        family: Family,
        observer: &mut O,
    ) -> Choice {
        let layout = self.layout.service(service);
        let carrier = self.layout.groups()[group.index()].carrier;
        let pool = ServicePool { world: self, service: layout, carrier };
        let ranking = self.layout.ranking(group, service, family);
        choose(&pool, ranking, self.layout.seed(group, service), layout.answers, observer)
    }

    /// Whose rows of a service a change since `before` may move.
    fn touched(&self, service: ServiceId, before: &World) -> Touched {
        let layout = self.layout.service(service);
        let state_changed = self
            .layout
            .class_ids()
            .flat_map(|class| layout.members(class))
            .any(|member| self.states.get(member.slb.index()) != before.states.get(member.slb.index()));
        let carriers = self.layout.topology.carriers().ids().map(Some).chain([None]);
        let changed = carriers.map(|carrier| {
            state_changed
                || self.layout.class_ids().any(|class| {
                    layout.uses(class) && self.reach.get(carrier, class) != before.reach.get(carrier, class)
                })
        });
        Touched(changed.collect())
    }

    /// The finished answer of a service for a group.
    pub fn answer(&self, service: ServiceId, group: GroupId, family: Family) -> &Arc<Answer> {
        &self.services[service.index()][group.index()][family as usize]
    }

    /// The state of an SLB.
    pub fn state(&self, slb: SlbId) -> SlbState {
        self.states.get(slb.index()).copied().unwrap_or_default()
    }

    /// How many answers ignore something because nothing was usable.
    pub fn fallbacks(&self) -> usize {
        let answers = self.services.iter().flat_map(|rows| rows.iter().flatten());
        answers.filter(|answer| answer.choice.fallback != Fallback::None).count()
    }
}

/// Which carriers' groups a change touches; the last is for clients of no known carrier.
struct Touched(Vec<bool>);

impl Touched {
    fn any(&self) -> bool {
        self.0.contains(&true)
    }

    fn includes(&self, carrier: Option<CarrierId>) -> bool {
        let index = carrier.map_or(self.0.len() - 1, |carrier| carrier.index());
        self.0.get(index).copied().unwrap_or(false)
    }
}

/// Who reaches which class; clients of no known carrier reach what any carrier does.
#[derive(Debug)]
struct Reachable {
    classes: usize,
    carriers: usize,
    bits: Vec<bool>,
}

impl Reachable {
    fn of(layout: &Layout, snapshot: &Snapshot) -> Self {
        let carriers = layout.topology.carriers();
        let reaches = |carrier: Option<CarrierId>, prefix| match carrier {
            Some(carrier) => snapshot.reach(carrier, prefix).reachable,
            None => snapshot.reachable_by_any(prefix),
        };
        let rows = carriers.ids().map(Some).chain([None]);
        let bits =
            rows.flat_map(|carrier| layout.classes().iter().map(move |class| reaches(carrier, class.prefix)));
        Self { classes: layout.classes().len(), carriers: carriers.len(), bits: bits.collect() }
    }

    fn get(&self, carrier: Option<CarrierId>, class: ClassId) -> bool {
        let row = carrier.map_or(self.carriers, |carrier| carrier.index());
        self.bits.get(row * self.classes + class.index()).copied().unwrap_or(false)
    }
}

/// A service's addresses as one carrier's clients see them.
struct ServicePool<'a> {
    world: &'a World,
    service: &'a ServiceLayout,
    carrier: Option<CarrierId>,
}

impl Pool for ServicePool<'_> {
    fn members(&self, class: ClassId) -> &[Member] {
        self.service.members(class)
    }

    fn reachable(&self, class: ClassId) -> bool {
        self.world.reach.get(self.carrier, class)
    }

    fn state(&self, slb: SlbId) -> SlbState {
        self.world.state(slb)
    }
}

/// One copy of each answer of a service.
#[derive(Default)]
struct Interner([HashMap<Choice, Arc<Answer>>; 2]);

impl Interner {
    fn know(&mut self, answer: &Arc<Answer>) {
        if let Some(&(_, address)) = answer.choice.picks.first() {
            self.0[Family::of(address) as usize].insert(answer.choice.clone(), Arc::clone(answer));
        }
    }

    fn answer(&mut self, service: &ServiceLayout, family: Family, choice: Choice) -> Arc<Answer> {
        let known = &mut self.0[family as usize];
        if let Some(answer) = known.get(&choice) {
            return Arc::clone(answer);
        }
        let answer = Arc::new(Answer { template: template(service, &choice), choice });
        known.insert(answer.choice.clone(), Arc::clone(&answer));
        answer
    }
}

fn template(service: &ServiceLayout, choice: &Choice) -> Template {
    let mut builder = TemplateBuilder::new(&service.name);
    for &(_, address) in &choice.picks {
        // An answer names at most 255 SLBs: it fits into any message.
        let _fits = match address {
            IpAddr::V4(v4) => {
                builder.push(Section::Answer, Owner::Question, Rtype::A, service.ttl, &v4.octets())
            }
            IpAddr::V6(v6) => {
                builder.push(Section::Answer, Owner::Question, Rtype::AAAA, service.ttl, &v6.octets())
            }
        };
    }
    builder.finish()
}

fn id(layout: &Layout, snapshot: &Snapshot, states: &[SlbState]) -> u128 {
    let mut hash = Xxh3::new();
    hash.update(&layout.digest().to_le_bytes());
    hash.update(&snapshot.digest().to_le_bytes());
    for state in states {
        hash.update(&[state.operator as u8, u8::from(state.unhealthy)]);
    }
    hash.digest128()
}
