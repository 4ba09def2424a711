//! Pauses between attempts at the service, which double and have jitter.

use std::time::Duration;

use drydock_core::env::Rng;
use rand::RngExt;
use tokio::time::Instant;

const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(30);

/// When a call may be made again.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pause {
    failures: u32,
    until: Option<Instant>,
}

impl Pause {
    /// After a failure: longer than the last time.
    pub fn lengthen(&mut self, rng: &mut Rng) {
        let longest = FIRST.saturating_mul(1 << self.failures.min(10)).min(LONGEST);
        self.failures += 1;
        self.until = Some(Instant::now() + longest.mul_f64(rng.random_range(0.5..=1.0)));
    }

    /// After a failure that asks for a pause of at least this length.
    pub fn lengthen_to(&mut self, least: Duration, rng: &mut Rng) {
        self.lengthen(rng);
        let least = Instant::now() + least.mul_f64(rng.random_range(1.0..=1.5));
        self.until = self.until.max(Some(least));
    }

    /// After an answer.
    pub fn end(&mut self) {
        *self = Pause::default();
    }

    /// After an answer that makes a further call useless for so long.
    pub fn begin(&mut self, until: Instant) {
        *self = Pause { failures: 0, until: Some(until) };
    }

    pub fn is_over(&self) -> bool {
        self.until.is_none_or(|until| until <= Instant::now())
    }

    /// When it ends, if it has not ended.
    pub fn until(&self) -> Option<Instant> {
        self.until.filter(|until| *until > Instant::now())
    }
}
