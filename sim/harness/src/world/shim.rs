//! The net under the seams: what libraries ask the operating system behind our backs.
//!
//! The binary brings its own `clock_gettime` and `getrandom`, which the standard library and others
//! find before those of the C library. On a thread that simulates they answer with the simulation's
//! time and with bytes from a seed; on all others the kernel answers.
//!
//! Absent on purpose: what does not ask the C library (getrandom 0.2, `rdtsc`, SQLite's own
//! randomness), which must be kept out.

#![expect(unsafe_code, reason = "functions of the C library are replaced here, and nowhere else")]

use std::cell::Cell;
use std::ffi::{c_int, c_uint, c_void};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use libc::{clockid_t, size_t, ssize_t, timespec};

/// Where a thread's time comes from. Must not take what its caller may hold: any code may ask.
#[derive(Clone, Copy)]
pub struct Time {
    /// Since 1970.
    pub wall: fn() -> Duration,
    pub monotonic: fn() -> Duration,
}

thread_local! {
    // Neither needs a destructor, so both are there whenever anybody asks.
    static TIME: Cell<Option<Time>> = const { Cell::new(None) };
    static ENTROPY: Cell<Option<u64>> = const { Cell::new(None) };
}

/// From now on this thread's clocks are those given; none: the machine's. Answers what they were.
pub fn set_time(time: Option<Time>) -> Option<Time> {
    TIME.replace(time)
}

/// From now on this thread's random bytes come from a seed, for good.
pub fn seed_entropy(seed: u64) {
    ENTROPY.set(Some(seed));
}

/// Why the shim is not in force.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NotInForce {
    #[error("`{0}` of the C library is not replaced for libraries that look it up by name")]
    Symbol(&'static str),
    #[error("the standard library's clock is not replaced")]
    Clock,
}

/// Makes sure that others do call what is defined here.
pub fn check() -> Result<(), NotInForce> {
    let ours = [
        ("clock_gettime", c"clock_gettime", clock_gettime as *const c_void),
        ("getrandom", c"getrandom", getrandom as *const c_void),
    ];
    for (name, symbol, here) in ours {
        // SAFETY: the name is a string that ends, and nothing is done with the address.
        let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, symbol.as_ptr()) };
        if !std::ptr::eq(found, here) {
            return Err(NotInForce::Symbol(name));
        }
    }
    const PROBE: Duration = Duration::from_secs(1);
    let before = set_time(Some(Time { wall: || PROBE, monotonic: || PROBE }));
    #[expect(clippy::disallowed_methods, reason = "the point is that this is not the machine's")]
    let now = SystemTime::now();
    set_time(before);
    if now == UNIX_EPOCH + PROBE { Ok(()) } else { Err(NotInForce::Clock) }
}

/// # Safety
/// As of the C library's: `to` is null or points to a `timespec`.
#[unsafe(no_mangle)]
unsafe extern "C" fn clock_gettime(clock: clockid_t, to: *mut timespec) -> c_int {
    let simulated = TIME.get().and_then(|time| match clock {
        libc::CLOCK_REALTIME | libc::CLOCK_REALTIME_COARSE => Some((time.wall)()),
        libc::CLOCK_MONOTONIC
        | libc::CLOCK_MONOTONIC_RAW
        | libc::CLOCK_MONOTONIC_COARSE
        | libc::CLOCK_BOOTTIME => Some((time.monotonic)()),
        // What a process or a thread has used is not simulated.
        _ => None,
    });
    // SAFETY: the caller's pointer is null or good for a `timespec`.
    match (simulated, unsafe { to.as_mut() }) {
        (Some(now), Some(to)) => {
            to.tv_sec = libc::time_t::try_from(now.as_secs()).unwrap_or(libc::time_t::MAX);
            to.tv_nsec = libc::c_long::from(now.subsec_nanos().cast_signed());
            0
        }
        // SAFETY: the kernel checks its arguments itself.
        (_, _) => unsafe { libc::syscall(libc::SYS_clock_gettime, clock, to) as c_int },
    }
}

/// # Safety
/// As of the C library's: `to` points to `length` bytes, of which there may be none.
#[unsafe(no_mangle)]
unsafe extern "C" fn getrandom(to: *mut c_void, length: size_t, flags: c_uint) -> ssize_t {
    let Some(mut seed) = ENTROPY.get() else {
        // SAFETY: the kernel checks its arguments itself.
        return unsafe { libc::syscall(libc::SYS_getrandom, to, length, flags) as ssize_t };
    };
    if length > 0 {
        // SAFETY: the caller has so many bytes there, and nobody else uses them meanwhile.
        let bytes = unsafe { std::slice::from_raw_parts_mut(to.cast::<u8>(), length) };
        for chunk in bytes.chunks_mut(size_of::<u64>()) {
            chunk.copy_from_slice(&next(&mut seed).to_ne_bytes()[..chunk.len()]);
        }
        ENTROPY.set(Some(seed));
    }
    ssize_t::try_from(length).unwrap_or(ssize_t::MAX)
}

/// The generator `SplitMix64`: one addition and a good mix of the bits.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        // SAFETY: there are so many bytes.
        let got = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), length, 0) };
        assert_eq!(usize::try_from(got), Ok(length));
        bytes
    }

    #[test]
    fn it_is_in_force() {
        assert_eq!(check(), Ok(()));
    }

    #[test]
    fn without_a_simulation_the_machine_answers() {
        let now = std::fs::File::create(tempfile::NamedTempFile::new().unwrap().path())
            .and_then(|file| file.metadata()?.modified())
            .unwrap();
        #[expect(clippy::disallowed_methods, reason = "this is the machine's clock")]
        let told = SystemTime::now();
        assert!(told.duration_since(now).unwrap_or_default() < Duration::from_secs(60));
        assert_ne!(random(32), random(32));
    }

    #[test]
    fn random_bytes_depend_on_the_seed_alone() {
        let drawn = |seed| {
            seed_entropy(seed);
            [random(0), random(3), random(40)].concat()
        };
        let once = drawn(7);
        assert_eq!(once.len(), 43);
        assert_eq!(once, drawn(7));
        assert_ne!(once, drawn(8));
        ENTROPY.set(None);
    }

    #[test]
    fn clocks_that_are_set_are_told_to_libraries() {
        let time = Time { wall: || Duration::from_millis(1_500), monotonic: || Duration::ZERO };
        set_time(Some(time));
        #[expect(clippy::disallowed_methods, reason = "this is what libraries do")]
        let (wall, one, other) =
            (SystemTime::now(), std::time::Instant::now(), std::time::Instant::now());
        set_time(None);
        assert_eq!(wall, UNIX_EPOCH + Duration::from_millis(1_500));
        assert_eq!(one, other);
    }
}
