//! The clocks of the supervisor, which is a process of its own and never simulated.

use rustix::time::{ClockId, clock_gettime};

/// Milliseconds of a clock that never goes backwards.
pub fn monotonic_ms() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    u64::try_from(now.tv_sec * 1000 + now.tv_nsec / 1_000_000).expect("the clock starts at 0")
}

/// Milliseconds since 1970.
pub fn wall_ms() -> i64 {
    let now = clock_gettime(ClockId::Realtime);
    now.tv_sec * 1000 + now.tv_nsec / 1_000_000
}
