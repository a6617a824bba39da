//! A map of all of IPv4 that every server under measure can load: some 120,000 prefixes of a carrier and a
//! city each, made up from a seed. Real data was no use here: its places have no true order of
//! datacentres, while here every server has to find the same region and line for every client.

use std::fmt::Write;
use std::net::Ipv4Addr;

use fastrand::Rng;
use ipnet::Ipv4Net;

/// Cities near one of the three regions of the default world, so that there is no doubt which is nearest:
/// region, ISO 3166-2 province, name, latitude, longitude.
const CITIES: [(u8, &str, &str, f64, f64); 12] = [
    (0, "CN-SH", "Shanghai", 31.23, 121.47),
    (0, "CN-ZJ", "Hangzhou", 30.27, 120.16),
    (0, "CN-JS", "Nanjing", 32.06, 118.80),
    (0, "CN-ZJ", "Ningbo", 29.87, 121.55),
    (1, "CN-BJ", "Beijing", 39.90, 116.41),
    (1, "CN-TJ", "Tianjin", 39.08, 117.20),
    (1, "CN-HE", "Shijiazhuang", 38.04, 114.51),
    (1, "CN-LN", "Shenyang", 41.80, 123.43),
    (2, "CN-GD", "Guangzhou", 23.13, 113.26),
    (2, "CN-GD", "Shenzhen", 22.54, 114.06),
    (2, "CN-GX", "Nanning", 22.82, 108.32),
    (2, "CN-HI", "Haikou", 20.04, 110.34),
];

/// Carriers, in the order of the default world's lines.
const CARRIERS: [&str; 4] = ["telecom", "unicom", "mobile", "edu"];

/// How a /14 is cut: into pieces of this length, this often in a thousand.
const CUTS: [(u8, u32); 5] = [(14, 500), (16, 300), (18, 150), (20, 49), (24, 1)];

/// A region and a line: the datacentre that a client belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Site {
    region: u8,
    line: u8,
}

impl Site {
    /// All twelve, by region.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..3).flat_map(|region| (0..4).map(move |line| Self { region, line }))
    }

    /// The prefix that its addresses lie in (DESIGN §4).
    pub(crate) fn net(self) -> Ipv4Net {
        Ipv4Net::new_assert(Ipv4Addr::new(198, 18, 16 * self.region + self.line, 0), 24)
    }
}

/// A prefix and who lives there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// The prefix.
    pub(crate) prefix: Ipv4Net,
    /// Index of the city.
    city: usize,
    /// Index of the carrier.
    carrier: u8,
}

impl Entry {
    /// The nearest region, on the client's own line.
    pub(crate) fn site(&self) -> Site {
        Site { region: CITIES[self.city].0, line: self.carrier }
    }
}

/// The map: sorted, disjoint. Neighbours belong to different sites, so that no server can merge them and
/// every entry is a leaf of its own.
pub(crate) fn generate(rng: &mut Rng) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for block in (1_u32..224).filter(|first| *first != 127).flat_map(|first| first << 6..(first + 1) << 6) {
        let mut dice = rng.u32(0..1000);
        let length = CUTS.iter().find(|(_, weight)| {
            let hit = dice < *weight;
            dice = dice.wrapping_sub(*weight);
            hit
        });
        let length = length.map_or(14, |(length, _)| *length);
        for piece in 0..1_u32 << (length - 14) {
            let first = Ipv4Addr::from((block << 18) + (piece << (32 - length)));
            let last = entries.last().map(Entry::site);
            let entry = std::iter::repeat_with(|| Entry {
                prefix: Ipv4Net::new_assert(first, length),
                city: rng.usize(..CITIES.len()),
                carrier: rng.u8(..CARRIERS.len() as u8),
            })
            .find(|entry| Some(entry.site()) != last);
            entries.extend(entry);
        }
    }
    entries
}

/// Tern's override list: `cidr,carrier,country,province,city,lat,lon,asn`.
pub(crate) fn overrides(map: &[Entry]) -> String {
    let mut csv = String::from("cidr,carrier,country,province,city,lat,lon,asn\n");
    for entry in map {
        let (_, province, city, lat, lon) = CITIES[entry.city];
        let carrier = CARRIERS[usize::from(entry.carrier)];
        let _ = writeln!(csv, "{},{carrier},CN,{province},{city},{lat},{lon},", entry.prefix);
    }
    csv
}

/// gdnsd's nets file: each prefix with its order of datacentres, the own line of the nearest region first,
/// then the same line elsewhere, then all others; an order for each city and carrier.
pub(crate) fn nets(map: &[Entry]) -> String {
    let mut nets = String::new();
    for entry in map {
        let site = entry.site();
        let mut order: Vec<Site> = Site::all().collect();
        order.rotate_left(entry.city);
        order.sort_by_key(|other| (*other != site, other.line != site.line));
        let order: Vec<String> = order.into_iter().map(datacentre).collect();
        let _ = writeln!(nets, "{} => [{}]", entry.prefix, order.join(", "));
    }
    nets
}

/// How gdnsd calls a site.
pub(crate) fn datacentre(site: Site) -> String {
    format!("r{}-l{}", site.region, site.line)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn the_map_is_the_same_every_time_disjoint_and_unmergeable() {
        let map = generate(&mut Rng::with_seed(1));
        assert_eq!(overrides(&map), overrides(&generate(&mut Rng::with_seed(1))));
        assert!(map.len() >= 60_000, "{}", map.len());
        for pair in map.windows(2) {
            assert!(pair[0].prefix.broadcast() < pair[1].prefix.network());
            assert_ne!(pair[0].site(), pair[1].site());
        }
    }

    #[test]
    fn a_line_of_each_file() {
        let entry = Entry { prefix: "1.4.0.0/14".parse().unwrap(), city: 4, carrier: 1 };
        assert_eq!(entry.site().net().to_string(), "198.18.17.0/24");
        assert!(overrides(&[entry]).ends_with("\n1.4.0.0/14,unicom,CN,CN-BJ,Beijing,39.9,116.41,\n"));
        let nets = nets(&[entry]);
        assert!(nets.starts_with("1.4.0.0/14 => [r1-l1, r2-l1, r0-l1, "), "{nets}");
        assert_eq!(nets.matches(", ").count(), 11);
    }
}
