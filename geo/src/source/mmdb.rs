//! Databases in MaxMind's format: City (and Country, Enterprise), ASN and ISP.

use std::collections::HashMap;
use std::sync::Arc;

use ipnet::IpNet;
use maxminddb::{MaxMindDbError, Reader, WithinOptions};
use serde::Deserialize;

use super::SourceError;
use crate::layer::{Layer, Says};
use crate::names::Names;
use crate::place::{Place, Point};

/// What stands before the metadata, in the last 128 KiB of the file (MaxMind DB format 2.0).
const MARKER: &[u8] = b"\xab\xcd\xefMaxMind.com";
const MARKER_WITHIN: usize = 128 * 1024;

/// Whether the bytes are a database, sound or not.
pub(super) fn is_mmdb(bytes: &[u8]) -> bool {
    let tail = &bytes[bytes.len().saturating_sub(MARKER_WITHIN)..];
    tail.windows(MARKER.len()).any(|window| window == MARKER)
}

/// The fields that we use of a record of any of the schemas.
#[derive(Default, Deserialize)]
#[serde(default, bound = "'de: 'a")]
struct Record<'a> {
    city: Named<'a>,
    country: Named<'a>,
    subdivisions: Vec<Named<'a>>,
    location: Location,
    autonomous_system_number: Option<u32>,
    autonomous_system_organization: Option<&'a str>,
    isp: Option<&'a str>,
}

#[derive(Default, Deserialize)]
#[serde(default, bound = "'de: 'a")]
struct Named<'a> {
    iso_code: Option<&'a str>,
    names: Translations<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, bound = "'de: 'a")]
struct Translations<'a> {
    en: Option<&'a str>,
    #[serde(rename = "zh-CN")]
    zh: Option<&'a str>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Location {
    latitude: Option<f64>,
    longitude: Option<f64>,
}

/// What databases of a type speak of.
#[derive(Clone, Copy)]
enum Schema {
    City,
    Asn,
    Isp,
}

impl Schema {
    fn of(database_type: &str) -> Option<Self> {
        let has = |word: &str| database_type.contains(word);
        if has("City") || has("Country") || has("Enterprise") {
            Some(Self::City)
        } else if has("ISP") {
            Some(Self::Isp)
        } else if has("ASN") {
            Some(Self::Asn)
        } else {
            None
        }
    }
}

/// Reads every network of the database, each record decoded once.
pub(super) fn read(file: &str, bytes: Vec<u8>) -> Result<Layer, SourceError> {
    let error = |problem: String, mend: &str| SourceError::Database {
        file: file.to_owned(),
        problem,
        mend: mend.to_owned(),
    };
    let broken = |problem: MaxMindDbError| error(problem.to_string(), "fetch the database anew");
    let reader = Reader::from_source(bytes).map_err(broken)?;
    let database_type = &reader.metadata().database_type;
    let schema = Schema::of(database_type).ok_or_else(|| {
        let problem = format!("the database is of type `{database_type}`, which has no places");
        error(problem, "give one of type City, Country, Enterprise, ASN or ISP")
    })?;
    // A binary tree has one leaf more than nodes. More networks mean a broken tree whose
    // branches meet again, which would go on for ever.
    let most = u64::from(reader.metadata().node_count) + 1;
    let mut seen = 0;
    let mut layer = Layer::new();
    let mut known = HashMap::new();
    let every = WithinOptions::default().include_networks_without_data();
    for network in reader.networks(every).map_err(broken)? {
        let network = network.map_err(broken)?;
        seen += 1;
        if seen > most {
            let problem = format!("the search tree has more than {most} networks");
            return Err(error(problem, "fetch the database anew"));
        }
        let Some(offset) = network.offset() else { continue };
        let number = match known.get(&offset) {
            Some(number) => *number,
            None => {
                let record = network.decode::<Record<'_>>().map_err(broken)?.unwrap_or_default();
                let number = layer.number(says(schema, &record));
                known.insert(offset, number);
                number
            }
        };
        let net = network.network().map_err(broken)?;
        let net = IpNet::new(net.ip(), net.prefix())
            .map_err(|_| error(format!("{net} is not a prefix"), "fetch the database anew"))?;
        layer.add_net(net, number);
    }
    Ok(layer)
}

fn says(schema: Schema, record: &Record<'_>) -> Says {
    let names = Names::get();
    let organization = record.autonomous_system_organization;
    let carrier = record.isp.or(organization).and_then(|name| names.carrier(name));
    Says {
        // An ISP database knows the carrier; the holder of an AS is one only if its name says so.
        carrier: match schema {
            Schema::City => false,
            Schema::Asn => carrier.is_some(),
            Schema::Isp => record.isp.is_some() || carrier.is_some(),
        },
        asn: record.autonomous_system_number.is_some(),
        location: matches!(schema, Schema::City),
        place: names.complete(place(names, record, carrier)),
    }
}

fn place(names: &Names, record: &Record<'_>, carrier: Option<Arc<str>>) -> Place {
    let name = |named: &Named<'_>| named.names.en.or(named.names.zh).map(Arc::from);
    let country: Option<Arc<str>> = record.country.iso_code.map(Arc::from);
    let location = &record.location;
    Place {
        carrier,
        asn: record.autonomous_system_number,
        province: record.subdivisions.first().and_then(|first| {
            let (country, code) = (country.as_deref()?, first.iso_code);
            // China's codes were numbers until 2017, which the table has as well; the names have always been
            // there.
            let of_china = || {
                let by_code = code.and_then(|code| names.province(&format!("CN-{code}")));
                by_code.or_else(|| names.province(first.names.en?))
            };
            if country == "CN" { of_china() } else { Some(format!("{country}-{}", code?).into()) }
        }),
        country,
        city: name(&record.city),
        point: location.latitude.zip(location.longitude).and_then(|(lat, lon)| Point::new(lat, lon)),
    }
}
