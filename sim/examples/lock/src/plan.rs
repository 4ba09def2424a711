//! Everything that one simulation depends on, as data: it can be kept in a file and replayed.

use drydock_harness::fault::{Act, Scheduled};
use drydock_harness::fleet::{self, Misfit};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha12Rng;
use serde::{Deserialize, Serialize};

pub const CLIENTS: u64 = 3;
pub const LOAD_MS: u64 = 30_000;
const FAULTS: u64 = 6;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LockPlan {
    pub seed: u64,
    pub has_bug: bool,
    pub faults: Vec<Scheduled>,
}

impl LockPlan {
    /// Draws the faults that a seed stands for.
    pub fn draw(seed: u64, has_bug: bool) -> LockPlan {
        let mut rng = ChaCha12Rng::seed_from_u64(seed);
        let faults = (0..FAULTS).map(|_| fault(&mut rng)).collect();
        LockPlan { seed, has_bug, faults }
    }
}

/// The service dies, or a link stalls for longer than the lock is granted.
fn fault(rng: &mut ChaCha12Rng) -> Scheduled {
    let (at_ms, for_ms) = (rng.random_range(0..LOAD_MS - 6_000), rng.random_range(1_000..6_000));
    let client = format!("client-{}", rng.random_range(1..=CLIENTS));
    let [client, lock, etcd] = [client, "lock".to_owned(), "etcd".to_owned()];
    let (label, act) = match rng.random_range(0..4) {
        0 => ("kill", Act::Kill { host: lock, counted: true }),
        1 => ("stall", Act::Hold { from: lock, to: etcd }),
        2 => ("stall", Act::Hold { from: lock, to: client }),
        _ => ("stall", Act::Hold { from: client, to: lock }),
    };
    let story = format!("{label} {act:?}");
    Scheduled { at_ms, for_ms, label: label.to_owned(), story, acts: vec![act] }
}

impl fleet::Plan for LockPlan {
    fn scenario(&self) -> &str {
        "lock"
    }

    fn seed(&self) -> u64 {
        self.seed
    }

    fn check(&self) -> Result<(), Misfit> {
        let late = self.faults.iter().position(|fault| fault.at_ms + fault.for_ms > LOAD_MS);
        late.map_or(Ok(()), |index| Err(Misfit::new(format!("faults[{index}]"), "ends too late")))
    }
}
