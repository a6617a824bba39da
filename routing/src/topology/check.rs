//! The rules that a topology must keep, apart from where its rows come from.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::ops::Range;

use ipnet::IpNet;
use toml::Spanned;

use super::model::Asn;
use super::problem::Report;

/// Letters, digits, hyphens, underscores and dots: safe on a command line and in a metric's label.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

/// Reports a name that no host can have (RFC 1123 §2.1) or that is not in lower case.
pub(super) fn dns_name(report: &mut Report, who: &str, name: &Spanned<String>) -> Option<()> {
    let text = name.get_ref();
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    if text.len() <= 253 && text.split('.').all(label) {
        return Some(());
    }
    report.add(
        name.span(),
        format!("{who}: not a valid DNS name"),
        "write labels of 1 to 63 lower-case letters, digits and inner hyphens, joined by dots, \
         without a final dot",
    );
    None
}

/// Reports an AS number that nobody can have (RFC 7607, RFC 6793, RFC 7300).
pub(super) fn asn(report: &mut Report, who: &str, asn: &Spanned<Asn>) -> Option<Asn> {
    let number = *asn.get_ref();
    if !matches!(number, 0 | 23456 | 65535 | u32::MAX) {
        return Some(number);
    }
    report.add(
        asn.span(),
        format!("{who}: AS {number} is reserved"),
        "write the number that the registry assigned, or one of 64512 to 65534",
    );
    None
}

/// Reports a number out of bounds; NaN is out of every bound.
pub(super) fn within<T: PartialOrd + Copy + std::fmt::Display>(
    report: &mut Report,
    what: &str,
    value: &Spanned<T>,
    low: T,
    high: T,
) -> Option<T> {
    let number = *value.get_ref();
    if low <= number && number <= high {
        return Some(number);
    }
    report.add(
        value.span(),
        format!("{what} {number} is out of range"),
        format!("write a number from {low} to {high}"),
    );
    None
}

/// Reports a prefix with bits set beyond its length.
pub(super) fn no_host_bits(report: &mut Report, who: &str, cidr: &Spanned<IpNet>) -> Option<IpNet> {
    let net = *cidr.get_ref();
    if net == net.trunc() {
        return Some(net);
    }
    report.add(cidr.span(), format!("{who}: {net} has host bits set"), format!("write {}", net.trunc()));
    None
}

/// Reports an empty list and every prefix with host bits.
pub(super) fn cidrs(
    report: &mut Report,
    who: &str,
    at: Range<usize>,
    cidrs: &[Spanned<IpNet>],
) -> Option<Vec<IpNet>> {
    if cidrs.is_empty() {
        report.add(at, format!("{who}: cidrs is empty"), "list a prefix in it");
        return None;
    }
    let checked: Vec<_> = cidrs.iter().map(|cidr| no_host_bits(report, who, cidr)).collect();
    checked.into_iter().collect()
}

/// Whether two prefixes share an address.
pub(super) fn overlap(a: &IpNet, b: &IpNet) -> bool {
    a.contains(b) || b.contains(a)
}

/// The `number`th address of a prefix, counted from its network address, which is 0 and which no
/// host can have.
pub(super) fn host(net: &IpNet, number: u32) -> Option<IpAddr> {
    let address = match net.network() {
        IpAddr::V4(base) => IpAddr::V4(base.to_bits().checked_add(number)?.into()),
        IpAddr::V6(base) => IpAddr::V6(base.to_bits().checked_add(number.into())?.into()),
    };
    (number > 0 && net.contains(&address)).then_some(address)
}

/// Whether `name` is of the form that `pattern` gives; `*` stands for any run of characters.
pub fn glob(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|head| name.strip_prefix(head)) else {
        return false;
    };
    let Some(tail) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(tail)
}

/// What has been used, by whom and on which line.
pub(super) struct Used<K>(HashMap<K, (String, usize)>);

impl<K: Eq + std::hash::Hash> Used<K> {
    pub(super) fn new() -> Self {
        Self(HashMap::new())
    }

    /// Takes `key`, or says who has it.
    pub(super) fn claim(&mut self, key: K, who: &str, line: usize) -> Result<(), (String, usize)> {
        match self.0.entry(key) {
            Entry::Occupied(first) => Err(first.get().clone()),
            Entry::Vacant(free) => {
                free.insert((who.to_owned(), line));
                Ok(())
            }
        }
    }

    /// Takes `key`, called `what`; a second use is reported.
    pub(super) fn take(
        &mut self,
        report: &mut Report,
        who: &str,
        at: Range<usize>,
        what: &str,
        key: K,
    ) -> Option<()> {
        let (first, line) = match self.claim(key, who, report.line(&at)) {
            Ok(()) => return Some(()),
            Err(first) => first,
        };
        report.add(
            at,
            format!("{who}: {what} is already used by {first} on line {line}"),
            "give each its own",
        );
        None
    }
}

/// Reports the names that a list has twice. `kind` says what they are.
pub(super) fn once(report: &mut Report, who: &str, kind: &str, list: &[Spanned<String>]) {
    for (i, name) in list.iter().enumerate() {
        if list[..i].contains(name) {
            report.add(name.span(), format!("{who}: lists {kind} {} twice", name.get_ref()), "take one out");
        }
    }
}

/// Reports a circle of providers: in it nobody is at the top, and no route would be stable. Each
/// relation is (provider, customer, where it is written).
pub(super) fn provider_circle(transit: &[(Asn, Asn, Range<usize>)], report: &mut Report) {
    // Take away what cannot be on a circle, from below and from above, until nothing changes.
    let mut left: Vec<_> = transit.iter().collect();
    loop {
        let before = left.len();
        let providers: HashSet<Asn> = left.iter().map(|relation| relation.0).collect();
        left.retain(|relation| providers.contains(&relation.1));
        let customers: HashSet<Asn> = left.iter().map(|relation| relation.1).collect();
        left.retain(|relation| customers.contains(&relation.0));
        if left.len() == before {
            break;
        }
    }
    if let Some((_, customer, at)) = left.first() {
        report.add(
            at.clone(),
            format!("relations: providers form a circle around AS {customer}"),
            "take one relation out of the circle",
        );
    }
}
