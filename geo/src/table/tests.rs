//! Laws of `PrefixTable`, against a longest-prefix match by hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::*;

type Leaves = Vec<(IpNet, u8)>;

/// Prefixes that often nest, touch and repeat: few bits may be set, and few values are there.
fn leaves() -> impl Strategy<Value = Leaves> {
    let v4 = (any::<u32>(), 0_u8..=32).prop_map(|(bits, length)| {
        IpNet::new(Ipv4Addr::from(bits & 0xc101_0183).into(), length).unwrap().trunc()
    });
    let v6 = (any::<u128>(), 0_u8..=128, 0_usize..6).prop_map(|(bits, length, block)| {
        let bits = bits & 0xc100_0000_0001_8000_0000_0000_0000_0003;
        let first = BLOCKS.get(block).map_or(0x2001_0002, |(first, _)| u128::from(*first) >> 96);
        IpNet::new(Ipv6Addr::from(bits ^ (first << 96)).into(), length).unwrap().trunc()
    });
    prop::collection::vec((prop_oneof![3 => v4, 2 => v6], 0_u8..3), 0..24)
}

/// The value by definition.
fn naive(leaves: &Leaves, address: IpAddr) -> u8 {
    let address = match address {
        IpAddr::V6(v6) => embedded_v4(v6).map_or(address, |(v4, _)| v4.into()),
        IpAddr::V4(_) => address,
    };
    let matching = leaves.iter().filter(|(net, _)| net.contains(&address));
    matching.max_by_key(|(net, _)| net.prefix_len()).map_or(0, |(_, value)| *value)
}

/// Addresses where something may change: the edges of all prefixes and what is beyond them.
fn edges(leaves: &Leaves) -> Vec<IpAddr> {
    let near = |net: &IpNet| match (net.network(), net.broadcast()) {
        (IpAddr::V4(first), IpAddr::V4(last)) => {
            let (first, last) = (u32::from(first), u32::from(last));
            [first, last, first.wrapping_sub(1), last.wrapping_add(1)]
                .into_iter()
                .flat_map(|bits| {
                    let v4 = Ipv4Addr::from(bits);
                    let teredo = (0x2001_u128 << 112) | u128::from(!bits);
                    let to4 = (0x2002_u128 << 112) | (u128::from(bits) << 80) | 7;
                    [v4.into(), v4.to_ipv6_mapped().into(), v6(teredo), v6(to4)]
                })
                .collect::<Vec<_>>()
        }
        (IpAddr::V6(first), IpAddr::V6(last)) => {
            let (first, last) = (u128::from(first), u128::from(last));
            [first, last, first.wrapping_sub(1), last.wrapping_add(1)].map(v6).to_vec()
        }
        _ => unreachable!("a prefix is of one family"),
    };
    leaves.iter().flat_map(|(net, _)| near(net)).collect()
}

fn v6(bits: u128) -> IpAddr {
    Ipv6Addr::from(bits).into()
}

fn build(leaves: &Leaves) -> PrefixTable<u8> {
    PrefixTable::build(0, leaves.iter().copied())
}

