//! Databases in MaxMind's format, made by hand after the MaxMind DB format 2.0: each schema, laid over each
//! other, and broken. (`real_data.rs` reads real ones, where they are.)
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use geo::{Map, MapBuilder, Source};

/// A value of the data section.
enum Value {
    Text(&'static str),
    Short(u16),
    Number(u32),
    Long(u64),
    Double(f64),
    List(Vec<Value>),
    Map(Vec<(&'static str, Value)>),
}
use Value::{Double, List, Long, Map as Fields, Number, Short, Text};

impl Value {
    fn write(&self, to: &mut Vec<u8>) {
        // A size below 29 stands in the control octet.
        let control = |kind: u8, size: usize| kind << 5 | u8::try_from(size).unwrap();
        match self {
            Text(text) => {
                to.push(control(2, text.len().min(29)));
                to.extend(text.len().checked_sub(29).map(|more| u8::try_from(more).unwrap()));
                to.extend(text.as_bytes());
            }
            Double(double) => {
                to.push(control(3, 8));
                to.extend(double.to_be_bytes());
            }
            Short(number) => {
                to.push(control(5, 2));
                to.extend(number.to_be_bytes());
            }
            Long(number) => {
                // An extended type: 9, less 7.
                to.extend([control(0, 8), 2]);
                to.extend(number.to_be_bytes());
            }
            Number(number) => {
                to.push(control(6, 4));
                to.extend(number.to_be_bytes());
            }
            Fields(fields) => {
                to.push(control(7, fields.len()));
                for (key, value) in fields {
                    Text(key).write(to);
                    value.write(to);
                }
            }
            List(values) => {
                // An extended type: 11, less 7.
                to.extend([control(0, values.len()), 4]);
                values.iter().for_each(|value| value.write(to));
            }
        }
    }
}

/// A database of one IPv4 prefix, 192.0.2.0/24. `turn` may turn a record of the search tree elsewhere: it is
/// given the number of its node, and where it leads.
fn database(kind: &'static str, record: &Value, turn: impl Fn(u32, u32) -> u32) -> Vec<u8> {
    let (prefix, length) = (u32::from_be_bytes([192, 0, 2, 0]), 24);
    let mut file = Vec::new();
    for node in 0..length {
        let on = if node + 1 < length { node + 1 } else { length + 16 };
        let records = if prefix >> (31 - node) & 1 == 0 { [on, length] } else { [length, on] };
        for record in records {
            file.extend(&turn(node, record).to_be_bytes()[1..]);
        }
    }
    file.extend([0; 16]);
    record.write(&mut file);
    file.extend(b"\xab\xcd\xefMaxMind.com");
    let metadata = Fields(vec![
        ("node_count", Number(length)),
        ("record_size", Short(24)),
        ("ip_version", Short(4)),
        ("database_type", Text(kind)),
        ("languages", List(vec![Text("en")])),
        ("binary_format_major_version", Short(2)),
        ("binary_format_minor_version", Short(0)),
        ("build_epoch", Long(1)),
        ("description", Fields(Vec::new())),
    ]);
    metadata.write(&mut file);
    file
}

fn sound(kind: &'static str, record: &Value) -> Source {
    Source::read("f", database(kind, record, |_, to| to)).unwrap()
}

/// The code of the subdivision is ISO 3166-2's without the country, as databases have it today.
fn city() -> Value {
    Fields(vec![
        ("city", Fields(vec![("names", Fields(vec![("en", Text("Suzhou"))]))])),
        ("country", Fields(vec![("iso_code", Text("CN"))])),
        ("location", Fields(vec![("latitude", Double(31.3)), ("longitude", Double(120.6))])),
        ("subdivisions", List(vec![Fields(vec![("iso_code", Text("JS"))])])),
    ])
}

fn asn(number: u32, organization: &'static str) -> Value {
    Fields(vec![
        ("autonomous_system_number", Number(number)),
        ("autonomous_system_organization", Text(organization)),
    ])
}

/// Carrier, ASN, province and city of 192.0.2.7.
fn said(map: &Map) -> (Option<&str>, Option<u32>, Option<&str>, Option<&str>) {
    let located = map.locate([192, 0, 2, 7].into());
    assert_eq!(located.prefix.to_string(), "192.0.2.0/24");
    let place = located.place;
    (place.carrier.as_deref(), place.asn, place.province.as_deref(), place.city.as_deref())
}

#[test]
fn each_schema_says_its_own() {
    let map = MapBuilder::new().layer(sound("GeoLite2-City", &city())).build();
    assert_eq!(said(&map), (None, None, Some("CN-JS"), Some("Suzhou")));
    let point = map.locate([192, 0, 2, 7].into()).place.point.unwrap();
    assert_eq!((point.lat(), point.lon()), (31.3, 120.6));
    let map = MapBuilder::new().layer(sound("GeoLite2-ASN", &asn(4134, "Chinanet"))).build();
    assert_eq!(said(&map), (Some("telecom"), Some(4134), None, None));
    let isp = Fields(vec![("autonomous_system_number", Number(4837)), ("isp", Text("China Unicom"))]);
    let map = MapBuilder::new().layer(sound("GeoIP2-ISP", &isp)).build();
    assert_eq!(said(&map), (Some("unicom"), Some(4837), None, None));
    // As older ones have it, by GB/T 2260; or without a code, by name.
    for subdivision in [("iso_code", Text("32")), ("names", Fields(vec![("en", Text("Jiangsu"))]))] {
        let record = Fields(vec![
            ("country", Fields(vec![("iso_code", Text("CN"))])),
            ("subdivisions", List(vec![Fields(vec![subdivision])])),
        ]);
        let map = MapBuilder::new().layer(sound("GeoIP2-City", &record)).build();
        assert_eq!(said(&map), (None, None, Some("CN-JS"), None));
    }
    // Outside of the prefix nothing is known.
    assert_eq!(map.locate([192, 0, 3, 7].into()).place, &geo::Place::default());
}

#[test]
fn databases_complete_each_other() {
    let map = MapBuilder::new()
        .layer(sound("GeoLite2-City", &city()))
        .layer(sound("GeoLite2-ASN", &asn(64500, "Somebody's Network")))
        .build();
    assert_eq!(said(&map), (None, Some(64500), Some("CN-JS"), Some("Suzhou")));
}

#[test]
fn broken_databases_are_refused_with_a_mend() {
    let refused = |bytes: Vec<u8>| Source::read("f", bytes).expect_err("it is broken").to_string();
    let said = refused(database("GeoIP2-Domain", &city(), |_, to| to));
    let wanted = "f: the database is of type `GeoIP2-Domain`, which has no places; give one of type City, ";
    assert!(said.starts_with(wanted), "{said}");
    // Branches that lead back to the top, and one that leads out of the data.
    for (node, to) in [(23, 0), (5, 2), (23, 0x00ff_ffff)] {
        let said = refused(database("GeoLite2-City", &city(), |at, on| if at == node { to } else { on }));
        assert!(said.starts_with("f: ") && said.ends_with("; fetch the database anew"), "{said}");
    }
    // A latitude that is a text.
    let location = Fields(vec![("location", Fields(vec![("latitude", Text("north"))]))]);
    let said = refused(database("GeoLite2-City", &location, |_, to| to));
    assert!(said.ends_with("; fetch the database anew"), "{said}");
}

#[test]
fn any_flip_and_any_cut_is_read_or_refused() {
    let sound = database("GeoLite2-City", &city(), |_, to| to);
    assert!(Source::read("f", sound.clone()).is_ok());
    for bit in 0..sound.len() * 8 {
        let mut damaged = sound.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        if let Ok(source) = Source::read("f", damaged) {
            MapBuilder::new().layer(source).build();
        }
    }
    for length in 0..sound.len() {
        assert!(Source::read("f", sound[..length].to_vec()).is_err(), "{length} octets");
    }
}
