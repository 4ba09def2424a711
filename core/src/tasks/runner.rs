//! Runs every task once a period, under its lock, until it is told to stop.

use std::time::Duration;

use rand::RngExt;
use tokio_util::sync::CancellationToken;

use super::{archive, checkpoint, collect, compact, purge, trim};
use crate::coord::Error as CoordError;
use crate::coord::lock::{Fence, Lock};
use crate::error::{Chain, FailureClass};
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
    Compact,
    Collect,
    Purge,
}

impl Task {
    const ALL: [Task; 6] =
        [Task::Archive, Task::Checkpoint, Task::Trim, Task::Compact, Task::Collect, Task::Purge];

    fn name(self) -> &'static str {
        match self {
            Task::Archive => "archive",
            Task::Checkpoint => "checkpoint",
            Task::Trim => "trim",
            Task::Compact => "compact",
            Task::Collect => "collect",
            Task::Purge => "purge",
        }
    }

    fn period(self, settings: &TaskSettings) -> Duration {
        Duration::from_millis(match self {
            Task::Archive => settings.archive_period_ms,
            Task::Checkpoint => settings.checkpoint_period_ms,
            Task::Trim => settings.trim_period_ms,
            Task::Compact => settings.compact_period_ms,
            Task::Collect => settings.collect_period_ms,
            Task::Purge => settings.purge_period_ms,
        })
    }
}

/// Runs all tasks until `stop`. A pass that has begun is finished, and locks are released.
pub async fn run(store: Store, holder: String, stop: CancellationToken) {
    let [archive, checkpoint, trim, compact, collect, purge] =
        Task::ALL.map(|task| Runner { task, store: &store, holder: &holder }.run(&stop));
    tokio::join!(archive, checkpoint, trim, compact, collect, purge);
}

/// Knowledge that a pass leaves to the next one. If it is lost, later passes gather it again.
#[derive(Default)]
struct PassMemory {
    archive: archive::Memory,
    history: compact::History,
    garbage: collect::GarbageCandidates,
}

struct Runner<'a> {
    task: Task,
    store: &'a Store,
    holder: &'a str,
}

impl Runner<'_> {
    async fn run(self, stop: &CancellationToken) {
        let settings = &self.store.inner.settings.tasks;
        let period = self.task.period(settings);
        if self.task == Task::Compact && !settings.compact {
            return;
        }
        let mut jitter = self.store.inner.env.rng(self.task.name());
        let mut memory = PassMemory::default();
        let mut lock = None;
        loop {
            let pause = self.pause(period).mul_f64(jitter.random_range(0.5..=1.0));
            if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                break;
            }
            if self.task == Task::Purge && !purge::is_needed(self.store).await {
                release(lock.take()).await;
                continue;
            }
            if let Err(error) = self.run_pass(&mut lock, &mut memory, period).await {
                let (task, class, error) = (self.task.name(), error.class(), Chain(&error));
                // `compact::follow_space` logs a full store once; this line would repeat it.
                if class == FailureClass::CoordinationFull {
                    tracing::debug!(task, %error, "a background task's pass failed");
                } else {
                    tracing::warn!(task, %error, "a background task's pass failed");
                }
                self.store.inner.stats.task_failures();
            }
        }
        release(lock).await;
    }

    /// What makes room for others comes more often while space is short.
    fn pause(&self, period: Duration) -> Duration {
        match self.task {
            Task::Archive | Task::Trim | Task::Compact => {
                self.store.inner.sooner_when_short(period)
            }
            Task::Checkpoint | Task::Collect | Task::Purge => period,
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
                match Lock::try_take(&inner.coord, key, self.holder, ttl).await {
                    Ok(Some(taken)) => taken,
                    Ok(None) => return Ok(()),
                    // Without space nobody can take a lock, which is a hint only.
                    Err(CoordError::NoSpace { .. }) if self.task == Task::Compact => {
                        return compact::make_room(self.store).await.map(drop);
                    }
                    Err(error) => return Err(error.into()),
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
            Task::Archive => archive::run_once(self.store, fence, &mut memory.archive).await?,
            Task::Checkpoint => checkpoint::run_once(self.store, fence).await?,
            Task::Trim => trim::run_once(self.store, fence).await?,
            Task::Compact => compact::run_once(self.store, fence, &mut memory.history).await?,
            Task::Collect => {
                drop(collect::run_once(self.store, fence, &mut memory.garbage).await?);
            }
            Task::Purge => purge::run_once(self.store, fence).await?,
        }
        let stats = &self.store.inner.stats;
        match self.task {
            Task::Archive => stats.archive_passes(),
            Task::Checkpoint => stats.checkpoint_passes(),
            Task::Trim => stats.trim_passes(),
            Task::Compact => stats.compact_passes(),
            Task::Collect => stats.collect_passes(),
            Task::Purge => stats.purge_passes(),
        }
        Ok(())
    }
}

async fn release(lock: Option<Lock>) {
    if let Some(lock) = lock
        && let Err(error) = lock.release().await
    {
        tracing::debug!(%error, "a task's lock is left to expire");
    }
}
