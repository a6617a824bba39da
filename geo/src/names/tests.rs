#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;

fn data_lines(text: &str) -> usize {
    text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).count() - 1
}

#[test]
fn every_line_of_the_data_files_is_read() {
    assert_eq!(rows::<2>(CARRIERS).count(), data_lines(CARRIERS));
    for text in [COUNTRIES, PROVINCES, CITIES] {
        assert_eq!(rows::<4>(text).count(), data_lines(text));
        for [code, lat, lon, names] in rows(text) {
            assert!(point(lat, lon).is_some(), "{code} {names}");
        }
    }
    assert_eq!(rows::<4>(PROVINCES).count(), 34);
    assert!(rows::<4>(CITIES).count() > 340);
}

#[test]
fn no_name_has_two_meanings() {
    let check = |file: &str, entries: Vec<(String, &str)>| {
        let mut seen = HashMap::new();
        for (name, code) in entries {
            assert!(!name.is_empty(), "{file}: empty name of {code}");
            let other = seen.insert(name.clone(), code);
            assert!(other.is_none(), "{file}: {name} is {code} and {other:?}");
        }
    };
    let split = |names: &str| names.split(';').map(fold).collect::<Vec<_>>();
    let of = |text: &'static str| {
        let named =
            |[code, _, _, names]: [&'static str; 4]| split(names).into_iter().map(move |name| (name, code));
        rows(text).flat_map(named).collect()
    };
    check("countries", of(COUNTRIES));
    check("provinces", of(PROVINCES));
    let cities: Vec<_> = rows::<4>(CITIES).collect();
    let names = |[code, _, _, names]: &[&'static str; 4]| {
        let code = *code;
        split(names).into_iter().map(move |name| (format!("{code} {name}"), code)).collect::<Vec<_>>()
    };
    check("cities", cities.iter().flat_map(names).collect());
    let carriers = |[code, names]: [&'static str; 2]| split(names).into_iter().map(move |name| (name, code));
    check("carriers", rows(CARRIERS).flat_map(carriers).collect());
    for [province, _, _, names] in cities {
        assert!(Names::get().province(province).is_some(), "{names} is in {province}");
    }
}

#[test]
fn carriers_by_their_many_names() {
    for (name, expected) in [
        ("电信", Some("telecom")),
        ("CHINANET-BACKBONE No.31,Jin-rong Street", Some("telecom")),
        ("China Telecom Guangdong", Some("telecom")),
        ("telecom", Some("telecom")),
        ("网通", Some("unicom")),
        ("CHINA UNICOM China169 Backbone", Some("unicom")),
        ("铁通", Some("mobile")),
        ("China Mobile Communications Group", Some("mobile")),
        ("教育网", Some("edu")),
        ("鹏博士", Some("drpeng")),
        // Not those of China, whose names only contain theirs.
        ("马来西亚电信", None),
        ("Telecom Italia", None),
        ("0", None),
        ("", None),
    ] {
        assert_eq!(Names::get().carrier(name).as_deref(), expected, "{name}");
    }
}

#[test]
fn provinces_in_chinese_and_english() {
    for (name, code) in [
        ("广东省", "CN-GD"),
        ("广东", "CN-GD"),
        ("Guangdong", "CN-GD"),
        ("北京市", "CN-BJ"),
        ("内蒙古自治区", "CN-NM"),
        ("inner mongolia", "CN-NM"),
        ("陕西", "CN-SN"),
        ("Shanxi", "CN-SX"),
        ("香港", "CN-HK"),
        ("澳门", "CN-MO"),
        ("台湾省", "CN-TW"),
        ("cn-sh", "CN-SH"),
        ("44", "CN-GD"),
    ] {
        assert_eq!(Names::get().province(name).as_deref(), Some(code), "{name}");
    }
    assert_eq!(Names::get().province("加利福尼亚"), None);
}

fn complete(country: &str, province: &str, city: &str) -> Place {
    let known = |text: &str| (!text.is_empty()).then(|| Arc::from(text));
    Names::get().complete(Place {
        country: known(country),
        province: known(province),
        city: known(city),
        ..Place::default()
    })
}

#[test]
fn the_nearest_known_centre() {
    for (place, lat, lon) in [
        (complete("CN", "CN-GD", "深圳市"), 22.54, 114.06),
        (complete("CN", "CN-GD", "Shenzhen"), 22.54, 114.06),
        (complete("CN", "CN-JL", "延边朝鲜族自治州"), 42.89, 129.51),
        (complete("CN", "CN-QH", "海南藏族自治州"), 36.29, 100.62),
        (complete("CN", "CN-GD", "Nowhere"), 23.1291, 113.2644),
        (complete("CN", "", ""), 34.3, 111.0),
        (complete("JP", "", "Sapporo"), 35.7, 139.7),
    ] {
        assert_eq!(place.point, Point::new(lat, lon), "{place:?}");
    }
    assert_eq!(complete("", "", "Shenzhen").point, None);
}

#[test]
fn hong_kong_macao_and_taiwan_carry_both_codes() {
    for code in ["HK", "MO", "TW"] {
        let province = format!("CN-{code}");
        for place in [complete(code, "", ""), complete("CN", &province, ""), complete("", &province, "")] {
            assert_eq!(place.country.as_deref(), Some(code));
            assert_eq!(place.province.as_deref(), Some(province.as_str()));
            assert!(place.point.is_some());
        }
    }
    assert_eq!(complete("TW", "TW-TPE", "").province.as_deref(), Some("CN-TW"));
    assert_eq!(complete("", "CN-SH", "").country.as_deref(), Some("CN"));
}
