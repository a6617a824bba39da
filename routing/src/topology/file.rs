//! The file as it is written: rows with names and spans, before anything is looked up.
//!
//! Every row is read on its own, so that one bad row hides no other; see [`Row`].

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};
use xxhash_rust::xxh3::xxh3_128;

use super::problem::Report;

/// A row of a named table.
#[derive(Serialize)]
pub(super) struct Row<T> {
    pub(super) name: Spanned<String>,
    /// None: it could not be read, which has been reported. Its name still counts as known, so that
    /// references to it are not reported as well.
    pub(super) raw: Option<T>,
}

/// A whole file.
#[derive(Serialize)]
pub(super) struct File {
    pub(super) asn: Option<Spanned<u32>>,
    pub(super) regions: Vec<Row<Region>>,
    pub(super) zones: Vec<Row<Zone>>,
    pub(super) vpcs: Vec<Row<Vpc>>,
    pub(super) subnets: Vec<Row<Subnet>>,
    pub(super) instances: Vec<Row<Instance>>,
    pub(super) gateways: Vec<Row<Gateway>>,
    pub(super) carriers: Vec<Row<Carrier>>,
    pub(super) networks: Vec<Row<Network>>,
    pub(super) relations: Vec<Option<Spanned<Relation>>>,
    pub(super) routers: Vec<Row<Router>>,
    pub(super) sessions: Vec<Row<Session>>,
    pub(super) prefixes: Vec<Option<Spanned<Prefixes>>>,
    pub(super) slbs: Vec<Row<Slb>>,
    pub(super) services: Vec<Row<Service>>,
}

