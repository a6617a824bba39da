//! A world: layout, reachability and states, worked out into a finished answer for each service and
//! group. Immutable; the next one shares what did not change.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::{Arc, Weak};

use jiff::Timestamp;
use routing::Snapshot;
use routing::topology::{CarrierId, Id, ServiceId, SlbId};
use wire::{Owner, Rtype, Section, Template, TemplateBuilder};
use xxhash_rust::xxh3::Xxh3;

use crate::classes::ServiceLayout;
use crate::ids::{ClassId, Family, GroupId};
use crate::layout::Layout;
use crate::policy::{Choice, Fallback, Member, Observer, Pool, SlbState, choose};

const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

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
    /// Rows (service and group) whose answer is another than in the world before; all of the first.
    pub moved: usize,
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

impl Inputs {
    /// A hash of them all: the world's id.
    pub fn id(&self) -> u128 {
        let mut hash = Xxh3::new();
        hash.update(&self.layout.digest().to_le_bytes());
        hash.update(&self.snapshot.digest().to_le_bytes());
        for state in self.states.iter() {
            hash.update(&[state.operator as u8, u8::from(state.unhealthy)]);
        }
        hash.digest128()
    }
}

impl World {
    /// Works out the first world of a layout, or, with the world before, only the rows that the change
    /// touches.
    pub fn build(inputs: Inputs, before: Option<&World>, interner: &mut Interner, built: Timestamp) -> Self {
        let id = inputs.id();
        let Inputs { layout, snapshot, states } = inputs;
        let before = before.filter(|before| Arc::ptr_eq(&before.layout, &layout));
        let mut world = Self {
            serial: 0,
            moved: 0,
            id,
            built,
            reach: Reachable::of(&layout, &snapshot),
            layout,
            snapshot,
            states,
            services: Vec::new(),
        };
        interner.forget_unused();
        for service in (0..world.layout.services().len()).map(ServiceId::from_index) {
            let (rows, rows_moved) = match before {
                Some(before) => world.update(service, before, interner),
                None => world.work_out(service, interner),
            };
            world.services.push(rows);
            world.moved += rows_moved;
        }
        world
    }

    /// All rows of a service.
    fn work_out(&self, service: ServiceId, interner: &mut Interner) -> (Arc<Rows>, usize) {
        let groups = (0..self.layout.groups().len()).map(GroupId::from_index);
        let row = |group| FAMILIES.map(|family| self.row(service, group, family, interner));
        let rows: Rows = groups.map(row).collect();
        let count = rows.len();
        (Arc::new(rows), count)
    }

    /// The rows of a service as they were, but for those that looked at what has changed.
    fn update(&self, service: ServiceId, before: &World, interner: &mut Interner) -> (Arc<Rows>, usize) {
        let old = &before.services[service.index()];
        let changes = Changes::of(self, before, service);
        if changes.0.is_empty() {
            return (Arc::clone(old), 0);
        }
        let mut rows = Rows::clone(old);
        let mut moved = 0;
        for (group, row) in (0..).map(GroupId::from_index).zip(&mut rows) {
            let carrier = self.layout.groups()[group.index()].carrier;
            let mut row_moved = false;
            for (family, answer) in FAMILIES.into_iter().zip(row) {
                let ranking = self.layout.ranking(group, service, family);
                let looked_at = ranking.iter().take_while(|ranked| ranked.tie < answer.choice.depth);
                if looked_at.into_iter().any(|ranked| changes.0.contains(&(carrier, ranked.class))) {
                    let new = self.row(service, group, family, interner);
                    row_moved |= new.choice.picks != answer.choice.picks;
                    *answer = new;
                }
            }
            moved += usize::from(row_moved);
        }
        (Arc::new(rows), moved)
    }

    fn row(
        &self,
        service: ServiceId,
        group: GroupId,
        family: Family,
        interner: &mut Interner,
    ) -> Arc<Answer> {
        let choice = self.choose(service, group, family, &mut ());
        interner.answer(service, self.layout.service(service), family, choice)
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

/// What has changed for a service's rows: for whose clients, in which class.
struct Changes(HashSet<(Option<CarrierId>, ClassId)>);

impl Changes {
    fn of(world: &World, before: &World, service: ServiceId) -> Self {
        let service = world.layout.service(service);
        let carriers = || world.layout.topology.carriers().ids().map(Some).chain([None]);
        let mut changes = HashSet::new();
        for class in world.layout.class_ids().filter(|&class| service.uses(class)) {
            let state_changed = service
                .members(class)
                .iter()
                .any(|member| world.state(member.slb) != before.state(member.slb));
            let changed = carriers().filter(|&carrier| {
                state_changed || world.reach.get(carrier, class) != before.reach.get(carrier, class)
            });
            changes.extend(changed.map(|carrier| (carrier, class)));
        }
        Self(changes)
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

/// One copy of each answer that is in use.
#[derive(Default)]
pub struct Interner {
    known: HashMap<(ServiceId, Family, Choice), Weak<Answer>>,
    in_use: usize,
}

impl Interner {
    fn answer(
        &mut self,
        id: ServiceId,
        service: &ServiceLayout,
        family: Family,
        choice: Choice,
    ) -> Arc<Answer> {
        let key = (id, family, choice);
        if let Some(answer) = self.known.get(&key).and_then(Weak::upgrade) {
            return answer;
        }
        let answer = Arc::new(Answer { template: template(service, &key.2), choice: key.2.clone() });
        self.known.insert(key, Arc::downgrade(&answer));
        answer
    }

    /// Sweeps once as many are unused as were in use after the last sweep.
    fn forget_unused(&mut self) {
        if self.known.len() > 2 * self.in_use {
            self.known.retain(|_, answer| answer.strong_count() > 0);
            self.in_use = self.known.len();
        }
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
