//! `tern bgp show`: a row for each carrier and prefix.

use std::io::Write;
use std::net::IpAddr;

use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::cli;
use crate::client::Client;
use crate::error::Error;
use crate::offline::Offline;
use crate::table::{Column, nearest, table};

/// How one carrier reaches one prefix: a row of the admin endpoint's `/reach`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Who reaches.
    pub carrier: String,
    /// What.
    pub prefix: IpNet,
    /// Whose line it is.
    pub line: String,
    /// Whether the carrier has a route.
    pub reachable: bool,
    /// The AS path, the next hop first.
    pub path: Vec<u32>,
    /// Since when this is so.
    pub since: Timestamp,
    /// The sessions that the topology announces the prefix over.
    pub sessions: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// [`Error`].
pub fn run(command: &cli::Show, out: &mut impl Write) -> Result<(), Error> {
    let now = Timestamp::now();
    let rows = match &command.world.dir {
        Some(dir) => rows(&Offline::open(dir, now)?),
        None => Client::new(command.world.admin).get("reach", &[])?,
    };
    let rows = match &command.only {
        Some(only) => select(rows, only)?,
        None => rows,
    };
    if command.json {
        writeln!(out, "{}", serde_json::to_string(&rows).map_err(Error::failed)?)?;
    } else {
        write!(out, "{}", text(&rows, now))?;
    }
    Ok(())
}

/// The rows of a world that does not run.
fn rows(offline: &Offline) -> Vec<Row> {
    let world = offline.engine.world();
    let topology = &world.layout.topology;
    let mut rows = Vec::new();
    for (carrier_id, carrier) in topology.carriers().entries() {
        for (prefix_id, prefix) in topology.prefixes().entries() {
            let reach = world.snapshot.reach(carrier_id, prefix_id);
            let sessions = prefix.announcements.iter().map(|hop| &topology.sessions()[hop.session].name);
            rows.push(Row {
                carrier: carrier.name.to_string(),
                prefix: prefix.cidr,
                line: prefix.line.to_string(),
                reachable: reach.reachable,
                path: reach.path.to_vec(),
                since: reach.since,
                sessions: sessions.map(ToString::to_string).collect(),
            });
        }
    }
    rows
}

/// The rows of a carrier, or those whose prefix holds a prefix or an address.
pub fn select(mut rows: Vec<Row>, only: &str) -> Result<Vec<Row>, Error> {
    let net = only.parse::<IpNet>().or_else(|_| only.parse::<IpAddr>().map(IpNet::from)).ok();
    let (carriers, prefixes): (Vec<_>, Vec<_>) =
        rows.iter().map(|row| (row.carrier.clone(), row.prefix)).unzip();
    rows.retain(|row| match net {
        Some(net) => row.prefix.contains(&net),
        None => row.carrier == only,
    });
    if !rows.is_empty() {
        return Ok(rows);
    }
    let mend = match net {
        Some(_) => format!("write one of the {} that `tern bgp show` lists", distinct(prefixes).len()),
        None => {
            let carriers = distinct(carriers);
            let near = nearest(only, carriers.iter().map(String::as_str)).join(", ");
            format!("write a prefix, or one of {near}")
        }
    };
    Err(Error::config(format!("{only} is neither a carrier nor in an announced prefix (mend: {mend})")))
}

fn distinct<T: PartialEq>(all: Vec<T>) -> Vec<T> {
    all.into_iter().fold(Vec::new(), |mut kept, one| {
        if !kept.contains(&one) {
            kept.push(one);
        }
        kept
    })
}

/// The rows as a table, ages as of `now`.
pub fn text(rows: &[Row], now: Timestamp) -> String {
    let columns = [
        Column::Left("carrier"),
        Column::Left("prefix"),
        Column::Left("line"),
        Column::Left("state"),
        Column::Left("AS path"),
        Column::Left("since"),
        Column::Right("for"),
    ];
    let cells = rows.iter().map(|row| {
        let path: Vec<_> = row.path.iter().map(u32::to_string).collect();
        let age = SignedDuration::from_secs(now.duration_since(row.since).as_secs());
        [
            row.carrier.clone(),
            row.prefix.to_string(),
            row.line.clone(),
            if row.reachable { "reachable" } else { "no route" }.to_owned(),
            if path.is_empty() { "-".to_owned() } else { path.join(" ") },
            format!("{:.0}", row.since),
            format!("{age:#}"),
        ]
    });
    table(columns, cells)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn row(carrier: &str, prefix: &str, path: &[u32]) -> Row {
        Row {
            carrier: carrier.into(),
            prefix: prefix.parse().unwrap(),
            line: "telecom".into(),
            reachable: !path.is_empty(),
            path: path.to_vec(),
            since: "2026-11-22T09:00:00.25Z".parse().unwrap(),
            sessions: Vec::new(),
        }
    }

    fn all() -> Vec<Row> {
        vec![
            row("telecom", "198.18.0.0/24", &[65001]),
            row("telecom", "2001:2::/64", &[65001]),
            row("unicom", "198.18.0.0/24", &[]),
            row("unicom", "2001:2::/64", &[4134, 65001]),
        ]
    }

    #[test]
    fn rows_are_selected_by_carrier_prefix_or_address() {
        for (only, kept) in [
            ("telecom", vec![0, 1]),
            ("198.18.0.0/24", vec![0, 2]),
            ("198.18.0.11", vec![0, 2]),
            ("2001:2::b", vec![1, 3]),
        ] {
            let expected: Vec<_> = kept.into_iter().map(|at| all()[at].clone()).collect();
            assert_eq!(select(all(), only).unwrap(), expected, "{only}");
        }
        assert_eq!(
            select(all(), "telekom").unwrap_err().to_string(),
            "telekom is neither a carrier nor in an announced prefix (mend: write a prefix, or one of telecom)"
        );
        let error = select(all(), "192.0.2.1").unwrap_err();
        assert!(
            error.to_string().ends_with("(mend: write one of the 2 that `tern bgp show` lists)"),
            "{error}"
        );
        assert_eq!(error.exit_code(), 2);
    }

    #[test]
    fn a_table_says_state_path_and_age() {
        let now = "2026-11-22T10:01:02Z".parse().unwrap();
        let expected = "\
carrier  prefix         line     state      AS path     since                      for
telecom  198.18.0.0/24  telecom  reachable  65001       2026-11-22T09:00:00Z  1h 1m 1s
unicom   198.18.0.0/24  telecom  no route   -           2026-11-22T09:00:00Z  1h 1m 1s
unicom   2001:2::/64    telecom  reachable  4134 65001  2026-11-22T09:00:00Z  1h 1m 1s
";
        let rows = [all()[0].clone(), all()[2].clone(), all()[3].clone()];
        assert_eq!(text(&rows, now), expected);
    }
}
