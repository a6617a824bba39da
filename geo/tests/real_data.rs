//! The crate on real data from `../shared`, which is no part of the project: without it the
//! tests say so and pass.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::HashMap;
use std::fs;
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use geo::{Map, MapBuilder, Place, Source};

/// The path of a file of the shared data; `None`, and a line on stderr, where there is none.
fn shared(name: &str) -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared");
    let root = std::env::var_os("TERN_SHARED").map_or_else(|| beside.into(), PathBuf::from);
    let path = root.join("data").join(name);
    let there = path.exists();
    if !there {
        eprintln!("skipped: no {}", path.display());
    }
    there.then_some(path)
}

fn open(name: &str) -> Option<Map> {
    let source = Source::open(shared(name)?).unwrap();
    Some(MapBuilder::shipped().unwrap().layer(source).build())
}

fn place<'a>(map: &'a Map, address: &str) -> &'a Place {
    map.locate(address.parse().unwrap()).place
}

/// What a place should be, written apart from the crate's own tables.
fn province(name: &str) -> Option<&'static str> {
    let codes = "北京BJ 天津TJ 河北HE 山西SX 内蒙NM 辽宁LN 吉林JL 黑龙HL 上海SH 江苏JS 浙江ZJ 安徽AH 福建FJ 江西JX \
                 山东SD 河南HA 湖北HB 湖南HN 广东GD 广西GX 海南HI 重庆CQ 四川SC 贵州GZ 云南YN 西藏XZ 陕西SN 甘肃GS \
                 青海QH 宁夏NX 新疆XJ 台湾TW 香港HK 澳门MO";
    let begins: String = name.chars().take(2).collect();
    codes.split(' ').find_map(|entry| entry.strip_prefix(begins.as_str()))
}

fn carrier(name: &str) -> Option<&'static str> {
    let known = HashMap::from([
        ("电信", "telecom"),
        ("联通", "unicom"),
        ("移动", "mobile"),
        ("铁通", "mobile"),
        ("教育网", "edu"),
        ("鹏博士", "drpeng"),
        ("科技网", "cstnet"),
    ]);
    known.get(name).copied()
}

#[test]
fn ip2region_agrees_with_every_row() {
    let Some(map) = open("ip2region-2018.txt.gz") else { return };
    for (address, code, carrier) in [
        ("202.96.209.133", "CN-SH", "telecom"),
        ("202.106.0.20", "CN-BJ", "unicom"),
        ("211.136.112.50", "CN-SH", "mobile"),
    ] {
        let place = place(&map, address);
        assert_eq!(place.province.as_deref(), Some(code), "{address}");
        assert_eq!(place.carrier.as_deref(), Some(carrier), "{address}");
    }
    let mut text = String::new();
    let packed = fs::File::open(shared("ip2region-2018.txt.gz").unwrap()).unwrap();
    flate2::read::GzDecoder::new(packed).read_to_string(&mut text).unwrap();
    for line in text.lines() {
        let fields: Vec<_> = line.split('|').collect();
        let [first, last] = [fields[0], fields[1]].map(|it| u32::from(it.parse::<Ipv4Addr>().unwrap()));
        for bits in [first, last, first + (last - first) / 2] {
            let located = map.locate(Ipv4Addr::from(bits).into());
            check(line, located.place, fields[2], fields[4], fields[5], fields[6]);
            let (net, host) = (located.prefix.network(), located.prefix.broadcast());
            assert!(net <= IpAddr::from(Ipv4Addr::from(bits)) && host >= Ipv4Addr::from(bits), "{line}");
        }
    }
}

fn check(line: &str, place: &Place, country: &str, region: &str, city: &str, isp: &str) {
    let in_china = country == "中国";
    let code = in_china.then(|| province(region)).flatten();
    assert_eq!(place.province.as_deref().and_then(|it| it.strip_prefix("CN-")), code, "{line}");
    let known = !matches!(city, "0" | "内网IP");
    assert_eq!(place.city.as_deref(), known.then_some(city), "{line}");
    let ours = ["telecom", "unicom", "mobile", "edu", "drpeng", "cstnet"];
    let found = place.carrier.as_deref().filter(|it| ours.contains(it));
    assert_eq!(found, carrier(isp), "{line}");
    if in_china {
        let own = code.filter(|code| matches!(*code, "HK" | "MO" | "TW"));
        assert_eq!(place.country.as_deref(), Some(own.unwrap_or("CN")), "{line}");
    }
    // Regions such as “Europe” are no country; all else has one, and a point on the globe.
    let no_country = ["0", "欧洲", "亚太地区", "非洲地区", "拉美地区", "北美地区", "安的列斯"];
    assert_eq!(place.country.is_none(), no_country.contains(&country), "{line}");
    assert_eq!(place.point.is_none(), place.country.is_none(), "{line}");
}

