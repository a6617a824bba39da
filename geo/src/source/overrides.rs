//! The operator's own list, CSV: `cidr,carrier,country,province,city,lat,lon,asn`. A carrier without an
//! AS drops the AS of the sources below, which may be another carrier's.

use std::sync::Arc;

use csv::{ErrorKind, ReaderBuilder, StringRecord, Trim};
use ipnet::IpNet;

use super::SourceError;
use crate::layer::{Layer, Says};
use crate::names::Names;
use crate::place::{Place, Point};

/// The columns; the first one must be there.
const COLUMNS: [&str; 8] = ["cidr", "carrier", "country", "province", "city", "lat", "lon", "asn"];

/// The header with all columns.
pub(super) const HEADER: &str = "cidr,carrier,country,province,city,lat,lon,asn";

/// Whether a line is the header of an override list, more or less.
pub(super) fn is_header(line: &[u8]) -> bool {
    line.split(|&byte| byte == b',').any(|column| column.trim_ascii() == b"cidr")
}

/// What is wrong, and the mend.
type Wrong = (String, String);

fn wrong<T>(problem: impl Into<String>, mend: impl Into<String>) -> Result<T, Wrong> {
    Err((problem.into(), mend.into()))
}

/// Reads all of `text`.
pub(super) fn read(file: &str, text: &[u8]) -> Result<Layer, SourceError> {
    // The reader skips empty lines and comments, and counts only what it returns.
    let speaks = |line: &&[u8]| !line.starts_with(b"#") && !matches!(*line, b"" | b"\r");
    let numbered = (1_u64..).zip(text.split(|&byte| byte == b'\n'));
    let mut lines = numbered.filter(|(_, line)| speaks(line)).map(|(number, _)| number);
    let at = |line: Option<u64>| {
        move |(problem, mend): Wrong| SourceError::Line {
            file: file.to_owned(),
            line: line.unwrap_or(1),
            problem,
            mend,
        }
    };
    let mut reader = ReaderBuilder::new().comment(Some(b'#')).trim(Trim::All).from_reader(text);
    let line = lines.next();
    let header = reader.headers().map_err(broken).map_err(at(line))?;
    let columns = columns(header).map_err(at(line))?;
    let mut layer = Layer::new();
    for record in reader.records() {
        let line = lines.next();
        let record = record.map_err(broken).map_err(at(line))?;
        let fields = columns.map(|at| at.and_then(|at| record.get(at)).filter(|it| !it.is_empty()));
        let (net, says) = row(fields).map_err(at(line))?;
        let number = layer.number(says);
        layer.add_net(net, number);
    }
    Ok(layer)
}

/// What the CSV reader says, without its own idea of the line.
fn broken(error: csv::Error) -> Wrong {
    let problem = match error.kind() {
        ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} values under {expected_len} columns")
        }
        ErrorKind::Utf8 { err, .. } => format!("not UTF-8: {err}"),
        _ => error.to_string(),
    };
    let mend = "write one value, or a blank, for each column of the header, in UTF-8";
    (problem, mend.to_owned())
}

/// Where each of [`COLUMNS`] stands.
fn columns(header: &StringRecord) -> Result<[Option<usize>; 8], Wrong> {
    for (at, name) in header.iter().enumerate() {
        if !COLUMNS.contains(&name) {
            return wrong(format!("unknown column `{name}`"), format!("the columns are `{HEADER}`"));
        }
        if header.iter().take(at).any(|before| before == name) {
            return wrong(format!("column `{name}` stands twice"), "remove one");
        }
    }
    let columns = COLUMNS.map(|name| header.iter().position(|column| column == name));
    if columns[0].is_none() {
        return wrong("no column `cidr`", format!("begin with the row `{HEADER}`"));
    }
    Ok(columns)
}

