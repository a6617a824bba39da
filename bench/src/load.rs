//! The load: dnsperf on a core of its own, 128 flows, 100 questions under way, as fast as it can. Its
//! binary input (`-B`) carries a client subnet of its own in every question, so that one well-known tool
//! makes the load of all scenarios; its window bounds what waits in the server's socket, so nothing is
//! lost by mere speed.

use std::net::SocketAddr;
use std::process::Command;

use crate::error::Error;
use crate::peers::LOAD_CORE;
use crate::questions::Questions;

/// How long.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Until {
    /// Once through the questions.
    End,
    /// For so many seconds.
    Seconds(u32),
}

/// What dnsperf counted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tally {
    /// Questions answered.
    pub(crate) completed: u64,
    /// Questions without an answer within 5 s.
    pub(crate) lost: u64,
    /// Answers a second.
    pub(crate) qps: f64,
    /// How often which response code came, as dnsperf writes it.
    pub(crate) codes: String,
}

/// Asks `address` the questions.
///
/// # Errors
/// When dnsperf cannot be started, fails, or says something else than we know.
pub(crate) fn dnsperf(questions: &Questions, address: SocketAddr, until: Until) -> Result<Tally, Error> {
    let limit = match until {
        Until::End => ["-n".into(), "1".into()],
        Until::Seconds(seconds) => ["-l".into(), seconds.to_string()],
    };
    let output = Command::new("taskset")
        .args(["-c", &LOAD_CORE.to_string(), "dnsperf", "-B", "-d"])
        .arg(&questions.file)
        .args(["-s", &address.ip().to_string(), "-p", &address.port().to_string()])
        .args(["-c", "128", "-q", "100", "-T", "1", "-O", "suppress=timeout"])
        .args(limit)
        .output()
        .map_err(|source| Error::Spawn { program: "taskset", source })?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        return Err(Error::Dnsperf(String::from_utf8_lossy(&output.stderr).trim().into()));
    }
    parse(&text).ok_or_else(|| Error::Dnsperf(format!("no statistics in\n{text}")))
}

fn parse(text: &str) -> Option<Tally> {
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix(':'));
        line.map(str::trim)
    };
    let number = |name: &str| field(name)?.split(' ').next();
    Some(Tally {
        completed: number("Queries completed")?.parse().ok()?,
        lost: number("Queries lost")?.parse().ok()?,
        qps: number("Queries per second")?.parse().ok()?,
        codes: field("Response codes")?.into(),
    })
}

impl Tally {
    /// Whether every answer was NOERROR.
    pub(crate) fn is_clean(&self) -> bool {
        self.codes.starts_with("NOERROR") && !self.codes.contains(',')
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    const OUTPUT: &str = "Statistics:\n
  Queries sent:         398940
  Queries completed:    396689 (99.44%)
  Queries lost:         2251 (0.56%)\n
  Response codes:       NOERROR 396000 (99.83%), SERVFAIL 689 (0.17%)
  Average packet size:  request 60, response 115
  Run time (s):         3.000525
  Queries per second:   132205.605247\n";

    #[test]
    fn statistics_are_read() {
        let tally = parse(OUTPUT).unwrap();
        assert_eq!((tally.completed, tally.lost, tally.qps), (396_689, 2251, 132_205.605_247));
        assert!(!tally.is_clean());
        assert!(parse(&OUTPUT.replace(", SERVFAIL 689 (0.17%)", "")).unwrap().is_clean());
        assert!(!parse(&OUTPUT.replace("NOERROR 396000 (99.83%), ", "")).unwrap().is_clean());
        assert_eq!(parse("Queries sent: 1"), None);
    }
}
