//! What overrides mean for a topology.

use ipnet::IpNet;
use jiff::Timestamp;
use routing::Event;
use routing::topology::{Asn, Id, Table, Topology, glob};
use toml::Spanned;

use super::{Action, Override, Overrides, OverridesError};
use crate::policy::{OperatorState, SlbState};

impl Overrides {
    /// What the overrides that hold at `now` do to the network, in order.
    ///
    /// # Errors
    /// Where one names what the topology does not have.
    pub fn events(&self, topology: &Topology, now: Timestamp) -> Result<Vec<Event>, OverridesError> {
        let mut events = Vec::new();
        for row in &self.rows {
            let rule = row.get_ref();
            let event = match rule.action {
                Action::Withdraw | Action::Announce => {
                    let router = self.find(row, "router", &rule.router, topology.routers())?;
                    let carrier = self.find(row, "carrier", &rule.carrier, topology.carriers())?;
                    // However it is written: 2001:2:0:0::/64 is 2001:2::/64.
                    let written = |text: &String| match text.parse::<IpNet>() {
                        Ok(net) => net.to_string(),
                        Err(_) => text.clone(),
                    };
                    let prefix = rule.prefix.as_ref().map(written);
                    let prefix = self.find(row, "prefix", &prefix, topology.prefixes())?;
                    match rule.action {
                        Action::Withdraw => Event::Withdraw { router, carrier, prefix },
                        _ => Event::Announce { router, carrier, prefix },
                    }
                }
                Action::SessionDown | Action::SessionUp => {
                    match (self.find(row, "session", &rule.session, topology.sessions())?, rule.action) {
                        (Some(session), Action::SessionDown) => Event::SessionDown(session),
                        (Some(session), _) => Event::SessionUp(session),
                        (None, _) => continue,
                    }
                }
                Action::LinkDown | Action::LinkUp => match (self.link(row, topology)?, rule.action) {
                    (Some((a, b)), Action::LinkDown) => Event::LinkDown(a, b),
                    (Some((a, b)), _) => Event::LinkUp(a, b),
                    (None, _) => continue,
                },
                Action::Drain | Action::Down | Action::Up | Action::Normal => continue,
            };
            if rule.holds(now) {
                events.push(event);
            }
        }
        Ok(events)
    }

    /// What the overrides that hold at `now` say of each SLB.
    ///
    /// # Errors
    /// Where a pattern matches no SLB.
    pub fn states(&self, topology: &Topology, now: Timestamp) -> Result<Vec<SlbState>, OverridesError> {
        let mut states = vec![SlbState::default(); topology.slbs().len()];
        for row in &self.rows {
            let rule = row.get_ref();
            let operator = match rule.action {
                Action::Drain => OperatorState::Draining,
                Action::Down => OperatorState::Down,
                Action::Up => OperatorState::Up,
                Action::Normal => OperatorState::InService,
                _ => continue,
            };
            let pattern = rule.slb.as_deref().unwrap_or_default();
            let mut matched = false;
            for (slb, state) in topology.slbs().iter().zip(&mut states) {
                if glob(pattern, &slb.name) {
                    matched = true;
                    if rule.holds(now) {
                        state.operator = operator;
                    }
                }
            }
            if !matched {
                let message = format!("no SLB matches {pattern:?}");
                return Err(self.bad(row, message, "see the topology's slbs".into()));
            }
        }
        Ok(states)
    }

    fn link(
        &self,
        row: &Spanned<Override>,
        topology: &Topology,
    ) -> Result<Option<(Asn, Asn)>, OverridesError> {
        match row.get_ref().link {
            Some([a, b]) if !topology.are_linked(a, b) => {
                let mend = "see the topology's relations and sessions";
                Err(self.bad(row, format!("AS {a} and AS {b} have no link"), mend.into()))
            }
            link => Ok(link.map(|[a, b]| (a, b))),
        }
    }

    fn find<I: Id, T>(
        &self,
        row: &Spanned<Override>,
        key: &str,
        name: &Option<String>,
        table: &Table<I, T>,
    ) -> Result<Option<I>, OverridesError> {
        let Some(name) = name else { return Ok(None) };
        match table.find(name.as_str()) {
            Some(id) => Ok(Some(id)),
            None => Err(self.bad(
                row,
                format!("{key} {name:?} does not exist"),
                format!(
                    "see the topology's {}",
                    if key == "prefix" { "prefixes".into() } else { format!("{key}s") }
                ),
            )),
        }
    }
}
