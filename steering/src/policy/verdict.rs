//! What became of each candidate, for whoever wants to know.

use serde::Serialize;

use super::{Fallback, Member};
use crate::ids::ClassId;

/// Why a candidate is in an answer, or out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// In.
    Taken,
    /// Usable, but there were enough cheaper ones.
    Dearer,
    /// Usable and in the last tie, but its zone was served or its hash lower.
    LostTie,
    /// Its SLB is in, or competes, with a cheaper address.
    OtherAddress,
    /// BGP: the client's carrier has no route to it.
    Unreachable,
    /// Health says that the SLB is down.
    Unhealthy,
    /// An operator drains the SLB.
    Draining,
    /// An operator forced the SLB down.
    ForcedDown,
}

/// Sees every verdict; `()` sees none, and costs nothing.
pub trait Observer {
    /// Whether to go on after enough are taken.
    const CURIOUS: bool;
    /// A round begins; verdicts of an earlier one don't count.
    fn round(&mut self, fallback: Fallback);
    /// A verdict; a member may get a second, which then counts.
    fn see(&mut self, class: ClassId, member: &Member, verdict: Verdict);
}

impl Observer for () {
    const CURIOUS: bool = false;
    fn round(&mut self, _: Fallback) {}
    fn see(&mut self, _: ClassId, _: &Member, _: Verdict) {}
}