fn row(fields: [Option<&str>; 8]) -> Result<(IpNet, Says), Wrong> {
    // Else the lines after it would be counted wrong.
    if fields.iter().flatten().any(|field| field.contains(['\n', '\r'])) {
        return wrong("a quoted value goes over lines", "close the quotes on the same line");
    }
    let [cidr, carrier, country, province, city, lat, lon, asn] = fields;
    let names = Names::get();
    let place = Place {
        // An operator may have carriers of his own, which no table knows.
        carrier: carrier.map(|name| names.carrier(name).unwrap_or_else(|| name.to_lowercase().into())),
        asn: asn.map(parse_asn).transpose()?,
        country: country.map(|name| parse_country(names, name)).transpose()?,
        province: province.map(|name| parse_province(names, name)).transpose()?,
        city: city.map(Arc::from),
        point: parse_point(lat, lon)?,
    };
    if let (Some(country), Some(province)) = (&place.country, &place.province) {
        // Hong Kong, Macao and Taiwan may be written under either code.
        let fits = province.split('-').any(|part| part == &**country);
        if !fits {
            return wrong(
                format!("province {province} is not in country {country}"),
                "correct one of the two, or leave the country blank",
            );
        }
    }
    let says = Says {
        carrier: carrier.is_some(),
        // The AS of a lower source would name a carrier by itself: the operator's word replaces both.
        asn: asn.is_some() || carrier.is_some(),
        location: [country, province, city, lat].iter().any(Option::is_some),
        place: names.complete(place),
    };
    Ok((parse_net(cidr.unwrap_or_default())?, says))
}

fn parse_net(text: &str) -> Result<IpNet, Wrong> {
    let net = text.parse::<IpNet>().or_else(|error| {
        text.parse().map(|address: std::net::IpAddr| IpNet::from(address)).map_err(|_| error)
    });
    match net {
        Err(_) => wrong(
            format!("cidr `{text}` is not a prefix"),
            "write an address and a length, such as 192.0.2.0/24 or 2001:db8::/32",
        ),
        Ok(net) if net.addr() != net.network() => {
            wrong(format!("cidr {net} has host bits set"), format!("write {}", net.trunc()))
        }
        Ok(net) => Ok(net),
    }
}

fn parse_asn(text: &str) -> Result<u32, Wrong> {
    let digits = text.strip_prefix("AS").unwrap_or(text);
    digits
        .parse()
        .or_else(|_| wrong(format!("asn `{text}` is not a number"), "write the AS number, such as 4134"))
}

fn parse_country(names: &Names, text: &str) -> Result<Arc<str>, Wrong> {
    names.country(text).ok_or_else(|| {
        let mend = "write its ISO 3166-1 alpha-2 code, such as CN";
        (format!("country `{text}` is unknown"), mend.to_owned())
    })
}

fn parse_province(names: &Names, text: &str) -> Result<Arc<str>, Wrong> {
    let is_code = |(country, part): (&str, &str)| {
        let code = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
        // China's are all in the table.
        country != "CN"
            && names.country(country).as_deref() == Some(country)
            && (1..=3).contains(&part.len())
            && part.chars().all(code)
    };
    let code = || text.split_once('-').filter(|parts| is_code(*parts)).map(|_| text.into());
    names.province(text).or_else(code).ok_or_else(|| {
        let mend = "write its ISO 3166-2 code, such as CN-SH";
        (format!("province `{text}` is unknown"), mend.to_owned())
    })
}

fn parse_point(lat: Option<&str>, lon: Option<&str>) -> Result<Option<Point>, Wrong> {
    let (lat, lon) = match (lat, lon) {
        (None, None) => return Ok(None),
        (Some(lat), Some(lon)) => (lat, lon),
        _ => return wrong("one of lat and lon is blank", "write both, or none"),
    };
    let point = lat.parse().ok().zip(lon.parse().ok()).and_then(|(lat, lon)| Point::new(lat, lon));
    match point {
        Some(point) => Ok(Some(point)),
        None => wrong(
            format!("`{lat}`, `{lon}` is no point on the globe"),
            "write degrees, such as 31.23 and 121.47",
        ),
    }
}
