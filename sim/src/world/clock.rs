//! Simulated time.

use std::sync::Arc;
use std::time::Duration;

use drydock_core::env::Clock;
use jiff::{SignedDuration, Timestamp};

use crate::fault::{Faults, What};

/// The time of the host that is running; `None` between hosts.
pub fn host_elapsed() -> Option<Duration> {
    turmoil::sim_elapsed()
}

/// The clocks of one host: the plan's epoch, moved on by simulated time and off by active faults.
pub struct SimClock {
    pub epoch: Timestamp,
    pub instance: Option<usize>,
    pub faults: Faults,
}

impl SimClock {
    pub fn shared(epoch: Timestamp, instance: Option<usize>, faults: &Faults) -> Arc<SimClock> {
        Arc::new(SimClock { epoch, instance, faults: faults.clone() })
    }
}

impl Clock for SimClock {
    fn wall(&self) -> Timestamp {
        let off = self.faults.find(|what| match what {
            What::Clock { instance, by_ms } if Some(*instance) == self.instance => Some(*by_ms),
            _ => None,
        });
        let off_ms = off.map_or(0, |(index, by_ms)| {
            self.faults.hit(index, 1);
            by_ms
        });
        self.epoch
            .saturating_add(self.monotonic())
            .and_then(|now| now.saturating_add(SignedDuration::from_millis(off_ms)))
            .expect("durations are not calendar spans")
    }

    fn monotonic(&self) -> Duration {
        host_elapsed().unwrap_or_default()
    }
}
