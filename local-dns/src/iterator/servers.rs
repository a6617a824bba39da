//! What is known of servers: how fast each answers, what it lost, whether it speaks EDNS.
//!
//! Retransmission follows RFC 6298: RTO = smoothed RTT + 4 × its variation, doubled on each loss. A
//! server that loses three in a row is benched: asked only when nobody else is left. Packets that were
//! under way at the same time, for many questions, are one loss.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rand::{Rng, RngExt};

use crate::cache::Seeded;
use crate::clock::Moment;

/// What a server that nobody asked yet counts as, in milliseconds.
const UNKNOWN_MS: f32 = 376.0;
/// Bounds of the RTO, in milliseconds.
const MIN_RTO_MS: f32 = 50.0;
const MAX_RTO_MS: f32 = 3000.0;
/// Servers whose RTO is within so many milliseconds of the best are as good as the best.
const BAND_MS: f32 = 50.0;
/// One in so many choices is made among all, so that a server that got faster is seen.
const EXPLORE: u32 = 20;
/// Losses in a row that bench a server, and for how long.
const BENCH_AFTER: u8 = 3;
const BENCH: Duration = Duration::from_secs(30);
/// How long a server that refused EDNS is asked without; it may be mended, or have refused by mistake.
const PLAIN: Duration = Duration::from_secs(15 * 60);
/// Shards of the table, and servers that each remembers.
const SHARDS: usize = 16;
const PER_SHARD: usize = 4096;

/// One server.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stat {
    smoothed: f32,
    variation: f32,
    rto: f32,
    losses: u8,
    benched_until: Moment,
    /// The last answer or loss: what was sent before says nothing new by being lost.
    heard: Moment,
    seen: Moment,
    plain_until: Moment,
}

impl Default for Stat {
    fn default() -> Self {
        Self {
            smoothed: 0.0,
            variation: 0.0,
            rto: UNKNOWN_MS,
            losses: 0,
            benched_until: Moment::START,
            heard: Moment::START,
            seen: Moment::START,
            plain_until: Moment::START,
        }
    }
}

impl Stat {
    /// How long to wait for its answer.
    pub fn rto(&self) -> Duration {
        Duration::from_millis(self.rto as u64)
    }

    /// Whether it is asked only when nobody else is left.
    pub fn is_benched(&self, now: Moment) -> bool {
        self.benched_until > now
    }

    /// Whether it answered FORMERR or NOTIMP to EDNS lately: it is asked without (RFC 6891 §6.2.2).
    pub fn is_plain(&self, now: Moment) -> bool {
        self.plain_until > now
    }

    fn answered(&mut self, rtt: Duration, now: Moment) {
        self.heard = now;
        let rtt = rtt.as_secs_f32() * 1000.0;
        if self.smoothed == 0.0 {
            (self.smoothed, self.variation) = (rtt, rtt / 2.0);
        } else {
            self.variation += ((self.smoothed - rtt).abs() - self.variation) / 4.0;
            self.smoothed += (rtt - self.smoothed) / 8.0;
        }
        // A measured 0 must not read as "never measured".
        self.smoothed = self.smoothed.max(0.01);
        self.rto = (self.smoothed + 4.0 * self.variation).clamp(MIN_RTO_MS, MAX_RTO_MS);
        (self.losses, self.benched_until) = (0, Moment::START);
    }

    fn lost(&mut self, sent: Moment, now: Moment) {
        if sent < self.heard {
            return;
        }
        self.heard = now;
        self.rto = (self.rto * 2.0).min(MAX_RTO_MS);
        self.losses = self.losses.saturating_add(1);
        if self.losses >= BENCH_AFTER {
            self.benched_until = now + BENCH;
        }
    }
}

/// All servers, bounded, shared by everything that resolves.
pub struct Servers {
    shards: [Mutex<HashMap<IpAddr, Stat, Seeded>>; SHARDS],
    seed: Seeded,
}

impl Servers {
    /// Nothing known.
    pub fn new() -> Self {
        let seed = Seeded::new();
        Self { shards: std::array::from_fn(|_| Mutex::new(HashMap::with_hasher(seed))), seed }
    }

    /// What is known of a server; what counts for an unknown one, else.
    pub fn stat(&self, server: IpAddr) -> Stat {
        self.with(server, |stats| stats.get(&server).copied().unwrap_or_default())
    }

    /// It answered after `rtt`.
    pub fn answered(&self, server: IpAddr, rtt: Duration, now: Moment) {
        self.change(server, now, |stat| stat.answered(rtt, now));
    }

    /// It did not answer in time what it was sent at `sent`.
    pub fn lost(&self, server: IpAddr, sent: Moment, now: Moment) {
        self.change(server, now, |stat| stat.lost(sent, now));
    }

    /// It does not speak EDNS.
    pub fn set_plain(&self, server: IpAddr, now: Moment) {
        self.change(server, now, |stat| stat.plain_until = now + PLAIN);
    }

    fn change(&self, server: IpAddr, now: Moment, change: impl FnOnce(&mut Stat)) {
        self.with(server, |stats| {
            if stats.len() >= PER_SHARD && !stats.contains_key(&server) {
                make_room(stats);
            }
            let stat = stats.entry(server).or_default();
            change(stat);
            stat.seen = now;
        });
    }

