//! Claims that wait for a task.
//!
//! A claim that waits costs nothing: it makes no commit, reads nothing, and is woken only if there
//! may be a task for it. One loop per instance looks at the ready tasks after commits, and each
//! second for tasks whose time has come, and wakes as many claims as there are tasks: the executors
//! with the smallest share of their limits first. The others go on waiting. A claim of an executor
//! that had no room when it began to wait is looked at anew, and one that has got its attempt by
//! another instance is woken, too.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use drydock_core::context::Context;
use drydock_core::db::{DbError, Tx};
use drydock_core::env::Env;
use drydock_core::error::{BoxError, Chain};
use drydock_core::store::{Phase, Reads, Store};
use tokio::sync::{Notify, oneshot};

use crate::action::claim::{self, ClaimRequest};
use crate::engine::pick::{ExecutorCapacity, Load, PickSettings, ReadyTask, pick};

/// Between two looks at tasks that become ready by the passing of time.
const TICK: Duration = Duration::from_secs(1);
/// The timeout of one read.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The claims that wait at one instance. Clones are the same.
#[derive(Clone, Default)]
pub struct Waiters(Arc<Inner>);

#[derive(Default)]
struct Inner {
    waiting: Mutex<Waiting>,
    look: Notify,
}

#[derive(Default)]
struct Waiting {
    next_ticket: u64,
    claims: BTreeMap<u64, Claim>,
}

struct Claim {
    request: ClaimRequest,
    /// As it was when the claim began to wait, or was looked at last.
    capacity: ExecutorCapacity,
    wake: oneshot::Sender<()>,
}

/// A claim that waits, until it is dropped.
pub struct WaitingClaim {
    ticket: u64,
    waiters: Waiters,
    woken: oneshot::Receiver<()>,
}

impl WaitingClaim {
    /// Resolves when there may be a task for it.
    pub async fn woken(&mut self) {
        // The sender is dropped only after it has sent.
        let _ = (&mut self.woken).await;
    }
}

impl Drop for WaitingClaim {
    fn drop(&mut self) {
        self.waiters.lock().claims.remove(&self.ticket);
    }
}

impl Waiters {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().expect("no holder of this lock panics")
    }

    /// Lets a claim wait.
    pub fn wait(&self, request: ClaimRequest, capacity: ExecutorCapacity) -> WaitingClaim {
        let (wake, woken) = oneshot::channel();
        let mut waiting = self.lock();
        let ticket = waiting.next_ticket;
        waiting.next_ticket += 1;
        waiting.claims.insert(ticket, Claim { request, capacity, wake });
        if waiting.claims.len() == 1 {
            // The loop did not count the time while nobody waited.
            self.look();
        }
        WaitingClaim { ticket, waiters: self.clone(), woken }
    }

    /// Makes the loop look once more: something was committed while a claim began to wait.
    pub fn look(&self) {
        self.0.look.notify_one();
    }

    /// The number of claims that wait.
    pub fn count(&self) -> usize {
        self.lock().claims.len()
    }

    /// Wakes the claims that would get these tasks.
    fn wake(
        &self,
        mut ready: Vec<ReadyTask>,
        mut load: Load,
        settings: &PickSettings,
        now: jiff::Timestamp,
    ) {
        let mut waiting = self.lock();
        let mut order: Vec<_> =
            waiting.claims.iter().map(|(at, it)| (share(&it.capacity), *at)).collect();
        order.sort_unstable();
        for (_, ticket) in order {
            if ready.is_empty() {
                return;
            }
            let Some(claim) = waiting.claims.get(&ticket) else { continue };
            let Some(task) = pick(&claim.capacity, &ready, &load, settings, now) else { continue };
            if let Some(at) = ready.iter().position(|ready| ready.task == task) {
                let task = ready.swap_remove(at);
                load.projects.entry(task.project).or_default().running += 1;
                if let Some(pool) = task.pool {
                    *load.pools.entry(pool).or_default() += 1;
                }
            }
            if let Some(claim) = waiting.claims.remove(&ticket) {
                // A claim that was given up meanwhile leaves the task to the next look.
                let _ = claim.wake.send(());
            }
        }
    }

    /// Looks for tasks until the future is dropped.
    pub async fn run(self, env: Env, store: Store, settings: PickSettings) {
        let mut applied = store.applied();
        loop {
            tokio::select! {
                // The sender lives in the store.
                _ = applied.changed() => {}
                () = self.0.look.notified() => {}
                () = tokio::time::sleep(TICK), if self.count() > 0 => {}
            }
            if self.count() == 0 || applied.borrow_and_update().phase != Phase::Ready {
                continue;
            }
            if let Err(error) = self.pass(&env, &store, &settings).await {
                let error = Chain(error.as_ref()).to_string();
                tracing::debug!(error, "could not look for ready tasks; trying again later");
            }
        }
    }

    async fn pass(
        &self,
        env: &Env,
        store: &Store,
        settings: &PickSettings,
    ) -> Result<(), BoxError> {
        let ctx = Context::background().timeout(TIMEOUT);
        let waiting: Vec<_> = {
            let waiting = self.lock();
            let each = waiting.claims.iter();
            each.map(|(ticket, it)| (*ticket, it.request, it.capacity.has_room())).collect()
        };
        let Found { over, capacities, claimable } =
            store.read(&ctx, Reads::Local, move |tx| Ok(find(tx, &waiting)?)).await?;
        self.note(&over, capacities);
        if let Some((ready, load)) = claimable {
            self.wake(ready, load, settings, env.now());
        }
        Ok(())
    }

    /// Wakes the claims that are over, and takes the capacities of the others.
    fn note(&self, over: &[u64], capacities: Vec<(u64, ExecutorCapacity)>) {
        let mut waiting = self.lock();
        for ticket in over {
            if let Some(claim) = waiting.claims.remove(ticket) {
                let _ = claim.wake.send(());
            }
        }
        for (ticket, capacity) in capacities {
            if let Some(claim) = waiting.claims.get_mut(&ticket) {
                claim.capacity = capacity;
            }
        }
    }
}

