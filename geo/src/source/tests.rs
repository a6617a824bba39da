#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;

use super::*;
use crate::MapBuilder;

const HEAD: &str = "cidr,carrier,country,province,city,lat,lon,asn\n";

fn error(result: Result<Source, SourceError>) -> String {
    result.expect_err("no error").to_string()
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
    gz.write_all(content).unwrap();
    gz.finish().unwrap()
}

#[test]
fn kinds_are_told_by_content() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("source");
    let line = "1.0.1.0|1.0.3.255|中国|0|福建省|福州市|电信\n";
    for (content, kind) in [
        (line.to_owned(), Kind::Ip2region),
        (format!("\n# comment\n{line}"), Kind::Ip2region),
        (HEAD.to_owned(), Kind::Overrides),
        ("# mine\n\ncountry , cidr\nCN,10.0.0.0/8\n".to_owned(), Kind::Overrides),
    ] {
        for bytes in [content.clone().into_bytes(), gzip(content.as_bytes())] {
            fs::write(&path, bytes).unwrap();
            assert_eq!(Source::open(&path).unwrap().kind(), kind, "{content}");
        }
    }
}

#[test]
fn files_that_are_no_source() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    let name = path.display();
    let no_kind = format!(
        "{name}: neither ip2region text, nor an MMDB, nor an override list; an override list \
         begins with the row `cidr,carrier,country,province,city,lat,lon,asn`"
    );
    for content in [&b""[..], b"\n\n", b"hello\n", b"\xff\xfe\x00", b"10.0.0.0/8,telecom\n"] {
        fs::write(&path, content).unwrap();
        assert_eq!(error(Source::open(&path)), no_kind);
    }
    let mut cut = gzip(HEAD.as_bytes());
    cut.truncate(20);
    fs::write(&path, cut).unwrap();
    let message = error(Source::open(&path));
    assert!(message.starts_with(&format!("{name}: ")), "{message}");
    assert!(message.ends_with("; give the path of a readable file"), "{message}");
    let missing = folder.path().join("missing");
    for unreadable in [folder.path(), &missing] {
        let message = error(Source::open(unreadable));
        assert!(message.starts_with(&format!("{}: ", unreadable.display())), "{message}");
    }
}

#[test]
fn ip2region_errors_name_the_line_and_the_mend() {
    let good = "1.0.0.0|1.0.0.255|中国|0|福建省|福州市|电信";
    for (bad, expected) in [
        (
            "1.0.1.0|1.0.1.x|中国|0|0|0|0",
            "f:2: `1.0.1.x` is not an address; begin the line with `start|end|`",
        ),
        ("nonsense", "f:2: `nonsense` is not an address; begin the line with `start|end|`"),
        (
            "1.0.1.0|1.0.1.255|中国|0|0|0",
            "f:2: 6 fields instead of 7; write `start|end|country|region|province|city|isp`, 0 for \
             unknown",
        ),
        (
            "1.0.2.0|1.0.1.255|中国|0|0|0|0",
            "f:2: the range 1.0.2.0 to 1.0.1.255 is not one; write the lower address first, both of \
             one family",
        ),
        (
            "1.0.2.0|2001::|中国|0|0|0|0",
            "f:2: the range 1.0.2.0 to 2001:: is not one; write the lower address first, both of one \
             family",
        ),
        ("0.0.0.0|1.0.0.0|中国|0|0|0|0", "f:2: 1.0.0.0 is in line 1 too; remove the overlap"),
    ] {
        let text = format!("{good}\n{bad}\n");
        assert_eq!(error(Source::ip2region("f", text.as_bytes())), expected);
    }
    let latin = [good.as_bytes(), b"\n\n1.0.1.0|1.0.1.255|\xe9|0|0|0|0\n"].concat();
    let message = error(Source::ip2region("f", &latin));
    assert!(message.starts_with("f:3: not UTF-8: "), "{message}");
    assert!(message.ends_with("; convert the file to UTF-8"), "{message}");
}

#[test]
fn ip2region_rows_may_stand_in_any_order_and_be_of_ipv6() {
    let text = "2001:db8::|2001:db8::ffff|中国|0|香港|香港|电讯盈科\r\n\
                1.0.1.0|1.0.3.255|中国|0|福建省|福州市|电信\r\n\
                1.0.0.0|1.0.0.255|美国|0|加利福尼亚|洛杉矶|0\n\
                10.0.0.0|10.255.255.255|0|0|0|内网IP|内网IP";
    let source = Source::ip2region("f", text.as_bytes()).unwrap();
    assert_eq!(source.rows(), 4);
    let map = MapBuilder::new().layer(source).build();
    let place = map.locate("2001:db8::1".parse().unwrap()).place;
    assert_eq!(place.country.as_deref(), Some("HK"));
    assert_eq!(place.province.as_deref(), Some("CN-HK"));
    assert_eq!(place.carrier.as_deref(), Some("pccw"));
    let place = map.locate([1, 0, 0, 1].into()).place;
    assert_eq!((place.country.as_deref(), place.province.as_deref()), (Some("US"), None));
    assert_eq!(place.city.as_deref(), Some("洛杉矶"));
    assert_eq!(map.locate([10, 1, 1, 1].into()).place, &crate::Place::default());
    assert_eq!(map.locate([1, 0, 2, 1].into()).prefix.to_string(), "1.0.2.0/23");
}

