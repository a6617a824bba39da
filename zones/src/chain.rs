//! Chains of CNAMEs inside a zone (RFC 1034 §3.6.2).

use wire::Rtype;

use crate::tree::{Standing, Tree};

/// CNAMEs that are followed in one answer; the asker follows the rest.
pub(crate) const MAX_CHAIN: usize = 16;

/// A CNAME of a chain: its owner (none: the question) and its data.
pub(crate) struct Link<'z> {
    pub(crate) owner: Option<&'z [u8]>,
    pub(crate) ttl: u32,
    pub(crate) target: &'z [u8],
}

/// Where a chain of CNAMEs ends.
pub(crate) enum End {
    /// Outside the zone, in a circle, or after too many links.
    Open,
    /// At a name that the zone answers for, or whose wildcard it has.
    Node(u32),
    /// At or below a cut.
    Cut { cut: u32, exact: bool },
    /// At a name that does not exist.
    Missing,
    /// Below a DNAME.
    Dname,
}

/// Follows the CNAME of a node as far as the zone goes.
pub(crate) fn chain<'z>(tree: &Tree<'z>, node: u32) -> (Vec<Link<'z>>, End) {
    let mut links: Vec<Link<'z>> = Vec::new();
    let mut seen = vec![node];
    let mut at = node;
    loop {
        let Some(rrset) = tree.rrset(at, Rtype::CNAME) else { return (links, End::Node(at)) };
        let Some(record) = tree.records(rrset).next() else { return (links, End::Open) };
        // A wildcard's CNAME belongs to the name that was asked for (RFC 4592 §3.3.1).
        let owner = links.last().map(|link| link.target);
        links.push(Link { owner, ttl: rrset.ttl, target: record.rdata });
        at = match resolve(tree, &record.rdata.to_ascii_lowercase()) {
            End::Node(next) if !seen.contains(&next) && links.len() < MAX_CHAIN => next,
            End::Node(next) if tree.rrset(next, Rtype::CNAME).is_some() => return (links, End::Open),
            end => return (links, end),
        };
        seen.push(at);
    }
}

/// Where a folded name leads: the search of [`CompiledZone::find`](crate::CompiledZone::find), in the tree.
fn resolve(tree: &Tree<'_>, name: &[u8]) -> End {
    let mut rest = name;
    let encloser = loop {
        match tree.find(rest) {
            Some(node) => break node,
            None if rest.len() > 1 => rest = &rest[1 + usize::from(rest[0])..],
            None => return End::Open,
        }
    };
    let exact = rest.len() == name.len();
    let cut = tree.upwards(encloser).find(|&above| tree.node(above).standing == Standing::Cut);
    match cut {
        Some(cut) => End::Cut { cut, exact: exact && cut == encloser },
        None if exact => End::Node(encloser),
        None if tree.rrset(encloser, Rtype::DNAME).is_some() => End::Dname,
        None => tree.find(&[b"\x01*", rest].concat()).map_or(End::Missing, End::Node),
    }
}