#[test]
fn cities_of_the_data_have_their_own_centre() {
    let Some(map) = open("ip2region-2018.txt.gz") else { return };
    let centre = |province: &str| {
        map.places()
            .iter()
            .find(|it| it.province.as_deref() == Some(province) && it.city.is_none() && it.point.is_some())
    };
    let mut without = Vec::new();
    for place in map.places() {
        let (Some(province), Some(city)) = (place.province.as_deref(), place.city.as_deref()) else {
            continue;
        };
        let fallback = centre(province).and_then(|it| it.point);
        // The data has a city called Taiwan, which is none.
        if fallback.is_some() && place.point == fallback && city != "台湾" {
            without.push(city);
        }
    }
    without.sort_unstable();
    without.dedup();
    assert!(without.is_empty(), "no centre of their own: {without:?}");
}

#[test]
fn a_city_database() {
    let Some(map) = open("mmdb/GeoIP2-City-Test.mmdb") else { return };
    let london = place(&map, "81.2.69.142");
    assert_eq!(london.country.as_deref(), Some("GB"));
    assert_eq!(london.province.as_deref(), Some("GB-ENG"));
    assert_eq!(london.city.as_deref(), Some("London"));
    let point = london.point.unwrap();
    assert!((point.lat() - 51.5142).abs() < 1e-6 && (point.lon() + 0.0931).abs() < 1e-6);
    assert_eq!(place(&map, "2002:5102:458e::").city.as_deref(), Some("London"));
    let japan = place(&map, "2001:218::1");
    assert_eq!((japan.country.as_deref(), japan.city.as_deref()), (Some("JP"), None));
    // It says nothing of carriers: what the shipped table knows stays.
    let resolver = place(&map, "202.96.209.133");
    assert_eq!(resolver.carrier.as_deref(), Some("telecom"));
    assert_eq!(resolver.province.as_deref(), Some("CN-SH"));
}

#[test]
fn asn_and_isp_databases() {
    for name in ["mmdb/GeoLite2-ASN-Test.mmdb", "mmdb/GeoIP2-ISP-Test.mmdb"] {
        let Some(map) = open(name) else { return };
        let telstra = map.locate([1, 128, 0, 1].into());
        assert_eq!(telstra.place.asn, Some(1221), "{name}");
        assert_eq!(telstra.place.carrier.as_deref(), Some("telstra"), "{name}");
        assert_eq!(telstra.prefix.to_string(), "1.128.0.0/11", "{name}");
    }
}

#[test]
fn databases_over_each_other() {
    let names = ["GeoIP2-City-Test.mmdb", "GeoLite2-City-Test.mmdb", "GeoLite2-ASN-Test.mmdb"];
    let mut map = MapBuilder::new();
    for name in names {
        let Some(path) = shared(&format!("mmdb/{name}")) else { return };
        map = map.layer(Source::open(path).unwrap());
    }
    let place = map.build();
    let place = place.locate("89.160.20.128".parse().unwrap()).place;
    assert_eq!((place.country.as_deref(), place.asn), (Some("SE"), Some(29518)));
}

#[test]
fn broken_databases_are_refused() {
    for name in [
        "GeoIP2-City-Test-Broken-Double-Format.mmdb",
        "GeoIP2-City-Test-Invalid-Node-Count.mmdb",
        "MaxMind-DB-test-broken-pointers-24.mmdb",
        "MaxMind-DB-test-broken-search-tree-24.mmdb",
    ] {
        let Some(path) = shared(&format!("mmdb/{name}")) else { return };
        let error = Source::open(&path).expect_err(name).to_string();
        assert!(error.starts_with(&format!("{}: ", path.display())), "{error}");
        // Two are of the type `Test`, which alone is a reason. Were they of another:
        let mut bytes = fs::read(path).unwrap();
        let of_type = bytes.windows(5).rposition(|window| window == b"\x44Test");
        if let Some(at) = of_type {
            bytes[at + 1..at + 5].copy_from_slice(b"City");
        }
        let error = Source::read("f", bytes).expect_err(name).to_string();
        assert!(error.ends_with("; fetch the database anew"), "{name}: {error}");
    }
}

#[test]
fn damaged_databases_are_read_or_refused() {
    for name in ["GeoIP2-City-Test.mmdb", "GeoIP2-ISP-Test.mmdb"] {
        let Some(path) = shared(&format!("mmdb/{name}")) else { return };
        let sound = fs::read(path).unwrap();
        // A prime step visits all bits of a byte and, over time, all fields.
        for bit in (0..sound.len() * 8).step_by(997) {
            let mut damaged = sound.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            if let Ok(source) = Source::read("f", damaged) {
                MapBuilder::new().layer(source).build();
            }
        }
        for length in (0..sound.len()).step_by(1009) {
            let cut = Source::read("f", sound[..length].to_vec());
            assert!(cut.is_err(), "{length} octets of {name}");
        }
    }
}
