//! `PrefixTable<T>`: from an address to a value and the exact prefix that has it.

use std::hash::Hash;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::embedded::{BLOCKS, embedded_v4};
use crate::segments::{Row, Segments, key_v4, keys, last_key};
use crate::trie::Trie;

/// Bits of the root array. 18 makes IPv4 two nodes deep down to /30 for 1 MiB; 14 is what 128
/// leaves over after whole nodes, and seven nodes reach a /56.
const ROOT_V4: u32 = 18;
const ROOT_V6: u32 = 14;

/// An immutable longest-prefix match in which every address has a value.
///
/// IPv4 and IPv6 are apart, but an IPv6 address with an IPv4 address inside (see
/// [`embedded_v4`]) has that one's value, and what leaves say inside those blocks is not used.
///
/// The prefix that [`get`](Self::get) returns is exact: the value is the same all over it, and
/// not all over the prefix one bit shorter.
#[derive(Clone, Debug)]
pub struct PrefixTable<T> {
    v4: Trie<T>,
    /// With each value whether it lies in an embedded block, where the answer is IPv4's.
    v6: Trie<(T, bool)>,
}

impl<T: Copy + Eq + Hash> PrefixTable<T> {
    /// From prefixes in any order, nested or not: the longer wins, of equal ones the later;
    /// `default` elsewhere. Host bits in a prefix are ignored.
    pub fn build(default: T, leaves: impl IntoIterator<Item = (IpNet, T)>) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for (net, value) in leaves {
            let (first, last) = keys(net);
            let rows = if net.addr().is_ipv4() { &mut v4 } else { &mut v6 };
            rows.push(Row { first, last, value });
        }
        Self::from_segments(
            &Segments::nested(default, v4, |_, own| own),
            &Segments::nested(default, v6, |_, own| own),
        )
    }

    /// From the value of every key of both families.
    pub(crate) fn from_segments(v4: &Segments<T>, v6: &Segments<T>) -> Self {
        let blocks = BLOCKS.map(|(first, length)| {
            let first = u128::from(first);
            Row { first, last: last_key(first, length), value: true }
        });
        let embedded = Segments::nested(false, blocks.to_vec(), |_, own| own);
        // Where all of IPv4 is one, the blocks are like any other IPv6 prefix and may merge.
        let uniform = v4.len() == 1;
        let v6 = v6.overlay(&embedded, |value, embedded| match (embedded, uniform) {
            (true, true) => (v4.value(0), false),
            _ => (value, embedded),
        });
        Self { v4: Trie::build(ROOT_V4, v4), v6: Trie::build(ROOT_V6, &v6) }
    }
}

impl<T: Copy> PrefixTable<T> {
    /// The value of `address`, and the length of the shortest prefix around it, in its own
    /// family, over which the value does not change.
    #[inline]
    pub fn get(&self, address: IpAddr) -> (T, u8) {
        match address {
            IpAddr::V4(address) => self.v4.get(key_v4(address)),
            IpAddr::V6(address) => self.get_v6(address),
        }
    }

    #[inline]
    fn get_v6(&self, address: Ipv6Addr) -> (T, u8) {
        if let Some((inside, before)) = embedded_v4(address) {
            let (value, length) = self.v4.get(key_v4(inside));
            // While IPv4 is all one, the block is part of a wider IPv6 prefix.
            if length > 0 {
                return (value, before + length);
            }
        }
        let ((value, _), length) = self.v6.get(address.into());
        (value, length)
    }

    /// Every prefix with its value: disjoint, in order, IPv4 first, together all addresses of
    /// both families but for the IPv6 blocks that are answered from IPv4. A table built of them
    /// is equal to this one.
    pub fn iter(&self) -> impl Iterator<Item = (IpNet, T)> {
        let v4 = self.v4.iter().filter_map(|(first, length, value)| {
            let address = Ipv4Addr::from(u32::try_from(first >> 96).ok()?);
            Some((IpNet::V4(Ipv4Net::new(address, length).ok()?), value))
        });
        let own = self.v6.iter().filter(|(_, _, (_, embedded))| !embedded);
        let v6 = own.filter_map(|(first, length, (value, _))| {
            Some((IpNet::V6(Ipv6Net::new(first.into(), length).ok()?), value))
        });
        v4.chain(v6)
    }

    /// Octets on the heap.
    pub fn memory(&self) -> usize {
        self.v4.memory() + self.v6.memory()
    }
}

#[cfg(test)]
mod tests;
