//! What a zone must be before anyone serves it, and what its keeper should look at.

use std::collections::HashSet;

use wire::{Name, Rtype};

use crate::problem::{Problem, Severity};
use crate::rdata::{Field, fields, split};
use crate::tree::{APEX, Rrset, Standing, Tree};
use crate::zone::{Zone, ZoneRecord};

/// Errors that are looked for, and warnings that are kept; what comes behind them is of the same kind
/// nearly always. Warnings, however many, keep no error from being found.
const MAX_PROBLEMS: usize = 100;

impl Zone {
    /// Checks the zone; errors come first, each kind in the order it was found. A zone with an error
    /// does not compile.
    pub fn check(&self) -> Vec<Problem> {
        check(&Tree::of(self))
    }
}

pub(crate) fn check(tree: &Tree<'_>) -> Vec<Problem> {
    let mut checker = Checker { tree, targets: HashSet::new(), errors: Vec::new(), warnings: Vec::new() };
    checker.apex();
    checker.strays();
    checker.collect_targets();
    for node in 0..tree.nodes.len() as u32 {
        if checker.errors.len() >= MAX_PROBLEMS {
            break;
        }
        checker.singletons(node);
        checker.standing(node);
        for rrset in tree.rrsets(node) {
            checker.ttls(rrset);
            checker.targets_of(node, rrset);
        }
    }
    let mut problems = checker.errors;
    problems.append(&mut checker.warnings);
    problems.truncate(MAX_PROBLEMS);
    problems
}

struct Checker<'t, 'z> {
    tree: &'t Tree<'z>,
    /// Folded names of the name servers of the delegations: what glue may be for.
    targets: HashSet<Vec<u8>>,
    errors: Vec<Problem>,
    warnings: Vec<Problem>,
}

/// Where a target leads inside the zone.
enum Target {
    /// To another zone, or to nothing that this one could know.
    Elsewhere,
    /// To a name with an address.
    Address,
    /// To a CNAME.
    Alias,
    /// To no address, though this zone is the one to have it.
    Nothing,
}

