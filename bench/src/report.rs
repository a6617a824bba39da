//! What was measured, for people and for programs.

use std::fmt;

use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, Table};
use serde::Serialize;

use crate::measure::{Series, Spread};
use crate::peers::ECHO;
use crate::scenario::Scenario;
use crate::tern::TERN;

/// A scenario's figures.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    scenario: &'static str,
    what: String,
    servers: Vec<Line>,
    ratios: Vec<Ratio>,
}

/// A server's figures.
#[derive(Debug, Serialize)]
struct Line {
    #[serde(flatten)]
    series: Series,
    /// CPU time of the server for a query, in µs.
    cpu_us: Spread,
    /// Completed queries a second.
    qps: Spread,
    /// Queries without an answer, all rounds together.
    lost: u64,
    /// Cost over the echo's, round by round.
    over_echo: Option<Spread>,
}

/// Tern's cost over another server's, round by round.
#[derive(Debug, Serialize)]
struct Ratio {
    over: &'static str,
    ratio: Spread,
    bar: f64,
    met: bool,
}

impl Report {
    /// Puts the figures together.
    pub(crate) fn new(scenario: &Scenario, all: Vec<Series>) -> Self {
        let named = |name: &str| all.iter().find(|series| series.name == name);
        let ratio = |&(over, bar): &(&'static str, f64)| {
            let ratio = named(TERN)?.over(named(over)?);
            Some(Ratio { over, ratio, bar, met: ratio.median <= bar })
        };
        let ratios = scenario.bars.iter().filter_map(ratio).collect();
        let line = |series: &Series| Line {
            cpu_us: series.cpu_us(),
            qps: Spread::of(series.samples.iter().map(|sample| sample.qps)),
            lost: series.samples.iter().map(|sample| sample.lost).sum(),
            over_echo: named(ECHO).map(|echo| series.over(echo)),
            series: series.clone(),
        };
        let servers = all.iter().map(line).collect();
        Self { scenario: scenario.name, what: scenario.what.clone(), servers, ratios }
    }

    /// Queries without an answer, all servers together.
    pub(crate) fn lost(&self) -> u64 {
        self.servers.iter().map(|line| line.lost).sum()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{}: {}", self.scenario, self.what)?;
        let mut table = Table::new();
        table.load_style(ASCII_MARKDOWN);
        table.set_header(["server", "CPU µs/query", "min", "max", "queries/s", "lost", "× echo"]);
        for line in &self.servers {
            table.add_row([
                format!("{} {}", line.series.name, line.series.version),
                format!("{:.2}", line.cpu_us.median),
                format!("{:.2}", line.cpu_us.min),
                format!("{:.2}", line.cpu_us.max),
                format!("{:.0}", line.qps.median),
                line.lost.to_string(),
                line.over_echo.map_or_else(String::new, |ratio| format!("{:.2}", ratio.median)),
            ]);
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        writeln!(f, "{table}")?;
        for Ratio { over, ratio: Spread { median, min, max }, bar, met } in &self.ratios {
            let verdict = if *met { "met" } else { "missed" };
            writeln!(f, "{TERN} / {over}: {median:.2} ({min:.2} to {max:.2}), bar {bar:.2}: {verdict}")?;
        }
        Ok(())
    }
}
