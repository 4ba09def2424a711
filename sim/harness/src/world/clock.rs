//! Simulated time.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::fault::{Act, Faults};

/// The time of the host that is running; `None` between hosts.
pub fn host_elapsed() -> Option<Duration> {
    turmoil::sim_elapsed()
}

/// The clocks of one host: the world's epoch, moved on by simulated time and off by active faults.
#[derive(Clone)]
pub struct SimClock {
    epoch: Timestamp,
    /// Whose clock faults may put off.
    host: Option<String>,
    faults: Faults,
}

impl SimClock {
    /// The clock of `host`; none: one that no fault puts off.
    pub fn new(epoch: Timestamp, host: Option<&str>, faults: &Faults) -> SimClock {
        SimClock { epoch, host: host.map(str::to_owned), faults: faults.clone() }
    }

    pub fn wall(&self) -> Timestamp {
        let off = self.host.as_ref().map(|host| off_by(&self.faults, host));
        self.epoch
            .saturating_add(self.monotonic())
            .and_then(|now| now.saturating_add(off.unwrap_or_default()))
            .expect("durations are not calendar spans")
    }

    /// Simulated time since the beginning.
    pub fn monotonic(&self) -> Duration {
        host_elapsed().unwrap_or_default()
    }
}

/// By how much the wall clock of a host is off.
pub(super) fn off_by(faults: &Faults, host: &str) -> SignedDuration {
    let off = faults.find(|act| match act {
        Act::Clock { host: on, by_ms } => (on == host).then_some(*by_ms),
        _ => None,
    });
    off.map_or(SignedDuration::ZERO, |(index, by_ms)| {
        faults.hit(index, 1);
        SignedDuration::from_millis(by_ms)
    })
}
