//! Who gets which three load balancers, and why.
//!
//! Policy runs when the world changes, not per query: [`policy::choose`] is pure, [`World`] holds its
//! results as finished answers, and a query is a look-up in them.
//!
//! In reading order:
//!
//! - [`policy`]: the specification as code: cost, ranking, filter, three of what is left;
//! - [`ids`]: what everything else counts by;
//! - [`classes`]: addresses that cost the same, and services made of them;
//! - [`layout`]: what only a new map or configuration changes: groups of clients, the table from prefix
//!   to group;
//! - [`overrides`]: the operators' file: withdrawals, drains, with who, why and until;
//! - [`world`]: layout + reachability + states → finished answers, for each service and group;
//! - [`engine`]: events in, worlds out, published by arc-swap;
//! - [`follow`], [`metrics`]: the watched overrides file, and what Prometheus gets;
//! - [`explain`]: every candidate of an answer with its cost terms and the verdict on it.

pub mod classes;
pub mod engine;
pub mod explain;
pub mod follow;
pub mod ids;
pub mod layout;
pub mod metrics;
pub mod overrides;
pub mod policy;
pub mod world;

pub use engine::{Engine, EngineError, Published, Reader, Refused};
pub use explain::Explanation;
pub use ids::{ClassId, Family, GroupId};
pub use layout::Layout;
pub use overrides::{Action, Override, Overrides, OverridesError};
pub use policy::{Coefficients, Fallback};
pub use world::{Answer, World};
