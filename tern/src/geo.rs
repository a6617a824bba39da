//! `tern geo lookup`: where addresses are.

use std::io::Write;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use ::geo::{Map, MapBuilder, Source};
use ipnet::IpNet;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use crate::cli::{Geo, Lookup};
use crate::client::Client;
use crate::error::Error;
use crate::offline::Offline;
use crate::table::{Column, or_dash, table};

/// Where an address is, as the admin endpoint's `/geo` says it.
#[derive(Debug, Deserialize)]
struct Located {
    address: IpAddr,
    prefix: IpNet,
    place: Place,
}

/// A place, as its JSON says it.
#[derive(Debug, Deserialize)]
pub struct Place {
    /// The carrier's name.
    pub carrier: Option<String>,
    /// The AS number.
    pub asn: Option<u32>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// ISO 3166-2.
    pub province: Option<String>,
    /// As the source writes it.
    pub city: Option<String>,
    /// Coordinates.
    pub point: Option<Point>,
}

/// Coordinates in degrees.
#[derive(Debug, Deserialize)]
pub struct Point {
    /// North positive.
    pub lat: f64,
    /// East positive.
    pub lon: f64,
}

/// Runs the command.
///
/// # Errors
/// [`Error`].
pub fn run(Geo::Lookup(command): &Geo, out: &mut impl Write) -> Result<(), Error> {
    let located: Vec<Located> = match command.admin {
        Some(admin) => {
            let client = Client::new(admin);
            let ask = |address: &IpAddr| client.get("geo", &[("address", &address.to_string())]);
            command.addresses.iter().map(ask).collect::<Result<_, _>>()?
        }
        None => offline(command)?,
    };
    if !command.json {
        write!(out, "{}", text(&located))?;
        return Ok(());
    }
    for Located { address, prefix, place } in located {
        let Place { carrier, asn, country, province, city, point } = place;
        let (lat, lon) = point.map(|point| (point.lat, point.lon)).unzip();
        let row = json!({
            "address": address, "prefix": prefix, "carrier": carrier, "asn": asn, "country": country,
            "province": province, "city": city, "lat": lat, "lon": lon,
        });
        writeln!(out, "{row}")?;
    }
    Ok(())
}

fn offline(command: &Lookup) -> Result<Vec<Located>, Error> {
    let map = match &command.dir {
        Some(dir) => Arc::clone(&Offline::open(dir, Timestamp::now())?.engine.world().layout.map),
        None => Arc::new(layered(&command.db)?),
    };
    let locate = |&address: &IpAddr| {
        let located = map.locate(address);
        let place = serde_json::to_value(located.place).and_then(serde_json::from_value);
        Ok(Located { address, prefix: located.prefix, place: place.map_err(Error::failed)? })
    };
    command.addresses.iter().map(locate).collect()
}

/// The map of these sources over the table that ships with Tern.
fn layered(sources: &[PathBuf]) -> Result<Map, Error> {
    let mut map = MapBuilder::shipped().map_err(Error::config)?;
    for path in sources {
        map = map.layer(Source::open(path).map_err(Error::config)?);
    }
    Ok(map.build())
}

fn text(located: &[Located]) -> String {
    let columns = [
        Column::Left("address"),
        Column::Left("prefix"),
        Column::Left("carrier"),
        Column::Left("asn"),
        Column::Left("country"),
        Column::Left("province"),
        Column::Left("city"),
        Column::Right("lat"),
        Column::Right("lon"),
    ];
    let cells = located.iter().map(|Located { address, prefix, place }| {
        let degrees =
            |degrees: fn(&Point) -> f64| place.point.as_ref().map(|point| format!("{:.2}", degrees(point)));
        [
            address.to_string(),
            prefix.to_string(),
            or_dash(place.carrier.as_ref()),
            or_dash(place.asn),
            or_dash(place.country.as_ref()),
            or_dash(place.province.as_ref()),
            or_dash(place.city.as_ref()),
            or_dash(degrees(|point| point.lat)),
            or_dash(degrees(|point| point.lon)),
        ]
    });
    table(columns, cells)
}
