//! Interleaved rounds: in each, every server is started anew, checked, warmed where that is due, and
//! measured; every other round goes backwards, so that a drift of the machine favours no one.

use serde::Serialize;

use crate::error::Error;
use crate::load::{self, Until};
use crate::scenario::Scenario;
use crate::server::{Launch, Server};

/// One measure of one server.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Sample {
    /// The server's CPU time for a completed query, in µs.
    pub(crate) cpu_us: f64,
    /// Completed queries a second.
    pub(crate) qps: f64,
    /// Queries that got no answer.
    pub(crate) lost: u64,
}

/// All measures of one server, by round.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Series {
    /// The server.
    pub(crate) name: &'static str,
    /// Its version.
    pub(crate) version: String,
    /// A sample for each round.
    pub(crate) samples: Vec<Sample>,
}

/// Median, least and most.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// Of some values; of none: NaN.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
        let middle = values.len() / 2;
        let median = if values.len() % 2 == 1 {
            at(middle)
        } else {
            f64::midpoint(at(middle.wrapping_sub(1)), at(middle))
        };
        Self { median, min: at(0), max: at(values.len().wrapping_sub(1)) }
    }
}

impl Series {
    /// CPU time for a query, in µs.
    pub(crate) fn cpu_us(&self) -> Spread {
        Spread::of(self.samples.iter().map(|sample| sample.cpu_us))
    }

    /// Its cost over another's, round by round.
    pub(crate) fn over(&self, other: &Self) -> Spread {
        let rounds = self.samples.iter().zip(&other.samples);
        Spread::of(rounds.map(|(ours, theirs)| ours.cpu_us / theirs.cpu_us))
    }
}

/// Runs the rounds. `progress` hears of each measure.
///
/// # Errors
/// When a server does not start, answers wrongly or with an error code, or dnsperf fails.
pub(crate) fn run(
    scenario: &Scenario,
    rounds: u32,
    seconds: u32,
    mut progress: impl FnMut(u32, &str, &Sample),
) -> Result<Vec<Series>, Error> {
    let empty =
        |launch: &Launch| Series { name: launch.name, version: launch.version(), samples: Vec::new() };
    let mut all: Vec<Series> = scenario.launches.iter().map(empty).collect();
    for round in 0..rounds {
        let mut turns: Vec<(&Launch, &mut Series)> = scenario.launches.iter().zip(&mut all).collect();
        if round % 2 == 1 {
            turns.reverse();
        }
        for (launch, series) in turns {
            let sample = measure(scenario, launch, seconds)?;
            progress(round, launch.name, &sample);
            series.samples.push(sample);
        }
    }
    Ok(all)
}

fn measure(scenario: &Scenario, launch: &Launch, seconds: u32) -> Result<Sample, Error> {
    let (questions, address) = (&scenario.questions, Scenario::address());
    let server = Server::start(launch, scenario.dir.path(), address, &questions.sample[0])?;
    let dnsperf = |until| {
        let tally = load::dnsperf(questions, address, until)?;
        if !tally.is_clean() {
            return Err(Error::Rcodes { server: launch.name, codes: tally.codes });
        }
        Ok(tally)
    };
    if launch.name != crate::peers::ECHO {
        questions.check(launch.name, address)?;
    }
    if scenario.warm {
        dnsperf(Until::End)?;
    }
    let before = server.cpu();
    let tally = dnsperf(Until::Seconds(seconds))?;
    let used = server.cpu().saturating_sub(before);
    Ok(Sample { cpu_us: used.as_secs_f64() * 1e6 / tally.completed as f64, qps: tally.qps, lost: tally.lost })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn spreads() {
        assert_eq!(Spread::of([3.0, 1.0, 2.0]), Spread { median: 2.0, min: 1.0, max: 3.0 });
        assert_eq!(Spread::of([4.0, 1.0, 2.0, 3.0]), Spread { median: 2.5, min: 1.0, max: 4.0 });
        assert!(Spread::of([]).median.is_nan());
    }

    #[test]
    fn ratios_are_of_the_same_round() {
        let series = |name, costs: [f64; 3]| Series {
            name,
            version: String::new(),
            samples: costs.map(|cpu_us| Sample { cpu_us, qps: 1.0, lost: 0 }).into(),
        };
        // A round in which the machine was half as fast says as much as the others.
        let (ours, theirs) = (series("ours", [4.0, 9.0, 5.0]), series("theirs", [5.0, 10.0, 5.0]));
        assert_eq!(ours.over(&theirs), Spread { median: 0.9, min: 0.8, max: 1.0 });
    }
}
