//! The source text of ip2region: `start|end|country|region|province|city|isp`, `0` for unknown.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::SourceError;
use crate::layer::{Layer, Says};
use crate::names::Names;
use crate::place::Place;

/// How the data marks addresses that belong to nobody (“internal”).
const INTERNAL: &str = "内网IP";

/// Reads all of `text`.
pub(super) fn read(file: &str, text: &[u8]) -> Result<Layer, SourceError> {
    let mut layer = Layer::new();
    // The rest of a line after the addresses repeats: 255,758 ranges, some 9,000 places.
    let mut known: HashMap<&[u8], u32> = HashMap::new();
    let mut spans = Vec::new();
    for (number, line) in (1..).zip(text.split(|&byte| byte == b'\n')) {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let wrong = |(problem, mend): (String, &str)| SourceError::Line {
            file: file.to_owned(),
            line: number,
            problem,
            mend: mend.to_owned(),
        };
        let (first, last, rest) = split(line).map_err(wrong)?;
        let says = match known.get(rest) {
            Some(says) => *says,
            None => {
                let says = layer.number(says(rest).map_err(wrong)?);
                known.insert(rest, says);
                says
            }
        };
        if !layer.add_range(first, last, says) {
            let problem = format!("the range {first} to {last} is not one");
            return Err(wrong((problem, "write the lower address first, both of one family")));
        }
        spans.push((first, last, number));
    }
    check_overlap(file, spans)?;
    Ok(layer)
}

type Wrong = (String, &'static str);

fn split(line: &[u8]) -> Result<(IpAddr, IpAddr, &[u8]), Wrong> {
    let mut parts = line.splitn(3, |&byte| byte == b'|');
    let mut address = || {
        let part = parts.next().unwrap_or_default();
        let address = str::from_utf8(part).ok().and_then(|text| text.parse().ok());
        address.ok_or_else(|| {
            let part = String::from_utf8_lossy(part);
            (format!("`{part}` is not an address"), "begin the line with `start|end|`")
        })
    };
    Ok((address()?, address()?, parts.next().unwrap_or_default()))
}

fn says(rest: &[u8]) -> Result<Says, Wrong> {
    let rest =
        str::from_utf8(rest).map_err(|error| (format!("not UTF-8: {error}"), "convert the file to UTF-8"))?;
    let fields: Vec<_> = rest.split('|').collect();
    let &[country, _region, province, city, carrier] = fields.as_slice() else {
        let count = fields.len() + 2;
        return Err((
            format!("{count} fields instead of 7"),
            "write `start|end|country|region|province|city|isp`, 0 for unknown",
        ));
    };
    let names = Names::get();
    let place = Place {
        carrier: names.carrier(carrier),
        asn: None,
        country: names.country(country),
        // Only China's provinces are in the table; a province elsewhere may share a name.
        province: if matches!(country, "中国" | "0") { names.province(province) } else { None },
        city: (!matches!(city, "" | "0" | INTERNAL)).then(|| Arc::from(city)),
        point: None,
    };
    Ok(Says { place: names.complete(place), carrier: true, asn: false, location: true })
}

fn check_overlap(file: &str, mut spans: Vec<(IpAddr, IpAddr, u64)>) -> Result<(), SourceError> {
    spans.sort_unstable();
    for pair in spans.windows(2) {
        let [(_, before, above), (first, _, below)] = pair else { continue };
        if first <= before && first.is_ipv4() == before.is_ipv4() {
            return Err(SourceError::Line {
                file: file.to_owned(),
                line: *above.max(below),
                problem: format!("{first} is in line {} too", above.min(below)),
                mend: "remove the overlap".to_owned(),
            });
        }
    }
    Ok(())
}
