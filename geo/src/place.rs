//! A place on the net: who carries an address, and where on the globe it is.

use std::sync::Arc;

use serde::ser::{Serialize, SerializeStruct, Serializer};

/// The mean radius of the Earth in km (IUGG).
const EARTH_KM: f64 = 6371.0088;

/// A point on the globe, kept to a millionth of a degree (about 11 cm), so that it can be
/// compared and hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Point {
    lat: i32,
    lon: i32,
}

impl Point {
    /// From degrees: latitude -90 to 90, longitude -180 to 180. `None` outside of that, and for
    /// what is not a number.
    pub fn new(lat: f64, lon: f64) -> Option<Self> {
        #[expect(clippy::cast_possible_truncation, reason = "both are checked to be within ±180 degrees")]
        let micro = |degrees: f64| (degrees * 1e6).round() as i32;
        ((-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lon))
            .then(|| Self { lat: micro(lat), lon: micro(lon) })
    }

    /// Latitude in degrees, north positive.
    pub fn lat(self) -> f64 {
        f64::from(self.lat) / 1e6
    }

    /// Longitude in degrees, east positive.
    pub fn lon(self) -> f64 {
        f64::from(self.lon) / 1e6
    }

    /// Great-circle distance in km (haversine; exact to 0.5 %, the Earth being no sphere).
    pub fn distance_km(self, other: Self) -> f64 {
        let (lat_a, lat_b) = (self.lat().to_radians(), other.lat().to_radians());
        let half_lat = (lat_b - lat_a) / 2.0;
        let half_lon = (other.lon() - self.lon()).to_radians() / 2.0;
        let h = half_lat.sin().powi(2) + lat_a.cos() * lat_b.cos() * half_lon.sin().powi(2);
        2.0 * EARTH_KM * h.sqrt().min(1.0).asin()
    }
}

impl Serialize for Point {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut point = serializer.serialize_struct("Point", 2)?;
        point.serialize_field("lat", &self.lat())?;
        point.serialize_field("lon", &self.lon())?;
        point.end()
    }
}

/// What is known of an address. Every part may be unknown.
///
/// Hong Kong, Macao and Taiwan have an ISO 3166-1 code of their own and an ISO 3166-2 code
/// under CN; a place there carries both: country `HK`, province `CN-HK`, whatever the source
/// wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, serde::Serialize)]
pub struct Place {
    /// The carrier, normalised (`telecom`, `unicom`, `mobile`, `edu`, `drpeng` …); `None` also
    /// where the source names one that `geo/data/carriers.csv` does not know.
    pub carrier: Option<Arc<str>>,
    /// The number of the autonomous system that announces the address.
    pub asn: Option<u32>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<Arc<str>>,
    /// ISO 3166-2, such as `CN-SH`.
    pub province: Option<Arc<str>>,
    /// The city as the source writes it.
    pub city: Option<Arc<str>>,
    /// The source's coordinates, else the centre of the city, the province or the country.
    pub point: Option<Point>,
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn point(lat: f64, lon: f64) -> Point {
        Point::new(lat, lon).unwrap()
    }

    #[test]
    fn distances_of_known_pairs() {
        let (beijing, shanghai) = (point(39.9042, 116.4074), point(31.2304, 121.4737));
        let km = beijing.distance_km(shanghai);
        assert!((1060.0..1075.0).contains(&km), "Beijing to Shanghai: {km} km");
        let km = point(0.0, 0.0).distance_km(point(0.0, 180.0));
        assert!((km - EARTH_KM * std::f64::consts::PI).abs() < 1e-6, "antipodes: {km} km");
        // Across the date line, not around the globe.
        let km = point(0.0, 179.5).distance_km(point(0.0, -179.5));
        assert!((111.0..112.0).contains(&km), "one degree: {km} km");
    }

    #[test]
    fn degrees_out_of_range_are_no_point() {
        for (lat, lon) in [(90.1, 0.0), (0.0, -180.1), (f64::NAN, 0.0), (0.0, f64::INFINITY)] {
            assert_eq!(Point::new(lat, lon), None, "{lat}, {lon}");
        }
        assert_eq!((point(-90.0, 180.0).lat(), point(-90.0, 180.0).lon()), (-90.0, 180.0));
    }

    proptest! {
        #[test]
        fn distance_is_symmetric_and_bounded(
            a in (-90.0..90.0, -180.0..180.0),
            b in (-90.0..90.0, -180.0..180.0),
        ) {
            let (a, b) = (point(a.0, a.1), point(b.0, b.1));
            prop_assert_eq!(a.distance_km(a), 0.0);
            prop_assert!((a.distance_km(b) - b.distance_km(a)).abs() < 1e-9);
            prop_assert!(a.distance_km(b) <= EARTH_KM * std::f64::consts::PI);
        }
    }
}
