//! The way from a host to storage and back: its latency, and what may hold it up.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use drydock_core::env::Rng;
use rand::RngExt;
use tokio::time::{sleep, timeout};

use crate::plan::InstanceId;
use crate::plan::fault::FaultKind;
use crate::storage::StorageFaults;

/// When a caller of storage gives up on an answer, as the real clients do.
pub const GIVE_UP: Duration = Duration::from_secs(1);

#[derive(Clone)]
pub struct StorageLink {
    pub host: String,
    pub instance: InstanceId,
    pub faults: StorageFaults,
    /// Least and greatest time of one way.
    pub latency_ms: [u64; 2],
    pub rng: Arc<Mutex<Rng>>,
}

/// The way stayed blocked until the caller gave up.
#[derive(Debug)]
pub struct Blocked;

impl StorageLink {
    /// One way. `slower` names a fault that adds milliseconds, `blocked` one that lets nothing
    /// pass.
    pub async fn travel(
        &self,
        slower: impl Fn(&FaultKind) -> Option<u64>,
        blocked: impl Fn(&FaultKind) -> bool,
    ) -> Result<(), Blocked> {
        self.faults.thaw(&self.host).await;
        let mut delay_ms = self.draw_ms();
        if let Some((index, more_ms)) = self.mine(&slower) {
            self.faults.hit(index, 1);
            delay_ms += more_ms;
        }
        if delay_ms > 0 {
            sleep(Duration::from_millis(delay_ms)).await;
        }
        let mut counted = None;
        let stands = || {
            let (index, ()) = self.mine(|what| blocked(what).then_some(()))?;
            if counted.replace(index) != Some(index) {
                self.faults.hit(index, 1);
            }
            Some(())
        };
        let passed = timeout(GIVE_UP, self.faults.clear(stands)).await;
        self.faults.thaw(&self.host).await;
        passed.map_err(|_| Blocked)
    }

    /// The latency of one way.
    pub fn draw_ms(&self) -> u64 {
        let [least, greatest] = self.latency_ms;
        let mut rng = self.rng.lock().expect("no holder of this lock panics");
        rng.random_range(least..=greatest)
    }

    pub fn toss(&self) -> bool {
        let mut rng = self.rng.lock().expect("no holder of this lock panics");
        rng.random()
    }

    /// The first active fault of this instance, or of all, that `pick` wants.
    pub fn mine<T>(&self, pick: impl Fn(&FaultKind) -> Option<T>) -> Option<(usize, T)> {
        self.faults.find(|what| match what.instance() {
            Some(instance) if instance != self.instance => None,
            _ => pick(what),
        })
    }

    /// Takes one strike of a fault of this instance that has a count.
    pub fn strike<T>(&self, pick: impl Fn(&FaultKind) -> Option<(u64, T)>) -> Option<T> {
        let struck = self.faults.strike(|what| match what.instance() {
            Some(instance) if instance == self.instance => pick(what),
            _ => None,
        });
        struck.map(|(_, found)| found)
    }
}
