//! The time that libraries read which know nothing of seams.
//!
//! It is that of the last step, moved by the clock fault of the host that asks. Nothing of turmoil
//! is asked: its world may be in use by whoever wants to know the time.

use std::cell::RefCell;
use std::time::Duration;

use tokio::runtime::{Handle, Id};

use super::clock::off_by;
use super::shim::{self, Time};
use crate::fault::Faults;

/// Where monotonic clocks begin: some subtract from them.
const BOOT: Duration = Duration::from_secs(24 * 3600);

thread_local! {
    static AMBIENT: RefCell<Option<Ambient>> = const { RefCell::new(None) };
}

struct Ambient {
    epoch: Duration,
    elapsed: Duration,
    faults: Faults,
    /// The runtimes of hosts.
    hosts: Vec<(Id, String)>,
}

/// While it lives, this thread's clocks are simulated.
pub struct AmbientClock {
    before: Option<Time>,
}

impl AmbientClock {
    /// `epoch` is the wall clock at the start, since 1970.
    pub fn begin(epoch: Duration, faults: &Faults) -> AmbientClock {
        let ambient =
            Ambient { epoch, elapsed: Duration::ZERO, faults: faults.clone(), hosts: Vec::new() };
        AMBIENT.set(Some(ambient));
        AmbientClock { before: shim::set_time(Some(Time { wall, monotonic })) }
    }

    pub fn set(&self, elapsed: Duration) {
        with(|ambient| ambient.elapsed = elapsed);
    }
}

impl Drop for AmbientClock {
    fn drop(&mut self) {
        shim::set_time(self.before);
        AMBIENT.set(None);
    }
}

/// The runtime that is entered belongs to `host` from now on.
pub fn settle(host: &str) {
    let runtime = Handle::current().id();
    with(|ambient| {
        ambient.hosts.retain(|(known, name)| *known != runtime && name != host);
        ambient.hosts.push((runtime, host.to_owned()));
    });
}

/// The host that is running now, if one is.
pub fn current_host() -> Option<String> {
    let runtime = Handle::try_current().ok()?.id();
    with(|ambient| ambient.host(runtime).map(str::to_owned)).flatten()
}

impl Ambient {
    fn host(&self, runtime: Id) -> Option<&str> {
        let mut hosts = self.hosts.iter();
        hosts.find(|(known, _)| *known == runtime).map(|(_, host)| &**host)
    }
}

fn wall() -> Duration {
    let runtime = Handle::try_current().map(|handle| handle.id());
    let told = with(|ambient| {
        let host = runtime.ok().and_then(|it| ambient.host(it));
        let off = host.map(|host| off_by(&ambient.faults, host)).unwrap_or_default();
        let now = ambient.epoch + ambient.elapsed;
        match off {
            off if off.is_negative() => now.saturating_sub(off.unsigned_abs()),
            off => now + off.unsigned_abs(),
        }
    });
    told.unwrap_or_default()
}

fn monotonic() -> Duration {
    BOOT + with(|ambient| ambient.elapsed).unwrap_or_default()
}

fn with<T>(work: impl FnOnce(&mut Ambient) -> T) -> Option<T> {
    AMBIENT.with(|ambient| ambient.try_borrow_mut().ok()?.as_mut().map(work))
}
