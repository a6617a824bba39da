//! Events in, worlds out.
//!
//! The engine keeps what events change (the simulation, the overrides), builds the next [`World`]
//! from it and publishes it. Readers never wait: each worker holds a [`Reader`]. Worlds that are no
//! longer current are kept until their last reader has moved on, and freed by the next publication:
//! never on a worker.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::cache::Cache;
use arc_swap::{ArcSwap, ArcSwapOption};
use jiff::Timestamp;
use routing::{Simulation, Topology};
use serde::Serialize;

use crate::layout::Layout;
use crate::overrides::{Overrides, OverridesError};
use crate::policy::Coefficients;
use crate::world::{Inputs, Interner, World};

/// Why the engine refuses an input. The world before serves on.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The overrides are not in order, or not for this topology.
    #[error(transparent)]
    Overrides(#[from] OverridesError),
    /// There is nothing to steer.
    #[error("the map holds no address (mend: give a source with at least one range)")]
    EmptyMap,
}

/// A world that has just been published.
#[derive(Clone, Debug)]
pub struct Published {
    /// Its serial.
    pub serial: u64,
    /// Rows (service and group) whose answer is another than before.
    pub moved: usize,
}

/// Why what the operators' file says is not in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// When it was first refused; what was in force then is what holds, until it ends.
    pub since: Timestamp,
    /// What is wrong with it.
    pub error: String,
}

/// What events change.
struct State {
    simulation: Simulation,
    overrides: Overrides,
    interner: Interner,
    retired: Vec<Arc<World>>,
}

/// The steering engine of one process.
pub struct Engine {
    current: Arc<ArcSwap<World>>,
    refused: ArcSwapOption<Refused>,
    state: Mutex<State>,
}

/// A worker's view of the current world: one atomic load per query, no lock.
pub type Reader = Cache<Arc<ArcSwap<World>>, Arc<World>>;

impl Engine {
    /// Builds the first world.
    ///
    /// # Errors
    /// Where the overrides do not fit the topology, or the map is empty.
    pub fn new(
        topology: Arc<Topology>,
        map: Arc<geo::Map>,
        coefficients: Coefficients,
        overrides: Overrides,
        now: Timestamp,
    ) -> Result<Self, EngineError> {
        let simulation = Simulation::new(Arc::clone(&topology), now);
        let layout = Arc::new(Layout::build(topology, map, coefficients));
        if layout.groups().is_empty() {
            return Err(EngineError::EmptyMap);
        }
        let mut state = State { simulation, overrides, interner: Interner::default(), retired: Vec::new() };
        let inputs = state.inputs(layout, now)?;
        let mut world = World::build(inputs, None, &mut state.interner, now);
        world.serial = 1;
        Ok(Self {
            current: Arc::new(ArcSwap::from_pointee(world)),
            refused: ArcSwapOption::empty(),
            state: Mutex::new(state),
        })
    }

    /// The current world, for whoever asks rarely.
    pub fn world(&self) -> Arc<World> {
        self.current.load_full()
    }

    /// A view for a worker.
    pub fn reader(&self) -> Reader {
        Cache::new(Arc::clone(&self.current))
    }

    /// Makes these overrides the ones that hold, and publishes what follows at `now`; nothing where that
    /// is what holds already. A burst of changes to the file is one call.
    ///
    /// # Errors
    /// Where they do not fit the topology; those before hold on.
    pub fn set_overrides(
        &self,
        overrides: Overrides,
        now: Timestamp,
    ) -> Result<Option<Published>, EngineError> {
        let mut state = self.lock();
        let published = self.put(&mut state, overrides, now)?;
        self.refused.store(None);
        Ok(published)
    }

    /// The operators' file can't be put in force: what is in force holds on, but for what has ended by
    /// `now`. Until the file is in order, [`Engine::refused`] says so.
    pub fn refuse(&self, error: &impl ToString, now: Timestamp) -> Option<Published> {
        let mut state = self.lock();
        let since = self.refused().map_or(now, |refused| refused.since);
        self.refused.store(Some(Arc::new(Refused { since, error: error.to_string() })));
        let held = state.overrides.clone();
        // They fitted the topology before.
        self.put(&mut state, held, now).unwrap_or_default()
    }

    /// Why the operators' file is not in force, if it is not.
    pub fn refused(&self) -> Option<Arc<Refused>> {
        self.refused.load_full()
    }

    fn put(
        &self,
        state: &mut State,
        overrides: Overrides,
        now: Timestamp,
    ) -> Result<Option<Published>, EngineError> {
        let before = std::mem::replace(&mut state.overrides, overrides);
        let current = self.current.load_full();
        match state.inputs(Arc::clone(&current.layout), now) {
            Ok(inputs) if inputs.id() == current.id => Ok(None),
            Ok(inputs) => Ok(Some(self.publish(state, inputs, now))),
            Err(error) => {
                state.overrides = before;
                Err(error)
            }
        }
    }

    /// Replaces topology, map and overrides: all or nothing. (Overrides name what the topology has: a
    /// change of both is one change.)
    ///
    /// # Errors
    /// Where the overrides do not fit the topology, or the map is empty; the old ones serve on.
    pub fn reload(
        &self,
        topology: Arc<Topology>,
        map: Arc<geo::Map>,
        coefficients: Coefficients,
        overrides: Overrides,
        now: Timestamp,
    ) -> Result<Published, EngineError> {
        let layout = Arc::new(Layout::build(Arc::clone(&topology), map, coefficients));
        if layout.groups().is_empty() {
            return Err(EngineError::EmptyMap);
        }
        let mut state = self.lock();
        let simulation = Simulation::new(topology, now);
        let old_simulation = std::mem::replace(&mut state.simulation, simulation);
        let old_overrides = std::mem::replace(&mut state.overrides, overrides);
        match state.inputs(layout, now) {
            Ok(mut inputs) => {
                state.simulation.take_over(&old_simulation);
                inputs.snapshot = state.simulation.snapshot();
                let published = self.publish(&mut state, inputs, now);
                self.refused.store(None);
                Ok(published)
            }
            Err(error) => {
                state.simulation = old_simulation;
                state.overrides = old_overrides;
                Err(error)
            }
        }
    }

    /// When the next override ends.
    pub fn next_expiry(&self, now: Timestamp) -> Option<Timestamp> {
        self.lock().overrides.next_expiry(now)
    }

    fn publish(&self, state: &mut State, inputs: Inputs, now: Timestamp) -> Published {
        let before = self.current.load_full();
        let mut world = World::build(inputs, Some(&before), &mut state.interner, now);
        world.serial = before.serial + 1;
        let published = Published { serial: world.serial, moved: world.moved };
        self.current.store(Arc::new(world));
        state.retired.push(before);
        // Whoever else still holds one lets go of it later, and it is freed here then.
        state.retired.retain(|world| Arc::strong_count(world) > 1);
        published
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while it was held has published nothing: what it guards is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn inputs(&mut self, layout: Arc<Layout>, now: Timestamp) -> Result<Inputs, EngineError> {
        let events = self.overrides.events(&layout.topology, now)?;
        let states = self.overrides.states(&layout.topology, now)?;
        self.simulation.replay(&events, now);
        Ok(Inputs { layout, snapshot: self.simulation.snapshot(), states: states.into() })
    }
}

/// Whether overrides fit a topology.
///
/// # Errors
/// Where they do not.
pub fn check(overrides: &Overrides, topology: &Topology, now: Timestamp) -> Result<(), OverridesError> {
    overrides.events(topology, now)?;
    overrides.states(topology, now)?;
    Ok(())
}
