//! The seam for clocks, randomness and ids.
//!
//! Invariants: nothing else in the product reads a clock or draws a random number; a draw from one
//! named stream never shifts another. Timers are tokio's: a runtime with simulated time moves them.

mod clock;
mod rng;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

pub use clock::{Clock, ManualClock, SystemClock};
pub use rng::{Rng, RngTree};

use crate::fault::{FaultPoints, Injected};

/// Clocks, randomness, ids and fault points of one instance. Cheap to clone.
#[derive(Clone)]
pub struct Env {
    clock: Arc<dyn Clock>,
    rng: RngTree,
    ids: Arc<Mutex<Rng>>,
    #[cfg_attr(not(feature = "fault-points"), expect(dead_code, reason = "see fault.rs"))]
    faults: Arc<dyn FaultPoints>,
}

impl Env {
    pub fn new(clock: Arc<dyn Clock>, rng: RngTree) -> Env {
        let ids = Arc::new(Mutex::new(rng.stream("ids")));
        Env { clock, rng, ids, faults: Arc::new(crate::fault::Quiet) }
    }

    /// The environment of production: the machine's clocks, and a seed from its entropy.
    pub fn system() -> Env {
        Env::new(Arc::new(SystemClock::default()), RngTree::from_entropy())
    }

    /// Lets `faults` interfere at the named code points (simulator only).
    pub fn with_faults(self, faults: Arc<dyn FaultPoints>) -> Env {
        Env { faults, ..self }
    }

    /// Wall-clock time. It may jump; nothing may depend on its order.
    pub fn now(&self) -> Timestamp {
        self.clock.wall()
    }

    /// Time since some fixed point; never goes backwards.
    pub fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    /// A new generator for the stream `name`. The generators of several calls with the same name
    /// are independent of each other.
    pub fn rng(&self, name: &str) -> Rng {
        self.rng.stream(name)
    }

    /// A new UUIDv7 from the wall clock and the stream `ids`.
    pub fn new_id(&self) -> Uuid {
        let millis = u64::try_from(self.now().as_millisecond()).unwrap_or(0);
        let mut ids = self.ids.lock().expect("no holder of this lock panics");
        let random: [u8; 10] = rand::RngExt::random(&mut *ids);
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }

    /// A named place in the code where the simulator may delay, fail or kill.
    /// Compiled to nothing without the feature `fault-points`.
    pub async fn point(&self, name: &'static str) -> Result<(), Injected> {
        #[cfg(feature = "fault-points")]
        return self.faults.reach(name).await;
        #[cfg(not(feature = "fault-points"))]
        {
            let _ = name;
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(seed: u64) -> Env {
        Env::new(Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH)), RngTree::from_seed(seed))
    }

    #[test]
    fn ids_are_version_7_distinct_and_repeat_with_the_seed() {
        let (one, two, other) = (env(1), env(1), env(2));
        let ids: Vec<_> = (0..100).map(|_| one.new_id()).collect();
        assert!(ids.iter().all(|id| id.get_version_num() == 7));
        assert_eq!(ids, (0..100).map(|_| two.new_id()).collect::<Vec<_>>());
        assert_ne!(ids[0], other.new_id());
        let mut distinct = ids.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), ids.len());
    }

    #[test]
    fn a_draw_in_one_stream_does_not_shift_another() {
        use rand::RngExt;
        let (one, two) = (env(1), env(1));
        let _: u64 = one.rng("jitter").random();
        let a: u64 = one.rng("names").random();
        let b: u64 = two.rng("names").random();
        assert_eq!(a, b);
    }
}
