//! `--geo`: real addresses stand where real data puts them. The data is no part of the project:
//! without it these tests say so and pass.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::fs::File;
use std::io::Read;
use std::net::Ipv4Addr;

use flate2::read::GzDecoder;
use serde_json::Value;
use tests::world::World;
use tests::{binary, need, process};

const DATA: &str = "ip2region-2018.txt.gz";

#[test]
fn real_addresses_are_placed_by_real_data() {
    let Some(path) = need::shared(DATA) else { return };
    let world = World::with(&["--geo", path.to_str().unwrap()]);
    for (address, province, carrier, third) in [
        ("202.96.209.133", "CN-SH", "telecom", "198.18.0."),
        ("202.106.0.20", "CN-BJ", "unicom", "198.18.17."),
        ("211.136.112.50", "CN-SH", "mobile", "198.18.2."),
    ] {
        let explained = world.tern_json(&format!("explain www.vip.yourcompany.com {address}"));
        assert_eq!(explained["place"]["province"], province, "{explained}");
        assert_eq!(explained["carrier"], carrier, "{explained}");
        let answers = explained["answers"].as_array().unwrap();
        let near = answers.iter().filter(|it| it.as_str().unwrap().starts_with(third));
        assert_eq!(near.count(), 3, "{explained}");
    }
    // The world's own loopback overrides stay above the data.
    let resolver = world.moved("127.0.1.1");
    let explained = world.tern_json(&format!("explain www.vip.yourcompany.com {resolver}"));
    assert_eq!(
        (&explained["carrier"], &explained["place"]["province"]),
        (&"telecom".into(), &"CN-SH".into())
    );
}

/// ISO 3166-2 of the provinces, by the first two characters of their names; written apart from the
/// product's tables.
const PROVINCES: &str = "北京BJ 天津TJ 河北HE 山西SX 内蒙NM 辽宁LN 吉林JL 黑龙HL 上海SH 江苏JS 浙江ZJ 安徽AH \
    福建FJ 江西JX 山东SD 河南HA 湖北HB 湖南HN 广东GD 广西GX 海南HI 重庆CQ 四川SC 贵州GZ 云南YN 西藏XZ 陕西SN \
    甘肃GS 青海QH 宁夏NX 新疆XJ 台湾TW 香港HK 澳门MO";

/// The carriers of the default world, as the data calls them.
const CARRIERS: [(&str, &str); 5] =
    [("电信", "telecom"), ("联通", "unicom"), ("移动", "mobile"), ("铁通", "mobile"), ("教育网", "edu")];

fn province(country: &str, name: &str) -> Option<String> {
    let begins: String = name.chars().take(2).collect();
    let code = PROVINCES.split_whitespace().find_map(|entry| entry.strip_prefix(begins.as_str()));
    code.filter(|_| country == "中国").map(|code| format!("CN-{code}"))
}

#[test]
fn a_thousand_random_ranges_agree_with_their_rows() {
    let Some(path) = need::shared(DATA) else { return };
    let mut text = String::new();
    GzDecoder::new(File::open(&path).unwrap()).read_to_string(&mut text).unwrap();
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split('|').collect()).collect();
    let mut random = fastrand::Rng::with_seed(0x7e12);
    let drawn: Vec<_> = (0..1000).map(|_| &rows[random.usize(..rows.len())]).collect();
    let address = |row: &&Vec<&str>| {
        let [first, last] = [row[0], row[1]].map(|it| u32::from(it.parse::<Ipv4Addr>().unwrap()));
        Ipv4Addr::from(random.u32(first..=last))
    };
    let addresses: Vec<_> = drawn.iter().map(address).collect();
    let mut lookup = binary::command("tern");
    lookup.args(["geo", "lookup", "--json", "--db"]).arg(&path);
    let said = process::output(lookup.args(addresses.iter().map(Ipv4Addr::to_string)));
    let places: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(places.len(), 1000);
    let mut in_china = 0;
    for ((row, address), place) in drawn.into_iter().zip(addresses).zip(places) {
        assert_eq!(place["address"], address.to_string(), "{place}");
        let expected = province(row[2], row[4]);
        in_china += usize::from(expected.is_some());
        assert_eq!(place["province"].as_str(), expected.as_deref(), "{row:?}: {place}");
        let city = Some(row[5]).filter(|city| !matches!(*city, "0" | "内网IP"));
        assert_eq!(place["city"].as_str(), city, "{row:?}: {place}");
        let carrier = CARRIERS.iter().find(|(name, _)| *name == row[6]).map(|(_, carrier)| *carrier);
        let ours = place["carrier"].as_str().filter(|name| CARRIERS.iter().any(|(_, ours)| ours == name));
        assert_eq!(ours, carrier, "{row:?}: {place}");
    }
    assert!(in_china > 100, "only {in_china} of the rows say much");
}