impl<'z> Checker<'_, 'z> {
    fn error(&mut self, record: ZoneRecord<'_>, what: String, mend: impl Into<String>) {
        self.errors.push(problem(Severity::Error, record, what, mend.into()));
    }

    fn warn(&mut self, record: ZoneRecord<'_>, what: String, mend: impl Into<String>) {
        if self.warnings.len() < MAX_PROBLEMS {
            self.warnings.push(problem(Severity::Warning, record, what, mend.into()));
        }
    }

    fn first(&self, rrset: &Rrset) -> Option<ZoneRecord<'z>> {
        self.tree.records(rrset).next()
    }

    /// SOA exactly once, and NS (RFC 1034 §4.2.1, RFC 1035 §5.2).
    fn apex(&mut self) {
        let apex = self.tree.zone.apex();
        for (rtype, mend) in [
            (Rtype::SOA, "add `@ SOA server contact serial refresh retry expire minimum`"),
            (Rtype::NS, "add an NS record for each server of the zone"),
        ] {
            if self.tree.rrset(APEX, rtype).is_none() {
                let file = self.tree.zone.files().first().cloned().unwrap_or_default();
                let what = format!("the zone {apex} has no {rtype} at its apex");
                let mend = mend.to_owned();
                self.errors.push(Problem { severity: Severity::Error, file, line: 1, what, mend });
            }
        }
    }

    /// Records outside the zone, and repeated ones.
    fn strays(&mut self) {
        let zone = self.tree.zone;
        for &index in self.tree.outside.iter().take(MAX_PROBLEMS) {
            let record = zone.record(&zone.entries[index as usize]);
            let what = format!("{} is outside the zone {}", text(record.owner), zone.apex());
            self.error(record, what, "remove it, or correct $ORIGIN or the final dot of its name");
        }
        for &index in self.tree.repeated.iter().take(MAX_PROBLEMS) {
            let record = zone.record(&zone.entries[index as usize]);
            let what = format!("{} {} stands twice with the same data", text(record.owner), record.rtype);
            self.warn(record, what, "remove one");
        }
    }

    fn collect_targets(&mut self) {
        let tree = self.tree;
        for node in (0..tree.nodes.len() as u32).filter(|&node| tree.node(node).standing == Standing::Cut) {
            let names = tree.rrset(node, Rtype::NS).into_iter().flat_map(|rrset| tree.records(rrset));
            self.targets.extend(names.map(|record| record.rdata.to_ascii_lowercase()));
        }
    }

    /// What may stand only once, only at the apex, or only alone.
    fn singletons(&mut self, node: u32) {
        let rrsets = self.tree.rrsets(node);
        for rrset in rrsets {
            let rtype = rrset.rtype;
            let mut records = self.tree.records(rrset);
            let Some(record) = records.next() else { continue };
            let owner = || text(record.owner);
            if let (Rtype::SOA | Rtype::CNAME | Rtype::DNAME, Some(second)) = (rtype, records.next()) {
                self.error(second, format!("a second {rtype} at {}", owner()), "leave one");
            }
            if rtype == Rtype::SOA && node != APEX {
                let mend = "remove it, or make a zone of its own for it";
                self.error(record, format!("SOA at {}, which is not the apex", owner()), mend);
            }
            let wildcard = self.tree.name(node).starts_with(b"\x01*");
            if wildcard && matches!(rtype, Rtype::NS | Rtype::DNAME) {
                let what = format!("{rtype} at the wildcard {} (RFC 4592 §4.2, §4.4)", owner());
                self.error(record, what, "write the names out");
            }
            if rtype == Rtype::DNAME && node != APEX && rrsets.iter().any(|other| other.rtype == Rtype::NS) {
                let what = format!("DNAME and NS at {} (RFC 6672 §2.3)", owner());
                self.error(record, what, "remove one of them");
            }
            let signs = |other: Rtype| matches!(other, Rtype::RRSIG | Rtype::NSEC | Rtype::KEY | Rtype::NXT);
            let other = rrsets.iter().map(|other| other.rtype).find(|&other| other != rtype && !signs(other));
            if let (Rtype::CNAME, Some(other)) = (rtype, other) {
                let what = format!("CNAME and {other} at {} (RFC 1034 §3.6.2)", owner());
                self.error(record, what, "move the other data to the name that the CNAME leads to");
            }
        }
    }

    /// Data that a cut or a DNAME hides.
    fn standing(&mut self, node: u32) {
        let tree = self.tree;
        let standing = tree.node(node).standing;
        if standing == Standing::Ours {
            return;
        }
        let hider = tree.upwards(node).find(|&above| {
            tree.node(above).standing == Standing::Cut
                || tree.rrset(above, Rtype::DNAME).is_some() && above != node
        });
        let hider = hider.unwrap_or(APEX);
        let by_dname = tree.node(hider).standing != Standing::Cut;
        for rrset in tree.rrsets(node) {
            let Some(record) = self.first(rrset) else { continue };
            let (owner, above, rtype) = (text(record.owner), text(tree.name(hider)), rrset.rtype);
            let glue = matches!(rtype, Rtype::A | Rtype::AAAA) && self.targets.contains(tree.name(node));
            let of_cut = standing == Standing::Cut
                && matches!(rtype, Rtype::NS | Rtype::DS | Rtype::NSEC | Rtype::RRSIG | Rtype::DNAME);
            if by_dname {
                let what = format!("{owner} {rtype} lies below the DNAME at {above} (RFC 6672 §2.4)");
                self.error(record, what, "remove it, or the DNAME");
            } else if !glue && !of_cut {
                let what = format!("{owner} {rtype} is hidden by the delegation of {above}, and is no glue");
                self.warn(record, what, "move it to the zone of that name, or remove it");
            }
        }
    }

    fn ttls(&mut self, rrset: &Rrset) {
        let odd = self.tree.records(rrset).find(|record| record.ttl != rrset.ttl);
        if let Some(record) = odd {
            let owner = text(record.owner);
            let what = format!("the TTLs of {owner} {} differ (RFC 2181 §5.2)", rrset.rtype);
            self.warn(record, what, format!("write one; the lowest, {}, is served", rrset.ttl));
        }
    }

    /// Name servers and mail exchangers need an address, and not by way of a CNAME (RFC 2181 §10.3).
    fn targets_of(&mut self, node: u32, rrset: &Rrset) {
        let rtype = rrset.rtype;
        let hidden = self.tree.node(node).standing == Standing::Occluded;
        if hidden || !matches!(rtype, Rtype::NS | Rtype::MX | Rtype::SRV) {
            return;
        }
        for record in self.tree.records(rrset) {
            let Some(target) = target(rtype, record.rdata) else { continue };
            // The root as a target says that there is none (RFC 2782, RFC 7505).
            if target == [0] {
                continue;
            }
            let (owner, name) = (text(record.owner), text(target));
            match self.lead(node, &target.to_ascii_lowercase()) {
                Target::Elsewhere | Target::Address => {}
                Target::Alias => {
                    let what = format!("the {rtype} of {owner} leads to the CNAME {name} (RFC 2181 §10.3)");
                    self.warn(record, what, "name the server that the CNAME leads to");
                }
                Target::Nothing if rtype == Rtype::NS => {
                    let what = format!("the NS of {owner} leads to {name}, which has no address here");
                    self.error(record, what, format!("add an A or AAAA record for {name}"));
                }
                Target::Nothing => {
                    let what = format!("the {rtype} of {owner} leads to {name}, which has no address here");
                    self.warn(record, what, format!("add an A or AAAA record for {name}"));
                }
            }
        }
    }

    /// Where a folded target leads from the node that names it.
    fn lead(&self, from: u32, target: &[u8]) -> Target {
        let tree = self.tree;
        let mut rest = target;
        let encloser = loop {
            match tree.find(rest) {
                Some(node) => break node,
                None if rest.len() > 1 => rest = &rest[1 + usize::from(rest[0])..],
                None => return Target::Elsewhere,
            }
        };
        let exact = rest.len() == target.len();
        let has = |node: u32, rtype| tree.rrset(node, rtype).is_some();
        let node = match exact {
            true => Some(encloser),
            false => tree.find(&[b"\x01*", rest].concat()),
        };
        let addressed = node.is_some_and(|node| has(node, Rtype::A) || has(node, Rtype::AAAA));
        match tree.node(encloser).standing {
            // A server of the zone that is delegated needs glue; that of a sibling is found by itself.
            Standing::Cut | Standing::Occluded => {
                let inside = from != APEX && tree.upwards(encloser).any(|above| above == from);
                let cut = inside && has(from, Rtype::NS);
                if cut && !(exact && addressed) { Target::Nothing } else { Target::Elsewhere }
            }
            Standing::Ours if addressed => Target::Address,
            Standing::Ours if node.is_some_and(|node| has(node, Rtype::CNAME)) => Target::Alias,
            Standing::Ours if has(encloser, Rtype::DNAME) && !exact => Target::Elsewhere,
            Standing::Ours => Target::Nothing,
        }
    }
}

fn problem(severity: Severity, record: ZoneRecord<'_>, what: String, mend: String) -> Problem {
    Problem { severity, file: record.file.into(), line: record.line, what, mend }
}

/// The name that a record of a service leads to, in wire form.
pub(crate) fn target(rtype: Rtype, rdata: &[u8]) -> Option<&[u8]> {
    let pieces = split(fields(rtype)?, rdata)?;
    pieces.into_iter().find(|(field, _)| *field == Field::Name).map(|(_, name)| name)
}

fn text(name: &[u8]) -> String {
    Name::from_wire(name).map_or_else(|error| error.to_string(), |name| name.to_string())
}