/// What one look at the read model finds.
#[derive(Default)]
struct Found {
    /// The claims that need not wait for a task.
    over: Vec<u64>,
    /// What executors have room for now that had no room before.
    capacities: Vec<(u64, ExecutorCapacity)>,
    claimable: Option<(Vec<ReadyTask>, Load)>,
}

/// Looks for tasks, and for what has become of these claims, each with whether its executor had
/// room.
fn find(tx: &Tx<'_>, waiting: &[(u64, ClaimRequest, bool)]) -> Result<Found, DbError> {
    let mut found = Found { claimable: claim::claimable(tx)?, ..Found::default() };
    for (ticket, request, had_room) in waiting {
        if claim::is_answered(tx, *request)? {
            found.over.push(*ticket);
        } else if !had_room && found.claimable.is_some() {
            match claim::capacity_of(tx, *request)? {
                Some(capacity) => found.capacities.push((*ticket, capacity)),
                None => found.over.push(*ticket),
            }
        }
    }
    Ok(found)
}

/// The share of its limit that an executor has taken, for comparisons.
fn share(capacity: &ExecutorCapacity) -> u64 {
    u64::from(capacity.active) * 1_000_000 / u64::from(capacity.limit.max(1))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use drydock_api::runservice::types::{ClaimId, ExecutorId, ProjectId, TaskId};
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::tests::harness::{TestRuns, one_task};

    fn capacity(labels: &[&str], active: u32) -> ExecutorCapacity {
        let labels = labels.iter().map(|label| label.parse().unwrap()).collect();
        ExecutorCapacity { labels, arch: None, limit: 4, active }
    }

    fn request() -> ClaimRequest {
        let (executor, claim) = (ExecutorId(Uuid::nil()), ClaimId(Uuid::nil()));
        ClaimRequest { executor, session: 1, claim }
    }

    fn ready(nth: u128, labels: &[&str]) -> ReadyTask {
        ReadyTask {
            task: TaskId(Uuid::from_u128(nth)),
            name: "a".parse().unwrap(),
            project: ProjectId(Uuid::from_u128(1)),
            run_place: 1,
            place: 1,
            priority: 0,
            ready_at: Timestamp::UNIX_EPOCH,
            not_before: None,
            labels: labels.iter().map(|label| label.parse().unwrap()).collect::<BTreeSet<_>>(),
            arch: None,
            pool: None,
        }
    }

    fn woken(claims: &mut [WaitingClaim]) -> Vec<bool> {
        claims.iter_mut().map(|claim| claim.woken.try_recv().is_ok()).collect()
    }

    fn wake(waiters: &Waiters, ready: Vec<ReadyTask>) {
        waiters.wake(ready, Load::default(), &PickSettings::default(), Timestamp::UNIX_EPOCH);
    }

    #[test]
    fn as_many_claims_are_woken_as_there_are_tasks_the_least_loaded_first() {
        let waiters = Waiters::default();
        let asks = [capacity(&[], 2), capacity(&["gpu"], 3), capacity(&[], 1), capacity(&[], 4)];
        let mut claims = asks.map(|capacity| waiters.wait(request(), capacity));
        wake(&waiters, Vec::new());
        wake(&waiters, vec![ready(1, &["arm"])]);
        assert_eq!(woken(&mut claims), [false; 4]);
        wake(&waiters, vec![ready(1, &[])]);
        assert_eq!(woken(&mut claims), [false, false, true, false]);
        wake(&waiters, vec![ready(1, &["gpu"]), ready(2, &[])]);
        assert_eq!(waiters.count(), 1, "the one that is full goes on waiting");
        drop(claims);
        assert_eq!(waiters.count(), 0);
    }

    #[test]
    fn a_project_at_its_limit_wakes_nobody() {
        let waiters = Waiters::default();
        let mut claims = [0, 0].map(|active| waiters.wait(request(), capacity(&[], active)));
        let one = PickSettings { max_running_tasks: 1, ..PickSettings::default() };
        let tasks = vec![ready(1, &[]), ready(2, &[])];
        waiters.wake(tasks, Load::default(), &one, Timestamp::UNIX_EPOCH);
        assert_eq!(woken(&mut claims), [true, false]);
    }

    #[tokio::test]
    async fn a_claim_that_another_instance_has_answered_waits_no_more() {
        let runs = TestRuns::start().await;
        let executor = runs.executor("one", 2).await;
        let [answered, other] = [1, 2].map(|claim| ClaimId(Uuid::from_u128(claim)));
        let waiters = Waiters::default();
        let mut claims = [answered, other].map(|claim| {
            waiters.wait(ClaimRequest { executor, session: 1, claim }, capacity(&[], 0))
        });
        runs.create(&one_task()).await;
        runs.try_claim(executor, 1, answered.0.as_u128()).await.unwrap().unwrap();
        let (env, settings) = (&runs.encryptor.env, PickSettings::default());
        waiters.pass(env, &runs.store, &settings).await.unwrap();
        assert_eq!(woken(&mut claims), [true, false]);
    }
}
