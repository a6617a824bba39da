//! `tern bgp withdraw` and `announce`: one more entry in the operators' file, and the wait until the
//! running world serves by it.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};
use routing::topology::{Id, Table};
use routing::{Simulation, Topology};
use steering::{Action, Override, Overrides, engine};

use crate::cli;
use crate::client::Client;
use crate::error::Error;
use crate::offline::Offline;
use crate::table::nearest;

/// How long a running world may take to serve by a new file.
const PATIENCE: Duration = Duration::from_secs(5);

/// Between two looks at the world.
const PAUSE: Duration = Duration::from_millis(10);

/// Runs the command.
///
/// # Errors
/// [`Error`].
pub fn run(action: Action, command: &cli::Change, out: &mut impl Write) -> Result<(), Error> {
    let now = Timestamp::now();
    let target = Target::of(&command.world, now)?;
    let new = entry(action, command, &target.topology, now)?;
    let affected = affected(&new, &target.topology)?;

    let lock = Overrides::lock(&target.overrides).map_err(Error::failed)?;
    let before = Overrides::load(&target.overrides).map_err(Error::config)?;
    engine::check(&before, &target.topology, now).map_err(Error::config)?;
    let mut after = before.clone();
    after.add(new, now);
    if after.iter().eq(before.iter()) {
        writeln!(out, "nothing to change: {} withdraws none of it", target.overrides.display())?;
        return Ok(());
    }
    let matters = effect(&before, &target.topology, now)? != effect(&after, &target.topology, now)?;
    after.save(&target.overrides).map_err(Error::failed)?;
    drop(lock);
    for line in affected {
        writeln!(out, "{line}")?;
    }
    writeln!(out, "written to {}", target.overrides.display())?;
    // A world that stays as it is gets no new serial.
    let outcome = if matters { target.outcome(after, now)? } else { "no route changes by it".to_owned() };
    writeln!(out, "{outcome}")?;
    Ok(())
}

/// All that overrides of routes have an effect on, as a hash.
fn effect(overrides: &Overrides, topology: &Arc<Topology>, now: Timestamp) -> Result<u128, Error> {
    let mut simulation = Simulation::new(Arc::clone(topology), now);
    simulation.replay(&overrides.events(topology, now).map_err(Error::config)?, now);
    Ok(simulation.snapshot().digest())
}

/// The world that a change is for.
struct Target {
    topology: Arc<Topology>,
    overrides: PathBuf,
    kind: Kind,
}

enum Kind {
    /// It runs, and this was its serial before the change.
    Running { admin: SocketAddr, client: Client, serial: u64 },
    /// It does not.
    Files(Box<Offline>),
}

impl Target {
    fn of(world: &cli::Where, now: Timestamp) -> Result<Self, Error> {
        if let Some(dir) = &world.dir {
            let offline = Offline::open(dir, now)?;
            let (topology, overrides) = (offline.topology(), offline.overrides.clone());
            return Ok(Self { topology, overrides, kind: Kind::Files(Box::new(offline)) });
        }
        let client = Client::new(world.admin);
        let page = client.world()?;
        // A world's directory has both files.
        let beside = || page.overrides.with_file_name("topology.toml");
        let topology = page.topology.clone().unwrap_or_else(beside);
        Ok(Self {
            topology: Arc::new(Topology::load(&topology).map_err(Error::config)?),
            overrides: page.overrides,
            kind: Kind::Running { admin: world.admin, client, serial: page.world.serial },
        })
    }

    /// What became of the change, in words.
    fn outcome(&self, overrides: Overrides, now: Timestamp) -> Result<String, Error> {
        match &self.kind {
            Kind::Files(offline) => {
                let published = offline.engine.set_overrides(overrides, now).map_err(Error::config)?;
                let moved = published.map_or(0, |published| published.moved);
                Ok(format!("a world of these files moves {moved} answers"))
            }
            Kind::Running { admin, client, serial } => await_world(*admin, client, *serial, &self.overrides),
        }
    }
}

/// Looks at the running world until another one than `before` serves.
fn await_world(admin: SocketAddr, client: &Client, before: u64, file: &Path) -> Result<String, Error> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let page = client.world()?;
        let serial = page.world.serial;
        if serial > before {
            let moved = page.moved.map(|moved| format!(", {moved} answers moved")).unwrap_or_default();
            return Ok(format!("world {serial} serves by it{moved}"));
        }
        if Instant::now() >= deadline {
            let why = page
                .refused
                .map_or("nobody knows why (mend: see its log)".to_owned(), |refused| refused.error);
            return Err(Error::failed(format!(
                "the world at {admin} does not serve by {} after {} s: {why}",
                file.display(),
                PATIENCE.as_secs()
            )));
        }
        thread::sleep(PAUSE);
    }
}

/// The entry that the command asks for; names as the topology has them.
fn entry(
    action: Action,
    command: &cli::Change,
    topology: &Topology,
    now: Timestamp,
) -> Result<Override, Error> {
    let prefix = command.prefix.as_ref().map(|prefix| match prefix.parse::<IpNet>() {
        Ok(net) => net.trunc().to_string(),
        Err(_) => prefix.clone(),
    });
    let routers = || topology.routers().iter().map(|router| router.name.to_string()).collect();
    let carriers = || topology.carriers().iter().map(|carrier| carrier.name.to_string()).collect();
    let prefixes = || topology.prefixes().iter().map(|prefix| prefix.cidr.to_string()).collect();
    Ok(Override {
        router: known("router", command.router.clone(), topology.routers(), routers)?,
        carrier: known("carrier", command.carrier.clone(), topology.carriers(), carriers)?,
        prefix: known("prefix", prefix, topology.prefixes(), prefixes)?,
        by: ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok()),
        at: Some(whole_seconds(now)),
        why: command.why.clone(),
        until: until(command.until, command.hold, now)?,
        ..Override::new(action)
    })
}

