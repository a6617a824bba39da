//! Who may ask.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, de};

/// An access list. A client in `deny` is out; otherwise it is in where `allow` is empty or names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct AclConfig {
    /// Prefixes or addresses that may ask; none (the default) stands for everybody.
    #[serde(deserialize_with = "prefixes")]
    pub allow: Vec<IpNet>,
    /// Prefixes or addresses that may not, even where `allow` names them; none by default.
    #[serde(deserialize_with = "prefixes")]
    pub deny: Vec<IpNet>,
    /// What the others get.
    pub otherwise: Otherwise,
}

/// What a client gets that may not ask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Otherwise {
    /// REFUSED (the default).
    #[default]
    Refused,
    /// Nothing.
    Silence,
}

/// Reads prefixes, and addresses as prefixes of full length.
fn prefixes<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<IpNet>, D::Error> {
    let texts = Vec::<String>::deserialize(input)?;
    texts.iter().map(|text| prefix(text).map_err(de::Error::custom)).collect()
}

fn prefix(text: &str) -> Result<IpNet, String> {
    let net = match text.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address),
        Err(_) => text.parse::<IpNet>().map_err(|_| {
            format!("`{text}` is no prefix; write an address like 192.0.2.1 or a prefix like 192.0.2.0/24")
        })?,
    };
    if net == net.trunc() {
        Ok(net)
    } else {
        Err(format!("`{text}` has bits behind the prefix; write {}", net.trunc()))
    }
}

/// An access list made ready: one binary search a look-up.
#[derive(Clone, Debug)]
pub struct Acl {
    allow: Option<Ranges>,
    deny: Ranges,
    otherwise: Otherwise,
}

impl Acl {
    /// Makes the list ready.
    pub fn new(config: &AclConfig) -> Self {
        Self {
            allow: (!config.allow.is_empty()).then(|| Ranges::of(&config.allow)),
            deny: Ranges::of(&config.deny),
            otherwise: config.otherwise,
        }
    }

    /// Nothing where the client may ask; else what it gets. IPv4 in IPv6 counts as IPv4.
    #[inline]
    pub fn verdict(&self, client: IpAddr) -> Option<Otherwise> {
        if self.allow.is_none() && self.deny.0.is_empty() {
            return None;
        }
        let client = number(client.to_canonical());
        let may = !self.deny.contain(client) && self.allow.as_ref().is_none_or(|allow| allow.contain(client));
        (!may).then_some(self.otherwise)
    }
}

/// Addresses as ranges: sorted, disjoint; IPv4 in its mapped form.
#[derive(Clone, Debug)]
struct Ranges(Box<[(u128, u128)]>);

impl Ranges {
    fn of(nets: &[IpNet]) -> Self {
        let mut all: Vec<_> =
            nets.iter().map(|net| (number(net.network()), number(net.broadcast()))).collect();
        all.sort_unstable();
        all.dedup_by(|next, last| {
            let joined = next.0 <= last.1;
            if joined {
                last.1 = last.1.max(next.1);
            }
            joined
        });
        Self(all.into())
    }

    fn contain(&self, address: u128) -> bool {
        let behind = self.0.partition_point(|range| range.0 <= address);
        behind.checked_sub(1).is_some_and(|index| address <= self.0[index].1)
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn acl(text: &str) -> Acl {
        Acl::new(&toml::from_str(text).unwrap())
    }

    fn verdict(acl: &Acl, client: &str) -> Option<Otherwise> {
        acl.verdict(client.parse().unwrap())
    }

    #[test]
    fn empty_lists_let_everybody_in() {
        let acl = acl("");
        assert_eq!(verdict(&acl, "203.0.113.7"), None);
        assert_eq!(verdict(&acl, "2001:db8::7"), None);
    }

    #[test]
    fn deny_is_stronger_than_allow() {
        let acl = acl("allow = ['10.0.0.0/8', '2001:db8::/32']\ndeny = ['10.1.0.0/16', '10.2.3.4']");
        assert_eq!(verdict(&acl, "10.0.0.1"), None);
        assert_eq!(verdict(&acl, "10.255.255.255"), None);
        assert_eq!(verdict(&acl, "10.1.2.3"), Some(Otherwise::Refused));
        assert_eq!(verdict(&acl, "10.2.3.4"), Some(Otherwise::Refused));
        assert_eq!(verdict(&acl, "10.2.3.5"), None);
        assert_eq!(verdict(&acl, "11.0.0.0"), Some(Otherwise::Refused));
        assert_eq!(verdict(&acl, "2001:db8:ffff::1"), None);
        assert_eq!(verdict(&acl, "2001:db9::"), Some(Otherwise::Refused));
        assert_eq!(verdict(&acl, "::ffff:10.0.0.1"), None);
    }

    #[test]
    fn deny_alone_lets_the_others_in() {
        let acl = acl("deny = ['192.0.2.0/24']\notherwise = 'silence'");
        assert_eq!(verdict(&acl, "192.0.2.255"), Some(Otherwise::Silence));
        assert_eq!(verdict(&acl, "192.0.3.0"), None);
    }

    #[test]
    fn bad_prefixes_say_what_to_write() {
        for (text, mend) in
            [("allow = ['10.0.0.1/8']", "write 10.0.0.0/8"), ("allow = ['home']", "write an address like")]
        {
            let error = toml::from_str::<AclConfig>(text).unwrap_err().to_string();
            assert!(error.contains(mend), "{error}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_looking_at_each_prefix(
            nets in prop::collection::vec((0u32..64, 26u8..=32), 0..12),
            clients in prop::collection::vec(0u32..64, 32),
        ) {
            let net = |(bits, length): (u32, u8)| IpNet::new(IpAddr::from(bits.to_be_bytes()), length).unwrap();
            let nets: Vec<IpNet> = nets.into_iter().map(|drawn| net(drawn).trunc()).collect();
            let ranges = Ranges::of(&nets);
            for client in clients {
                let client = IpAddr::from(client.to_be_bytes());
                prop_assert_eq!(ranges.contain(number(client)), nets.iter().any(|net| net.contains(&client)));
            }
        }
    }
}
