//! Time as the resolver counts it: milliseconds since the process began.
//!
//! Everything that decides takes a [`Moment`]; only the [`Clock`] asks the system. Workers read its
//! *coarse* seconds, one relaxed load that a background task keeps going: no system call per query.

use std::ops::Add;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How often the coarse seconds are brought up to date.
const TICK: Duration = Duration::from_millis(200);

/// A point in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(u64);

impl Moment {
    /// The beginning of time: everything that expires here has expired.
    pub const START: Self = Self(0);

    /// So many milliseconds after the beginning.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the beginning.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since the beginning.
    pub const fn as_secs(self) -> u32 {
        (self.0 / 1000) as u32
    }

    /// This moment and so many seconds.
    pub const fn plus_secs(self, secs: u32) -> Self {
        Self(self.0 + secs as u64 * 1000)
    }

    /// How long it is from `earlier` to here; nothing where it is not earlier.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// Seconds left until `end`, rounded up, so that a fresh TTL shows whole.
    pub const fn secs_until(self, end: Self) -> u32 {
        end.0.saturating_sub(self.0).div_ceil(1000) as u32
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration.as_millis() as u64))
    }
}

/// The clock of one resolver.
#[derive(Clone, Debug)]
pub struct Clock {
    began: Instant,
    seconds: Arc<AtomicU32>,
}

impl Clock {
    /// A clock that begins now; its coarse seconds stand still until [`Clock::run`] is spawned.
    pub fn new() -> Self {
        Self { began: Instant::now(), seconds: Arc::default() }
    }

    /// The moment, exactly.
    pub fn now(&self) -> Moment {
        Moment(self.began.elapsed().as_millis() as u64)
    }

    /// Whole seconds, at most 0.2 s behind.
    pub fn coarse_secs(&self) -> u32 {
        self.seconds.load(Ordering::Relaxed)
    }

    /// Keeps the coarse seconds going; never returns.
    pub async fn run(self) {
        let mut tick = tokio::time::interval(TICK);
        loop {
            tick.tick().await;
            self.seconds.store(self.now().as_secs(), Ordering::Relaxed);
        }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}
