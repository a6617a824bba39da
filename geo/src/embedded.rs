//! IPv4 addresses inside IPv6 addresses. Whoever asks from one is where the IPv4 address is.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The IPv6 blocks that [`embedded_v4`] sees through: first address and prefix length.
pub(crate) const BLOCKS: [(Ipv6Addr, u8); 4] = [
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96), // mapped, RFC 4291 2.5.5.2
    (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96), // NAT64, RFC 6052 2.1
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 32), // Teredo, RFC 4380 2.6
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4, RFC 3056 2
];

/// The IPv4 address inside `address`, and how many bits stand before it.
///
/// Mapped `::ffff:0:0/96` (RFC 4291), 6to4 `2002::/16` (RFC 3056), NAT64 `64:ff9b::/96`
/// (RFC 6052), and the client of Teredo `2001::/32`, whose bits are inverted (RFC 4380 section
/// 4). `2001:2::/48` is the benchmarking block (RFC 5180) and stays IPv6.
///
/// A prefix of n bits around the IPv4 address is one of `bits + n` around `address`, inverted or
/// not.
pub fn embedded_v4(address: Ipv6Addr) -> Option<(Ipv4Addr, u8)> {
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, a, b] | [0x64, 0xff9b, 0, 0, 0, 0, a, b] => Some((v4(a, b), 96)),
        [0x2001, 0, .., a, b] => Some((v4(!a, !b), 96)),
        [0x2002, a, b, ..] => Some((v4(a, b), 16)),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_form() {
        for (address, expected) in [
            ("::ffff:192.0.2.1", Some(("192.0.2.1", 96))),
            ("64:ff9b::192.0.2.33", Some(("192.0.2.33", 96))),
            ("2002:c000:0201::1", Some(("192.0.2.1", 16))),
            // The example of RFC 4380: the client 192.0.2.45 behind its NAT.
            ("2001:0:4136:e378:8000:63bf:3fff:fdd2", Some(("192.0.2.45", 96))),
            ("2001:2:0:10::1", None),
            ("2001:db8::1", None),
            ("::192.0.2.1", None),
            ("64:ff9b:1::192.0.2.1", None),
        ] {
            let expected = expected.map(|(v4, bits)| (v4.parse().unwrap(), bits));
            assert_eq!(embedded_v4(address.parse().unwrap()), expected, "{address}");
        }
    }

    proptest! {
        #[test]
        fn embedded_exactly_inside_the_blocks(block in 0_usize..5, low: u128) {
            let address = match BLOCKS.get(block) {
                Some((first, length)) => (low >> length) | u128::from(*first),
                None => low,
            };
            let inside = BLOCKS.iter().any(|(first, length)| {
                (address ^ u128::from(*first)) >> (128 - u32::from(*length)) == 0
            });
            prop_assert_eq!(embedded_v4(address.into()).is_some(), inside);
        }
    }
}