proptest! {
    #[test]
    fn equals_longest_prefix_match(leaves in leaves(), v4: u32, v6: u128) {
        let table = build(&leaves);
        let others = [Ipv4Addr::from(v4).into(), Ipv6Addr::from(v6).into()];
        for address in edges(&leaves).into_iter().chain(others) {
            prop_assert_eq!(table.get(address).0, naive(&leaves, address), "{}", address);
        }
    }

    #[test]
    fn all_of_a_returned_prefix_has_its_value(leaves in leaves(), inside: u128) {
        let table = build(&leaves);
        for address in edges(&leaves) {
            let (value, length) = table.get(address);
            let net = IpNet::new(address, length).unwrap().trunc();
            let other = match net {
                IpNet::V4(net) => {
                    let host = u32::MAX.checked_shr(length.into()).unwrap_or(0);
                    let bits = u32::try_from(inside >> 96).unwrap();
                    IpAddr::from(Ipv4Addr::from(u32::from(net.network()) | (bits & host)))
                }
                IpNet::V6(net) => {
                    let host = u128::MAX.checked_shr(length.into()).unwrap_or(0);
                    Ipv6Addr::from(u128::from(net.network()) | (inside & host)).into()
                }
            };
            for same in [net.network(), net.broadcast(), other] {
                prop_assert_eq!(table.get(same), (value, length), "{} and {}", address, same);
            }
        }
    }

    #[test]
    fn prefixes_are_disjoint_in_order_and_cover_all(leaves in leaves()) {
        let nets: Leaves = build(&leaves).iter().collect();
        let mut v4_next = Some(0_u32);
        let mut v6_last = None;
        for (net, _) in &nets {
            match net {
                IpNet::V4(net) => {
                    prop_assert_eq!(Some(u32::from(net.network())), v4_next);
                    v4_next = u32::from(net.broadcast()).checked_add(1);
                }
                IpNet::V6(net) => {
                    prop_assert_eq!(v4_next, None, "IPv4 comes first and is whole");
                    let first = u128::from(net.network());
                    // Whatever is left out begins and ends with an embedded block.
                    let gap = match v6_last {
                        None => (first > 0).then_some(0),
                        Some(last) => (first > last + 1).then_some(last + 1),
                    };
                    if let Some(gap) = gap {
                        prop_assert!(embedded_v4(gap.into()).is_some(), "{} is left out", net);
                        prop_assert!(embedded_v4((first - 1).into()).is_some(), "before {}", net);
                    }
                    v6_last = Some(u128::from(net.broadcast()));
                }
            }
        }
        prop_assert_eq!(v6_last, Some(u128::MAX));
    }

    #[test]
    fn prefixes_cannot_be_shorter(leaves in leaves()) {
        let table = build(&leaves);
        let nets: Leaves = table.iter().collect();
        for (net, value) in &nets {
            let Some(parent) = net.supernet() else { continue };
            let begin = nets.partition_point(|(other, _)| other.network() < parent.network());
            let mut within = nets[begin..].iter().take_while(|(other, _)| parent.contains(other));
            let differs = within.any(|(_, its)| its != value);
            let embeds = BLOCKS.iter().any(|(first, length)| {
                parent.contains(&IpNet::new((*first).into(), *length).unwrap())
            });
            prop_assert!(differs || embeds, "{} could be {}", net, parent);
        }
    }

    #[test]
    fn its_own_prefixes_build_it_again(leaves in leaves()) {
        let nets: Leaves = build(&leaves).iter().collect();
        let again: Leaves = build(&nets).iter().collect();
        prop_assert_eq!(nets, again);
    }
}

fn table(leaves: &[(&str, u8)]) -> PrefixTable<u8> {
    PrefixTable::build(0, leaves.iter().map(|(net, value)| (net.parse().unwrap(), *value)))
}

#[test]
fn equal_siblings_merge() {
    let table = table(&[("10.0.0.0/25", 1), ("10.0.0.128/25", 1), ("10.0.1.0/24", 1)]);
    assert_eq!(table.get([10, 0, 0, 200].into()), (1, 23));
    assert_eq!(table.get([10, 0, 2, 0].into()), (0, 23));
}

#[test]
fn the_later_of_equal_prefixes_wins() {
    assert_eq!(table(&[("10.0.0.0/8", 1), ("10.0.0.0/8", 2)]).get([10, 1, 1, 1].into()), (2, 8));
}

#[test]
fn embedded_addresses_answer_as_ipv4_whatever_ipv6_says() {
    let table = table(&[("192.0.2.0/24", 1), ("::/0", 2), ("2002::/16", 3)]);
    for (address, expected) in [
        ("::ffff:192.0.2.1", (1, 120)),
        ("64:ff9b::192.0.2.1", (1, 120)),
        ("2002:c000:201::1", (1, 40)),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", (1, 120)),
        // Not Teredo, which ends at 2001:0:ffff….
        ("2001:2:0:10::1", (2, 31)),
        ("2400::1", (2, 6)),
    ] {
        let address: IpAddr = address.parse().unwrap();
        assert_eq!(table.get(address), expected, "{address}");
    }
}

#[test]
fn one_value_everywhere_is_one_prefix() {
    let table = table(&[]);
    assert_eq!(table.get("2400::1".parse().unwrap()), (0, 0));
    assert_eq!(table.get("::ffff:192.0.2.1".parse().unwrap()), (0, 0));
    assert_eq!(table.get([192, 0, 2, 1].into()), (0, 0));
    assert_eq!(table.iter().count(), 2);
}
