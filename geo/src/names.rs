//! Names as sources write them, to codes: carriers, countries, provinces; and where places are.
//!
//! The tables are the data files of `geo/data`, read once. In each the last column lists the
//! names, set apart by `;`; case, blanks, hyphens and apostrophes do not matter. The name of a
//! carrier may end in `*`: whatever begins so.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use crate::place::{Place, Point};

static NAMES: LazyLock<Names> = LazyLock::new(Names::read);

/// Code and centre.
type Spot = (Arc<str>, Option<Point>);

/// The tables of names.
#[derive(Debug, Default)]
pub(crate) struct Names {
    carriers: HashMap<String, Arc<str>>,
    carrier_beginnings: Vec<(String, Arc<str>)>,
    countries: HashMap<String, Spot>,
    provinces: HashMap<String, Spot>,
    /// By the code of the province, then by name.
    cities: HashMap<Arc<str>, HashMap<String, Option<Point>>>,
}

/// Splits a data file into its rows of `N` columns, without comments and the header.
fn rows<const N: usize>(text: &str) -> impl Iterator<Item = [&str; N]> {
    text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).skip(1).filter_map(|line| {
        let columns: Vec<_> = line.split(',').collect();
        columns.try_into().ok()
    })
}

fn point(lat: &str, lon: &str) -> Option<Point> {
    Point::new(lat.parse().ok()?, lon.parse().ok()?)
}

/// A name as it is compared.
fn fold(name: &str) -> String {
    let quiet = |c: &char| !matches!(c, ' ' | '-' | '_' | '\'' | '’' | '.');
    name.chars().filter(quiet).flat_map(char::to_lowercase).collect()
}

const CARRIERS: &str = include_str!("../data/carriers.csv");
const COUNTRIES: &str = include_str!("../data/countries.csv");
const PROVINCES: &str = include_str!("../data/provinces.csv");
const CITIES: &str = include_str!("../data/cities.csv");

impl Names {
    /// The tables.
    pub(crate) fn get() -> &'static Self {
        &NAMES
    }

    fn read() -> Self {
        let mut names = Self::default();
        for [carrier, aliases] in rows(CARRIERS) {
            let carrier = Arc::from(carrier);
            for alias in aliases.split(';').chain([&*carrier]) {
                let known = Arc::clone(&carrier);
                match alias.strip_suffix('*') {
                    Some(beginning) => names.carrier_beginnings.push((fold(beginning), known)),
                    None => drop(names.carriers.insert(fold(alias), known)),
                }
            }
        }
        names.countries = spots(COUNTRIES);
        names.provinces = spots(PROVINCES);
        for [province, lat, lon, aliases] in rows(CITIES) {
            let Some((code, _)) = names.provinces.get(&fold(province)) else {
                continue;
            };
            let cities = names.cities.entry(Arc::clone(code)).or_default();
            cities.extend(aliases.split(';').map(|alias| (fold(alias), point(lat, lon))));
        }
        names
    }

    /// The carrier called `name`.
    pub(crate) fn carrier(&self, name: &str) -> Option<Arc<str>> {
        let name = fold(name);
        let begins = |(beginning, carrier): &(String, Arc<str>)| {
            name.starts_with(beginning.as_str()).then(|| Arc::clone(carrier))
        };
        let known = self.carriers.get(&name).cloned();
        known.or_else(|| self.carrier_beginnings.iter().find_map(begins))
    }

    /// The ISO 3166-1 code of the country called `name`, or of that code.
    pub(crate) fn country(&self, name: &str) -> Option<Arc<str>> {
        self.countries.get(&fold(name)).map(|(code, _)| Arc::clone(code))
    }

    /// The ISO 3166-2 code of the Chinese province called `name`, or of that code.
    pub(crate) fn province(&self, name: &str) -> Option<Arc<str>> {
        self.provinces.get(&fold(name)).map(|(code, _)| Arc::clone(code))
    }

    /// The centre of the city, else of the province, else of the country.
    fn point(&self, place: &Place) -> Option<Point> {
        let centre =
            |spots: &HashMap<String, Spot>, code: &Option<Arc<str>>| spots.get(&fold(code.as_deref()?))?.1;
        self.city(place)
            .or_else(|| centre(&self.provinces, &place.province))
            .or_else(|| centre(&self.countries, &place.country))
    }

    /// The centre of a city of China. A Chinese name may go on after the table's: `吉林市`,
    /// `延边朝鲜族自治州`.
    fn city(&self, place: &Place) -> Option<Point> {
        let cities = self.cities.get(place.province.as_ref()?)?;
        let name = fold(place.city.as_deref()?);
        let goes_on = |known: &&String| !known.is_ascii() && name.starts_with(known.as_str());
        let known = cities
            .get_key_value(&name)
            .map(|(known, _)| known)
            .or_else(|| cities.keys().filter(goes_on).max_by_key(|known| known.len()));
        *cities.get(known?)?
    }

    /// Makes a place whole: a province of China brings its country, Hong Kong, Macao and Taiwan
    /// carry both their codes, and a place without coordinates gets the nearest known centre.
    pub(crate) fn complete(&self, mut place: Place) -> Place {
        let own = |code: &str| matches!(code, "HK" | "MO" | "TW");
        let of_china = place.province.as_deref().and_then(|code| code.strip_prefix("CN-"));
        if let Some(code) = of_china {
            place.country = self.country(if own(code) { code } else { "CN" });
        } else if let Some(code) = place.country.as_deref().filter(|code| own(code)) {
            place.province = self.province(&format!("CN-{code}"));
        }
        place.point = place.point.or_else(|| self.point(&place));
        place
    }
}

/// Reads `code,lat,lon,names`; the code is a name too.
fn spots(text: &str) -> HashMap<String, Spot> {
    let mut spots = HashMap::new();
    for [code, lat, lon, aliases] in rows(text) {
        let spot: Spot = (Arc::from(code), point(lat, lon));
        for alias in aliases.split(';').chain([code]) {
            spots.insert(fold(alias), spot.clone());
        }
    }
    spots
}

#[cfg(test)]
mod tests;
