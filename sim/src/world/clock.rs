//! Simulated time.

use std::sync::Arc;
use std::time::Duration;

use drydock_core::env::Clock;
use jiff::{SignedDuration, Timestamp};

use crate::fault::Faults;
use crate::plan::fault::FaultKind;
use crate::plan::hosts::instance_name;

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
        let off = self.instance.map(|instance| off_by(&self.faults, &instance_name(instance)));
        self.epoch
            .saturating_add(self.monotonic())
            .and_then(|now| now.saturating_add(off.unwrap_or_default()))
            .expect("durations are not calendar spans")
    }

    fn monotonic(&self) -> Duration {
        host_elapsed().unwrap_or_default()
    }
}

/// By how much the wall clock of a host is off.
pub fn off_by(faults: &Faults, host: &str) -> SignedDuration {
    let off = faults.find(|what| match what {
        FaultKind::Clock { instance, by_ms } => {
            (instance_name(*instance) == host).then_some(*by_ms)
        }
        _ => None,
    });
    off.map_or(SignedDuration::ZERO, |(index, by_ms)| {
        faults.hit(index, 1);
        SignedDuration::from_millis(by_ms)
    })
}
