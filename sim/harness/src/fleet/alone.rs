use std::panic::resume_unwind;
use std::thread;

use crate::world::shim;

/// Random bytes of every run: hash tables have the same order in all of them.
const ENTROPY: u64 = 0;

/// Runs `work` on a thread of its own, whose random bytes come from a seed: nothing of an earlier
/// run is left in its thread-locals. A process of its own does the same for statics.
pub fn alone<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let seeded = || {
        shim::seed_entropy(ENTROPY);
        work()
    };
    let done = thread::scope(|threads| threads.spawn(seeded).join());
    done.unwrap_or_else(|panic| resume_unwind(panic))
}
