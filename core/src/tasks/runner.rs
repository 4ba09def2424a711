//! Runs every task once a period, under its lock, until it is told to stop.

use std::time::Duration;

use rand::RngExt;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{archive, checkpoint, collect, trim};
use crate::coord::Error as CoordError;
use crate::coord::lock::{Fence, Lock};
use crate::error::Chain;
use crate::read_model::StoreError;
use crate::store::{Store, TaskSettings};

/// A lock outlives this many periods without a pass, and never less than [`LEASE_MIN`].
const LEASE_PERIODS: u32 = 4;
const LEASE_MIN: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Task {
    Archive,
    Checkpoint,
    Trim,
    Collect,
}

impl Task {
    const ALL: [Task; 4] = [Task::Archive, Task::Checkpoint, Task::Trim, Task::Collect];

    fn name(self) -> &'static str {
        match self {
            Task::Archive => "archive",
            Task::Checkpoint => "checkpoint",
            Task::Trim => "trim",
            Task::Collect => "collect",
        }
    }

    fn period(self, settings: &TaskSettings) -> Duration {
        Duration::from_millis(match self {
            Task::Archive => settings.archive_period_ms,
            Task::Checkpoint => settings.checkpoint_period_ms,
            Task::Trim => settings.trim_period_ms,
            Task::Collect => settings.collect_period_ms,
        })
    }
}

/// Runs all tasks until `stop`. A pass that has begun is finished, and locks are released.
pub async fn run(store: Store, holder: String, stop: CancellationToken) {
    let [archive, checkpoint, trim, collect] =
        Task::ALL.map(|task| Runner { task, store: &store, holder: &holder }.run(&stop));
    tokio::join!(archive, checkpoint, trim, collect);
}

/// Knowledge that a pass leaves to the next one. If it is lost, later passes gather it again.
#[derive(Default)]
struct PassMemory {
    noted: Option<Uuid>,
    garbage: collect::GarbageCandidates,
}

struct Runner<'a> {
    task: Task,
    store: &'a Store,
    holder: &'a str,
}

impl Runner<'_> {
    async fn run(self, stop: &CancellationToken) {
        let period = self.task.period(&self.store.inner.settings.tasks);
        let mut jitter = self.store.inner.env.rng(self.task.name());
        let mut memory = PassMemory::default();
        let mut lock = None;
        loop {
            let pause = period.mul_f64(jitter.random_range(0.5..=1.0));
            if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                break;
            }
            if let Err(error) = self.run_pass(&mut lock, &mut memory, period).await {
                let (task, error) = (self.task.name(), Chain(&error));
                tracing::warn!(task, %error, "a background task's pass failed");
                self.store.inner.stats.task_failures();
            }
        }
        if let Some(lock) = lock
            && let Err(error) = lock.release().await
        {
            tracing::debug!(%error, "a task's lock is left to expire");
        }
    }

    /// Takes the lock if it is free, and does one pass under it.
    async fn run_pass(
        &self,
        lock: &mut Option<Lock>,
        memory: &mut PassMemory,
        period: Duration,
    ) -> Result<(), StoreError> {
        let inner = &self.store.inner;
        let ttl = (period * LEASE_PERIODS).max(LEASE_MIN);
        let held = match lock.take() {
            Some(held) => match held.renew().await {
                Ok(()) => Some(held),
                Err(CoordError::LeaseNotExist(_)) => None,
                Err(error) => {
                    *lock = Some(held);
                    return Err(error.into());
                }
            },
            None => None,
        };
        let held = match held {
            Some(held) => held,
            None => {
                let key = inner.keys.task(self.task.name());
                match Lock::try_take(&inner.coord, key, self.holder, ttl).await? {
                    Some(taken) => taken,
                    None => return Ok(()),
                }
            }
        };
        let done = held.keep_while(ttl, self.pass(held.fence(), memory)).await;
        if matches!(done, Err(StoreError::Fenced)) {
            inner.stats.fenced();
            // In a store that was set back the lease may be alive although the lock's key is gone.
            held.release().await?;
            return Ok(());
        }
        *lock = Some(held);
        done
    }

    async fn pass(&self, fence: &Fence, memory: &mut PassMemory) -> Result<(), StoreError> {
        match self.task {
            Task::Archive => archive::run_once(self.store, fence, &mut memory.noted).await?,
            Task::Checkpoint => checkpoint::run_once(self.store, fence).await?,
            Task::Trim => trim::run_once(self.store, fence).await?,
            Task::Collect => {
                drop(collect::run_once(self.store, fence, &mut memory.garbage).await?);
            }
        }
        let stats = &self.store.inner.stats;
        match self.task {
            Task::Archive => stats.archive_passes(),
            Task::Checkpoint => stats.checkpoint_passes(),
            Task::Trim => stats.trim_passes(),
            Task::Collect => stats.collect_passes(),
        }
        Ok(())
    }
}