macro_rules! rows {
    ($($name:ident { $($(#[$attribute:meta])* $key:ident: $kind:ty,)* })*) => {$(
        #[derive(Deserialize, Serialize)]
        #[serde(deny_unknown_fields, rename_all = "kebab-case")]
        pub(super) struct $name {
            $($(#[$attribute])* pub(super) $key: $kind,)*
        }
    )*};
}

rows! {
    Region { city: String, lat: Spanned<f64>, lon: Spanned<f64>, }
    Zone { region: Spanned<String>, }
    Vpc { vni: Spanned<u32>, cidrs: Vec<Spanned<IpNet>>, }
    Subnet { vpc: Spanned<String>, zone: Spanned<String>, cidrs: Vec<Spanned<IpNet>>, }
    Instance { role: String, subnet: Spanned<String>, address: Spanned<IpAddr>, }
    Gateway { zone: Spanned<String>, }
    Carrier {
        title: String,
        asn: Spanned<u32>,
        #[serde(default)] asns: Vec<Spanned<u32>>,
    }
    Network { asn: Spanned<u32>, }
    Relation {
        #[serde(default)] peers: Vec<Spanned<String>>,
        provider: Option<Spanned<String>>,
        customer: Option<Spanned<String>>,
    }
    Router { region: Spanned<String>, }
    Session { router: Spanned<String>, carrier: Spanned<String>, }
    Prefixes {
        cidrs: Vec<Spanned<IpNet>>,
        line: Spanned<String>,
        over: Vec<Spanned<String>>,
        #[serde(default)] prepend: BTreeMap<Spanned<String>, u8>,
    }
    Slb {
        #[serde(default = "Defaults::kind")] kind: String,
        subnet: Spanned<String>,
        gateway: Spanned<String>,
        #[serde(default = "Defaults::weight")] weight: Spanned<u32>,
        host: Option<Spanned<u32>>,
        inside: Option<Spanned<u32>>,
        #[serde(default)] addresses: Vec<SlbAddress>,
    }
    SlbAddress {
        address: Spanned<IpAddr>,
        inside: Spanned<IpAddr>,
        #[serde(default = "Defaults::bias")] bias_ms: Spanned<f64>,
    }
    Service {
        kind: Option<Spanned<String>>,
        #[serde(default)] slbs: Vec<Spanned<String>>,
        #[serde(default = "Defaults::answers")] answers: Spanned<u8>,
        #[serde(default = "Defaults::ttl")] ttl: Spanned<u32>,
        #[serde(default)] regions: Vec<Spanned<String>>,
    }
}

/// What a key means when it is left out.
struct Defaults;

impl Defaults {
    fn kind() -> String {
        "slb".to_owned()
    }
    fn weight() -> Spanned<u32> {
        Spanned::new(0..0, 100)
    }
    fn bias() -> Spanned<f64> {
        Spanned::new(0..0, 0.0)
    }
    fn answers() -> Spanned<u8> {
        Spanned::new(0..0, 3)
    }
    fn ttl() -> Spanned<u32> {
        Spanned::new(0..0, 10)
    }
}

impl File {
    /// Reads the rows; what cannot be read goes into the report. None if the text is not TOML: what
    /// a broken document seems to contain is not worth further complaints.
    pub(super) fn read(text: &str, report: &mut Report) -> Option<Self> {
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            report.add(error.span().unwrap_or_default(), one_line(error), "correct the TOML");
        }
        if !errors.is_empty() {
            return None;
        }
        let mut reader = Reader { table: table.into_inner(), report };
        let file = Self {
            asn: reader.asn(),
            regions: reader.named("regions"),
            zones: reader.named("zones"),
            vpcs: reader.named("vpcs"),
            subnets: reader.named("subnets"),
            instances: reader.named("instances"),
            gateways: reader.named("gateways"),
            carriers: reader.named("carriers"),
            networks: reader.named("networks"),
            relations: reader.nameless("relations"),
            routers: reader.named("routers"),
            sessions: reader.named("sessions"),
            prefixes: reader.nameless("prefixes"),
            slbs: reader.named("slbs"),
            services: reader.named("services"),
        };
        reader.leftovers();
        Some(file)
    }

    /// A hash of what is written, whatever the layout: of the rows written out again in one form.
    pub(super) fn digest(&self) -> u128 {
        // Rows of strings and numbers can always be written; were it otherwise, all such files
        // would share a digest and nothing else would break.
        xxh3_128(toml::to_string(self).unwrap_or_default().as_bytes())
    }
}

/// Takes the tables out of the document one by one.
struct Reader<'t, 'r> {
    table: DeTable<'t>,
    report: &'r mut Report,
}

impl<'t> Reader<'t, '_> {
    fn asn(&mut self) -> Option<Spanned<u32>> {
        match self.table.remove("asn") {
            Some(value) => self.value("asn", value),
            None => {
                self.report.add(
                    0..0,
                    "asn: our own AS number is missing",
                    "add asn = … at the top of the file",
                );
                None
            }
        }
    }

    /// The rows of a table whose rows have names.
    fn named<T: DeserializeOwned>(&mut self, table: &str) -> Vec<Row<T>> {
        let kind = table.strip_suffix('s').unwrap_or(table);
        let mut rows = Vec::new();
        for mut value in self.rows(table) {
            let name = match value.get_mut() {
                DeValue::Table(row) => row.remove("name"),
                _ => None,
            };
            match name.map(|name| (name.span(), name.into_inner())) {
                Some((span, DeValue::String(name))) => {
                    let raw = self.value(&format!("{kind} {name}"), value);
                    let name = Spanned::new(span, name.into_owned());
                    rows.push(Row { name, raw });
                }
                _ => self.report.add(
                    value.span(),
                    format!("{table}: a row has no name"),
                    "add name = \"…\" to the row",
                ),
            }
        }
        rows
    }

    /// The rows of a table without names; None for one that could not be read.
    fn nameless<T: DeserializeOwned>(&mut self, table: &str) -> Vec<Option<Spanned<T>>> {
        let rows = self.rows(table).into_iter();
        rows.map(|value| self.value(table, value)).collect()
    }

    fn rows(&mut self, table: &str) -> Vec<Spanned<DeValue<'t>>> {
        let Some(value) = self.table.remove(table) else {
            return Vec::new();
        };
        let span = value.span();
        match value.into_inner() {
            DeValue::Array(rows) => rows.into_iter().collect(),
            _ => {
                self.report.add(
                    span,
                    format!("{table}: is not a list of rows"),
                    format!("write {table} = [{{ … }}, …] or [[{table}]]"),
                );
                Vec::new()
            }
        }
    }

    fn value<T: DeserializeOwned>(&mut self, what: &str, value: Spanned<DeValue<'t>>) -> Option<T> {
        let row = value.span();
        let keys = match value.get_ref() {
            DeValue::Table(row) => {
                row.iter().map(|(key, value)| (key.get_ref().clone(), value.span())).collect()
            }
            _ => Vec::new(),
        };
        T::deserialize(ValueDeserializer::from(value))
            .map_err(|error| {
                let at = error.span().unwrap_or(row);
                let key = keys.iter().find(|(_, span)| span.contains(&at.start));
                let key = key.map(|(key, _)| format!(": {key}")).unwrap_or_default();
                let message = one_line(&error);
                let mend = mend(&message);
                self.report.add(at, format!("{what}{key}: {message}"), mend);
            })
            .ok()
    }

    /// Whatever nobody took is not ours.
    fn leftovers(self) {
        for key in self.table.keys() {
            self.report.add(
                key.span(),
                format!("{}: unknown table", key.get_ref()),
                "remove it or correct its spelling",
            );
        }
    }
}

fn one_line(error: &toml::de::Error) -> String {
    error.message().replace('\n', "; ")
}

/// What to do about a value that cannot be read, judged by what the TOML reader says of it.
fn mend(message: &str) -> &'static str {
    if message.starts_with("unknown field") {
        "remove the key or correct its spelling"
    } else if message.starts_with("missing field") {
        "add the key to the row"
    } else if message.starts_with("invalid IP address") {
        "write an address as \"192.0.2.1\", a prefix as \"192.0.2.0/24\""
    } else {
        "write a value of the kind that the key takes"
    }
}