    fn with<T>(&self, server: IpAddr, f: impl FnOnce(&mut HashMap<IpAddr, Stat, Seeded>) -> T) -> T {
        // The shard's map uses the hash's low bits.
        let shard = (self.seed.hash_one(server) >> 57) as usize % SHARDS;
        f(&mut self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Default for Servers {
    fn default() -> Self {
        Self::new()
    }
}

/// Forgets the half that was used longest ago.
fn make_room(stats: &mut HashMap<IpAddr, Stat, Seeded>) {
    let mut seen: Vec<Moment> = stats.values().map(|stat| stat.seen).collect();
    let middle = seen.len() / 2;
    let median = *seen.select_nth_unstable(middle).1;
    stats.retain(|_, stat| stat.seen > median);
}

/// Chooses among `servers`: those not benched, and of those at random among the fastest.
pub fn choose(servers: &[(usize, Stat)], now: Moment, rng: &mut dyn Rng) -> Option<usize> {
    let well = |stat: &Stat| !stat.is_benched(now);
    let any_well = servers.iter().any(|(_, stat)| well(stat));
    let eligible = servers.iter().filter(|(_, stat)| well(stat) || !any_well);
    let best = eligible.clone().map(|(_, stat)| stat.rto).min_by(f32::total_cmp)?;
    let explore = rng.random_ratio(1, EXPLORE);
    let near = eligible.filter(|(_, stat)| explore || stat.rto <= best + BAND_MS);
    let pick = rng.random_range(0..near.clone().count());
    near.map(|(index, _)| *index).nth(pick)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    const A: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const NOW: Moment = Moment::from_millis(1000);

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn rto_follows_rfc_6298_and_doubles_on_loss() {
        let servers = Servers::new();
        assert_eq!(servers.stat(A).rto(), ms(376));
        servers.lost(A, NOW, NOW);
        assert_eq!(servers.stat(A).rto(), ms(752));
        servers.answered(A, ms(40), NOW);
        assert_eq!(servers.stat(A).rto(), ms(120), "40 + 4 × 20");
        for _ in 0..50 {
            servers.answered(A, ms(1), NOW);
        }
        assert_eq!(servers.stat(A).rto(), ms(50), "never below 50");
        for _ in 0..20 {
            servers.lost(A, NOW, NOW);
        }
        assert_eq!(servers.stat(A).rto(), ms(3000));
    }

    #[test]
    fn three_losses_bench_until_an_answer_or_half_a_minute() {
        let servers = Servers::new();
        (0..2).for_each(|_| servers.lost(A, NOW, NOW));
        assert!(!servers.stat(A).is_benched(NOW));
        servers.lost(A, NOW, NOW);
        assert!(servers.stat(A).is_benched(NOW));
        assert!(!servers.stat(A).is_benched(NOW.plus_secs(31)));
        servers.answered(A, ms(5), NOW);
        assert!(!servers.stat(A).is_benched(NOW));
    }

    #[test]
    fn what_is_lost_together_is_one_loss() {
        let servers = Servers::new();
        let later = NOW + ms(376);
        (0..100).for_each(|_| servers.lost(A, NOW, later));
        assert_eq!((servers.stat(A).losses, servers.stat(A).rto()), (1, ms(752)));
        // Nor does it count once the server has answered something that was sent since.
        let answered = later + ms(10);
        servers.answered(A, ms(10), answered);
        servers.lost(A, later, answered + ms(700));
        assert_eq!(servers.stat(A).losses, 0);
    }

    #[test]
    fn a_server_without_edns_is_tried_with_it_again() {
        let servers = Servers::new();
        assert!(!servers.stat(A).is_plain(NOW));
        servers.set_plain(A, NOW);
        assert!(servers.stat(A).is_plain(NOW.plus_secs(899)));
        assert!(!servers.stat(A).is_plain(NOW.plus_secs(901)));
    }

    #[test]
    fn the_fastest_are_chosen_mostly_and_the_benched_last() {
        let stat = |rto: f32| Stat { rto, ..Stat::default() };
        let benched = Stat { benched_until: NOW.plus_secs(1), ..stat(50.0) };
        let servers = [(7, stat(60.0)), (8, stat(100.0)), (9, stat(376.0)), (10, benched)];
        let mut rng = StdRng::seed_from_u64(1);
        let mut count = HashMap::new();
        for _ in 0..10_000 {
            *count.entry(choose(&servers, NOW, &mut rng).unwrap()).or_insert(0) += 1;
        }
        assert!(count[&7] > 4000 && count[&8] > 4000, "{count:?}");
        assert!((50..400).contains(&count[&9]), "explored now and then: {count:?}");
        assert!(!count.contains_key(&10));
        assert_eq!(choose(&servers[3..], NOW, &mut rng), Some(10), "better than nobody");
        assert_eq!(choose(&[], NOW, &mut rng), None);
    }

    #[test]
    fn the_table_stays_bounded_and_keeps_the_recent() {
        let servers = Servers::new();
        let total = SHARDS * PER_SHARD * 2;
        for index in 0..total as u32 {
            let now = Moment::from_millis(u64::from(index));
            servers.lost(IpAddr::V4(index.into()), now, now);
        }
        let kept: usize = servers.shards.iter().map(|shard| shard.lock().unwrap().len()).sum();
        assert!(kept <= SHARDS * PER_SHARD, "{kept}");
        assert_eq!(servers.stat(IpAddr::V4((total as u32 - 1).into())).losses, 1);
    }
}