/// A name, if the topology has it.
fn known<I: Id, T>(
    kind: &str,
    name: Option<String>,
    table: &Table<I, T>,
    names: impl Fn() -> Vec<String>,
) -> Result<Option<String>, Error> {
    match name {
        Some(name) if table.find(&name).is_none() => {
            let names = names();
            let near = nearest(&name, names.iter().map(String::as_str)).join(", ");
            Err(Error::config(format!("the topology has no {kind} {name} (mend: write one of {near})")))
        }
        other => Ok(other),
    }
}

/// Until when the entry holds.
fn until(
    until: Option<Timestamp>,
    hold: Option<SignedDuration>,
    now: Timestamp,
) -> Result<Option<Timestamp>, Error> {
    let mend = "(mend: name a time to come, or leave it out to change for good)";
    let end = match (until, hold) {
        (None, None) => return Ok(None),
        (Some(until), _) => until,
        (None, Some(hold)) => now
            .checked_add(hold)
            .map(whole_seconds)
            .map_err(|_| Error::config(format!("--for {hold:#} ends after all time {mend}")))?,
    };
    if end <= now {
        return Err(Error::config(format!("{end} is over {mend}")));
    }
    Ok(Some(end))
}

fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// What the entry changes: a line for each session, with its prefixes.
fn affected(entry: &Override, topology: &Topology) -> Result<Vec<String>, Error> {
    let fits = |filter: &Option<String>, name: &str| filter.as_deref().is_none_or(|wanted| wanted == name);
    let verb = match entry.action {
        Action::Announce => "announce",
        _ => "withdraw",
    };
    let mut lines = Vec::new();
    for (id, session) in topology.sessions().entries() {
        let router = &topology.routers()[session.router].name;
        let carrier = &topology.carriers()[session.carrier].name;
        if !fits(&entry.router, router) || !fits(&entry.carrier, carrier) {
            continue;
        }
        let announced = topology.prefixes().iter().filter(|prefix| {
            prefix.announcements.iter().any(|hop| hop.session == id)
                && fits(&entry.prefix, &prefix.cidr.to_string())
        });
        let prefixes: Vec<_> = announced.map(|prefix| prefix.cidr.to_string()).collect();
        if !prefixes.is_empty() {
            lines.push(format!("{verb} {} from {router} to {carrier}", prefixes.join(" ")));
        }
    }
    if lines.is_empty() {
        return Err(Error::config(
            "the topology has no such announcement (mend: leave a filter out; `tern bgp show` lists \
             carriers and prefixes)",
        ));
    }
    Ok(lines)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use clap::Parser;
    use routing::topology::DEFAULT_TOPOLOGY;

    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn withdraw(filters: &str) -> Result<(Override, Vec<String>), Error> {
        let topology = Topology::parse(DEFAULT_TOPOLOGY, "topology.toml").unwrap();
        let words = ["tern", "bgp", "withdraw"].into_iter().chain(filters.split_whitespace());
        let cli::Command::Bgp(cli::Bgp::Withdraw(command)) = cli::Cli::parse_from(words).command else {
            unreachable!("that is what was typed");
        };
        let entry = entry(Action::Withdraw, &command, &topology, NOW)?;
        let lines = affected(&entry, &topology)?;
        Ok((entry, lines))
    }

    #[test]
    fn the_entry_says_what_was_typed_and_the_lines_what_it_means() {
        let (entry, lines) =
            withdraw("--router cn-east-br1 --carrier telecom --why maintenance --for 2h").unwrap();
        assert_eq!(
            (entry.router.as_deref(), entry.carrier.as_deref()),
            (Some("cn-east-br1"), Some("telecom"))
        );
        assert_eq!((entry.at, entry.why.as_deref()), (Some(NOW), Some("maintenance")));
        assert_eq!(entry.until, Some("1970-01-01T02:00:00Z".parse().unwrap()));
        assert_eq!(lines, ["withdraw 198.18.0.0/24 2001:2::/64 from cn-east-br1 to telecom"]);
        assert_eq!(withdraw("--all").unwrap().1.len(), 12);
        assert_eq!(withdraw("--prefix 2001:2:0:0::/64").unwrap().0.prefix.as_deref(), Some("2001:2::/64"));
    }

    #[test]
    fn what_the_topology_lacks_is_refused_with_what_it_has() {
        for (filters, problem) in [
            (
                "--router cn-east-br3",
                "the topology has no router cn-east-br3 (mend: write one of cn-east-br1, cn-east-br2)",
            ),
            ("--carrier telekom", "the topology has no carrier telekom (mend: write one of telecom)"),
            (
                "--prefix 198.18.0.0/25",
                "the topology has no prefix 198.18.0.0/25 (mend: write one of 198.18.0.0/24, 198.18.1.0/24, 198.18.2.0/24)",
            ),
            (
                "--router cn-east-br1 --carrier unicom",
                "the topology has no such announcement (mend: leave a filter out; `tern bgp show` lists carriers and prefixes)",
            ),
            (
                "--all --until 1969-12-31T00:00:00Z",
                "1969-12-31T00:00:00Z is over (mend: name a time to come, or leave it out to change for good)",
            ),
        ] {
            let error = withdraw(filters).unwrap_err();
            assert_eq!(error.to_string(), problem);
            assert_eq!(error.exit_code(), 2, "{filters}");
        }
    }
}
