//! What `/metrics` says (Prometheus' text format), taken apart.

use std::collections::BTreeMap;

/// A metric: its type, and a value for each set of labels.
#[derive(Clone, Debug, Default)]
pub struct Family {
    /// `counter`, `gauge`, `histogram`.
    pub kind: String,
    /// Whether it has a text of help.
    pub help: bool,
    /// By sample, as it is written: `name{label="value",…}`.
    pub samples: BTreeMap<String, f64>,
}

/// All metrics of a process, by name.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// By name.
    pub families: BTreeMap<String, Family>,
}

impl Metrics {
    /// Reads the text.
    pub fn read(text: &str) -> Self {
        let mut families: BTreeMap<String, Family> = BTreeMap::new();
        let mut current = String::new();
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, help) = help.split_once(' ').unwrap_or((help, ""));
                families.entry(name.to_owned()).or_default().help = !help.is_empty();
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').expect("a name and its type");
                families.entry(name.to_owned()).or_default().kind = kind.to_owned();
                current = name.to_owned();
            } else {
                let (sample, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no sample: {line}"));
                assert!(sample.starts_with(&current), "{line} is no sample of {current}");
                let value = value.parse().unwrap_or_else(|_| panic!("no number: {line}"));
                families.entry(current.clone()).or_default().samples.insert(sample.to_owned(), value);
            }
        }
        Self { families }
    }

    /// The sum of the samples of `name` that have all of `labels`, each like `service="gslb"`.
    pub fn sum(&self, name: &str, labels: &[&str]) -> f64 {
        let family = self.families.get(name).unwrap_or_else(|| panic!("no metric {name}"));
        let has = |sample: &&String| labels.iter().all(|label| sample.contains(label));
        family.samples.iter().filter(|(sample, _)| has(sample)).map(|(_, value)| value).sum()
    }
}
