//! Clocks: the machine's clocks, and a clock that a test moves by hand.

use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;

/// A wall clock and a monotonic one.
pub trait Clock: Send + Sync + 'static {
    /// Wall-clock time: may jump in both directions.
    fn wall(&self) -> Timestamp;

    /// Time since some fixed point: never goes backwards.
    fn monotonic(&self) -> Duration;
}

/// The machine's clocks.
#[derive(Debug)]
pub struct SystemClock {
    start: std::time::Instant,
}

impl Default for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn default() -> SystemClock {
        SystemClock { start: std::time::Instant::now() }
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn wall(&self) -> Timestamp {
        Timestamp::now()
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock {
    state: Mutex<(Timestamp, Duration)>,
}

impl ManualClock {
    pub fn new(wall: Timestamp) -> ManualClock {
        ManualClock { state: Mutex::new((wall, Duration::ZERO)) }
    }

    /// Moves both clocks forward.
    pub fn advance(&self, by: Duration) {
        let mut state = self.lock();
        state.1 += by;
        state.0 = state.0.saturating_add(by).expect("a duration is not a calendar span");
    }

    /// Sets the wall clock, as an operator or NTP would.
    pub fn jump(&self, wall: Timestamp) {
        self.lock().0 = wall;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, (Timestamp, Duration)> {
        self.state.lock().expect("no holder of this lock panics")
    }
}

impl Clock for ManualClock {
    fn wall(&self) -> Timestamp {
        self.lock().0
    }

    fn monotonic(&self) -> Duration {
        self.lock().1
    }
}