#[test]
fn override_errors_name_the_line_and_the_mend() {
    for (row, expected) in [
        ("10.0.0.1/8,,,,,,,", "f:3: cidr 10.0.0.1/8 has host bits set; write 10.0.0.0/8"),
        (
            "10.0.0/8,,,,,,,",
            "f:3: cidr `10.0.0/8` is not a prefix; write an address and a length, such as \
             192.0.2.0/24 or 2001:db8::/32",
        ),
        (
            ",telecom,,,,,,",
            "f:3: cidr `` is not a prefix; write an address and a length, such as 192.0.2.0/24 or \
             2001:db8::/32",
        ),
        (
            "10.0.0.0/8,,Cathay,,,,,",
            "f:3: country `Cathay` is unknown; write its ISO 3166-1 alpha-2 code, such as CN",
        ),
        (
            "10.0.0.0/8,,,CN-ZZ,,,,",
            "f:3: province `CN-ZZ` is unknown; write its ISO 3166-2 code, such as CN-SH",
        ),
        (
            "10.0.0.0/8,,JP,CN-SH,,,,",
            "f:3: province CN-SH is not in country JP; correct one of the two, or leave the country \
             blank",
        ),
        ("10.0.0.0/8,,,,,31.2,,", "f:3: one of lat and lon is blank; write both, or none"),
        (
            "10.0.0.0/8,,,,,131.2,100,",
            "f:3: `131.2`, `100` is no point on the globe; write degrees, such as 31.23 and 121.47",
        ),
        ("10.0.0.0/8,,,,,,,telecom", "f:3: asn `telecom` is not a number; write the AS number, such as 4134"),
    ] {
        let text = format!("{HEAD}# comment\n{row}\n");
        assert_eq!(error(Source::overrides("f", text.as_bytes())), expected, "{row}");
    }
}

#[test]
fn override_lists_out_of_shape() {
    let mend = "the columns are `cidr,carrier,country,province,city,lat,lon,asn`";
    for (text, expected) in [
        ("cidr,colour\n", format!("f:1: unknown column `colour`; {mend}")),
        ("cidr,lat,lat\n", "f:1: column `lat` stands twice; remove one".to_owned()),
        (
            "# a\n\ncarrier\n",
            "f:3: no column `cidr`; begin with the row \
             `cidr,carrier,country,province,city,lat,lon,asn`"
                .to_owned(),
        ),
    ] {
        assert_eq!(error(Source::overrides("f", text.as_bytes())), expected);
    }
    for text in [&b"cidr,asn\n10.0.0.0/8,1\n10.0.0.0/8\n"[..], b"cidr,asn\n\n10.0.0.0/8,\xff\n"] {
        let message = error(Source::overrides("f", text));
        assert!(message.starts_with("f:3: "), "{message}");
        assert!(message.contains("; write one value, or a blank, for each column"), "{message}");
    }
}

#[test]
fn overrides_may_be_written_as_people_do() {
    let text = "cidr, province, carrier, asn\n192.0.2.1, 上海 ,中国电信,AS4134\n\
                192.0.2.0/25,US-CA,Acme,\n2001:db8::/32,hong kong,,\n";
    let map = MapBuilder::new().layer(Source::overrides("f", text.as_bytes()).unwrap()).build();
    let place = map.locate([192, 0, 2, 1].into()).place;
    assert_eq!((place.carrier.as_deref(), place.asn), (Some("telecom"), Some(4134)));
    assert_eq!(place.country.as_deref(), Some("CN"));
    let place = map.locate([192, 0, 2, 2].into()).place;
    assert_eq!((place.carrier.as_deref(), place.province.as_deref()), (Some("acme"), Some("US-CA")));
    let place = map.locate("2001:db8::1".parse().unwrap()).place;
    assert_eq!((place.country.as_deref(), place.province.as_deref()), (Some("HK"), Some("CN-HK")));
}

proptest! {
    #[test]
    fn readers_answer_any_bytes(bytes: Vec<u8>, text in "[0-9./:|,;#a-z福建\n]{0,200}") {
        for bytes in [bytes, text.clone().into_bytes(), format!("{HEAD}{text}").into_bytes()] {
            // Which error it is does not matter here, only that every error has its line.
            for result in [Source::ip2region("f", &bytes), Source::overrides("f", &bytes)] {
                if let Err(error) = result {
                    prop_assert!(error.to_string().starts_with("f:"), "{}", error);
                }
            }
        }
    }

    #[test]
    fn ip2region_rows_come_back(
        mut borders in prop::collection::btree_set(1..u32::MAX, 1..20),
        picks in prop::collection::vec(0_usize..4, 21),
    ) {
        let rests = [
            ("0|0|0|0|0", None, None),
            ("中国|0|上海|上海市|电信", Some("CN-SH"), Some("telecom")),
            ("中国|0|广东省|0|铁通", Some("CN-GD"), Some("mobile")),
            ("日本|0|0|0|KDDI", None, Some("kddi")),
        ];
        borders.insert(0);
        let starts: Vec<_> = borders.into_iter().collect();
        let ends = starts.iter().skip(1).map(|start| start - 1).chain([u32::MAX]);
        let rows: Vec<_> = starts.iter().copied().zip(ends).zip(picks).collect();
        let address = std::net::Ipv4Addr::from;
        let line = |((first, last), pick): &((u32, u32), usize)| {
            format!("{}|{}|{}\n", address(*first), address(*last), rests[*pick].0)
        };
        let text: String = rows.iter().map(line).collect();
        let source = Source::ip2region("f", text.as_bytes()).unwrap();
        let map = MapBuilder::new().layer(source).build();
        for ((first, last), pick) in rows {
            for bits in [first, last, first + (last - first) / 2] {
                let place = map.locate(address(bits).into()).place;
                prop_assert_eq!(place.province.as_deref(), rests[pick].1);
                prop_assert_eq!(place.carrier.as_deref(), rests[pick].2);
            }
        }
    }
}
