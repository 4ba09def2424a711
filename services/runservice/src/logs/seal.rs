//! Makes complete logs of the parts of an attempt that has ended.
//!
//! Every instance looks for such attempts in its read model, each after a short time of its own, so
//! that mostly one does the work. Two that do it write two objects; the commit names one of them.
//! So an instance deletes only what the state does not name after its transaction, also of the
//! objects that it has stored itself, see [`leftovers`](super::leftovers).
//!
//! An import may bring back a state from before a log was complete, without its parts. So what is
//! complete already is found again by its digest. It is stored once more under another name: an
//! instance may be about to delete the one that was found.
//!
//! An executor may say that there is no log of an attempt, or of a step, of which there are pieces:
//! it has lost its files, or it is wrong. What there is of them is kept then, as incomplete.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::time::Duration;

use drydock_api::runservice::types::{AttemptId, LogState};
use drydock_core::context::Context;
use drydock_core::error::{ActionError, BoxError, Chain};
use drydock_core::read_model::lineage;
use drydock_core::store::{Reads, Store, StoreTx};
use rand::RngExt;
use uuid::Uuid;

use super::expiry::Expiry;
use super::leftovers::{Listed, deletable};
use super::{LogMetrics, Logs, Tails};
use crate::action::log::{self as action, Sealed};
use crate::model;
use crate::periodic::Periodic;
use crate::record::Attempt;
use crate::schema::ATTEMPTS;

/// Between two sweeps for objects that no commit names.
const SWEEP_PERIOD: Duration = Duration::from_secs(3600);
/// The timeout of one read, or one transaction.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The attempts that one pass looks at.
const AT_ONCE: usize = 64;
/// The longest that an instance leaves an attempt to the others.
const MAX_DELAY_MS: u64 = 2_000;
/// The time within which other instances store what they have received.
const ALL_STORED: Duration = Duration::from_secs(3);
/// How long an attempt is left alone whose logs are not whole yet: it doubles.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The background work of one instance.
pub struct Sealing {
    store: Store,
    logs: Logs,
    /// Those of this instance.
    tails: Tails,
    metrics: LogMetrics,
    expiry: Expiry,
    /// That of the last pass.
    lineage: Option<Uuid>,
    /// When this instance turns to an attempt, by its place among all.
    turns: BTreeMap<u64, Turn>,
    /// Attempts that deny logs of which this instance has received something, and since when it
    /// knows that.
    denied: BTreeMap<AttemptId, Duration>,
    /// The next pass begins after this place, so that those that wait hold up no other.
    after: u64,
    swept: Duration,
}

#[derive(Debug, Clone, Copy)]
struct Turn {
    at: Duration,
    /// How often its logs were not whole.
    waits: u32,
}

impl Turn {
    /// The turn after one in which the logs could not be sealed.
    fn again(self, now: Duration) -> Turn {
        let wait = FIRST_WAIT.saturating_mul(1 << self.waits.min(10)).min(LONGEST_WAIT);
        Turn { at: now + wait, waits: self.waits + 1 }
    }
}

impl Periodic for Sealing {
    const NAME: &'static str = "sealing of logs";

    async fn pass(&mut self) -> Result<(), BoxError> {
        let Found { lineage, attempts } = self.next().await?;
        if self.lineage.replace(lineage).is_some_and(|before| before != lineage) {
            self.tails.look_again().await;
        }
        for attempt in attempts {
            let (place, now) = (attempt.place, self.logs.env.monotonic());
            let delay = || {
                let delay = self.logs.env.rng("seal-delay").random_range(0..MAX_DELAY_MS);
                Turn { at: now + Duration::from_millis(delay), waits: 0 }
            };
            let turn = *self.turns.entry(place).or_insert_with(delay);
            if turn.at <= now && !self.one(attempt, lineage).await {
                self.turns.insert(place, turn.again(now));
            }
        }
        self.keep_denied().await?;
        self.expiry.pass().await?;
        if self.logs.env.monotonic().saturating_sub(self.swept) >= SWEEP_PERIOD {
            self.swept = self.logs.env.monotonic();
            self.sweep().await?;
        }
        Ok(())
    }
}

impl Sealing {
    /// Logs are kept for as long as `retention` says.
    pub fn new(
        store: Store,
        (logs, tails): (Logs, Tails),
        metrics: LogMetrics,
        retention: Duration,
    ) -> Sealing {
        let swept = logs.env.monotonic();
        let expiry = Expiry::new(store.clone(), logs.clone(), metrics.clone(), retention);
        let (turns, denied, after) = (BTreeMap::new(), BTreeMap::new(), 0);
        let lineage = None;
        Sealing { store, logs, tails, metrics, expiry, lineage, turns, denied, after, swept }
    }

    /// The attempts to look at in this pass; those after them are looked at in the next one.
    async fn next(&mut self) -> Result<Found, BoxError> {
        let (ctx, after) = (Context::background().timeout(TIMEOUT), self.after);
        let read = move |tx: &drydock_core::db::Tx<'_>| {
            let attempts = model::attempt::unsealed(tx, after, AT_ONCE)?;
            Ok(Found { lineage: lineage(tx)?, attempts })
        };
        let Found { lineage, attempts: found } = self.store.read(&ctx, Reads::Local, read).await?;
        let last = found.last().filter(|_| found.len() == AT_ONCE).map(|last| last.place);
        let places: BTreeSet<u64> = found.iter().map(|attempt| attempt.place).collect();
        let is_past = |place: u64| place <= after || last.is_some_and(|last| place > last);
        self.turns.retain(|place, _| is_past(*place) || places.contains(place));
        self.after = last.unwrap_or(0);
        Ok(Found { lineage, attempts: found })
    }

    /// Keeps what this instance has received lately of logs that there are not, as their executors
    /// say. What only other instances have received, which were killed since, the sweep finds.
    async fn keep_denied(&mut self) -> Result<(), BoxError> {
        let (ctx, ids) = (Context::background().timeout(TIMEOUT), self.tails.attempts());
        if ids.is_empty() {
            self.denied.clear();
            return Ok(());
        }
        let find = move |tx: &drydock_core::db::Tx<'_>| {
            let attempts = model::attempt::denying_logs(tx, &ids)?;
            Ok(Found { lineage: lineage(tx)?, attempts })
        };
        let Found { lineage, attempts } = self.store.read(&ctx, Reads::Local, find).await?;
        let (now, before) = (self.logs.env.monotonic(), std::mem::take(&mut self.denied));
        for attempt in attempts {
            let since = before.get(&attempt.id).copied().unwrap_or(now);
            self.denied.insert(attempt.id, since);
            if now.saturating_sub(since) >= ALL_STORED {
                self.tails.store_all(attempt.id).await?;
                self.one(attempt, lineage).await;
            }
        }
        Ok(())
    }

    /// Deletes what was stored for attempts whose logs are complete, deleted or expired, and is not
    /// named: pieces that came late, and what a killed instance has left. Attempts that this state
    /// does not know may be of a lineage that is kept.
    async fn sweep(&self) -> Result<(), BoxError> {
        for attempt in self.logs.attempts().await? {
            let is_done = |found: &Known| found.attempt.log_state != LogState::Live;
            // A state that may be old costs nothing, and mostly says that nothing is left over.
            let Some(found) = self.find(attempt, Reads::Local).await?.filter(is_done) else {
                continue;
            };
            if found.attempt.denies_logs() {
                self.one(found.attempt, found.lineage).await;
                continue;
            }
            let what = deletable(&self.store, found.attempt.log_state).await?;
            if !self.logs.listed(attempt).await?.has_leftovers(&found.attempt.sealed, what) {
                continue;
            }
            let listed = self.logs.listed(attempt).await?;
            let found = self.find(attempt, Reads::Linearizable).await?.filter(is_done);
            if let Some(found) = found.filter(|found| !found.attempt.denies_logs()) {
                let what = deletable(&self.store, found.attempt.log_state).await?;
                self.logs.delete(listed, &found.attempt.sealed, what).await?;
            }
        }
        Ok(())
    }

    async fn find(&self, attempt: AttemptId, reads: Reads) -> Result<Option<Known>, BoxError> {
        let ctx = Context::background().timeout(TIMEOUT);
        let find = move |tx: &drydock_core::db::Tx<'_>| {
            let found: Option<Attempt> = tx.get(ATTEMPTS, attempt.0)?;
            let lineage = lineage(tx)?;
            Ok(found.map(|attempt| Known { lineage, attempt }))
        };
        self.store.read(&ctx, reads, find).await
    }

    /// Seals the logs of one attempt; `false`: not yet. Its failure, such as a damaged part, holds
    /// up no other one.
    async fn one(&self, attempt: Attempt, lineage: Uuid) -> bool {
        let id = attempt.id;
        self.attempt(attempt, lineage).await.unwrap_or_else(|error| {
            let error = Chain(error.as_ref()).to_string();
            tracing::warn!(attempt = %id, error, "logs cannot be sealed; trying again later");
            false
        })
    }

    async fn attempt(&self, attempt: Attempt, lineage: Uuid) -> Result<bool, BoxError> {
        let Some(sealed) = self.logs.seal(&attempt).await? else { return Ok(false) };
        if attempt.denies_logs() && sealed.logs.is_empty() {
            // What is there may be the end of a log whose beginning another instance still has.
            return Ok(true);
        }
        if let Some(named) = self.name(attempt.id, sealed, lineage).await? {
            self.clean(named).await?;
        }
        Ok(true)
    }

    /// Names these logs, which were stored for this lineage, unless others are named already.
    /// Returns the logs that the state names after that, and the objects that were listed before.
    async fn name(
        &self,
        id: AttemptId,
        sealed: Sealed,
        lineage: Uuid,
    ) -> Result<Option<(Sealed, Listed)>, BoxError> {
        let listed = self.logs.listed(id).await?;
        let ctx = Context::background().timeout(TIMEOUT);
        let work = move |tx: &mut StoreTx<'_>| {
            action::seal::<Infallible>(tx, id, &sealed, lineage).map_err(ActionError::boxed)
        };
        // After an import the attempt may be unknown, or run again: its objects are left alone.
        let Some(named) = self.store.transact(&ctx, work).await? else { return Ok(None) };
        let Sealed { state, logs } = named.sealed;
        if named.is_new {
            self.metrics.sealed_bytes.inc_by(logs.values().map(|log| log.size).sum());
            self.metrics.incomplete.inc_by(u64::from(state == LogState::Incomplete));
        }
        Ok(Some((Sealed { state, logs }, listed)))
    }

    /// Deletes what is not needed beside the logs that are named.
    async fn clean(&self, (named, listed): (Sealed, Listed)) -> Result<(), BoxError> {
        let what = deletable(&self.store, named.state).await?;
        Ok(self.logs.delete(listed, &named.logs, what).await?)
    }
}

/// An attempt, in a state of this lineage.
struct Known {
    lineage: Uuid,
    attempt: Attempt,
}

/// Attempts to look at, of a state of this lineage.
struct Found {
    lineage: Uuid,
    attempts: Vec<Attempt>,
}

#[cfg(test)]
mod tests {
    use drydock_api::runservice::types::LogState;
    use uuid::Uuid;

    use super::Sealing;
    use crate::action::log::Sealed;
    use crate::logs::leftovers::Listed;
    use crate::record::Attempt;
    use crate::tests::logs::{Claims, STEP, sealing, some_log};

    /// An attempt that has ended, all of whose log is stored, and two instances.
    async fn ended(log: &bytes::Bytes) -> (Claims, Attempt, [Sealing; 2]) {
        let claims = Claims::start().await;
        claims.append(0, log.clone()).await;
        claims.report(log).await;
        let attempt = claims.stored().await;
        let two = [sealing(&claims.http), sealing(&claims.http)];
        (claims, attempt, two)
    }

    impl Sealing {
        /// Names these logs, in the lineage that there is.
        async fn named(&self, claims: &Claims, sealed: Sealed) -> (Sealed, Listed) {
            let named = self.name(claims.attempt, sealed, claims.lineage().await).await;
            named.unwrap().expect("the attempt has ended")
        }
    }

    #[tokio::test]
    async fn what_another_instance_has_stored_already_is_stored_under_another_name() {
        let log = some_log(300_000);
        let (claims, attempt, [one, two]) = ended(&log).await;
        let part = claims.objects().await.remove(0);
        let stored = two.logs.seal(&attempt).await.unwrap().expect("the log is whole");
        // The first one does not see the part, as if it had listed the parts before.
        let part = two.logs.keys.parts(attempt.id, STEP).join(part.as_str());
        two.logs.objects.delete(&part).await.unwrap();
        let about_to_delete = two.logs.listed(claims.attempt).await.unwrap();
        assert!(one.one(attempt, claims.lineage().await).await);
        let named = claims.stored().await.sealed["0"].clone();
        assert_eq!(named.blake3, stored.logs["0"].blake3);
        let nothing = Sealed { state: LogState::Deleted, logs: Default::default() };
        two.clean((nothing, about_to_delete)).await.unwrap();
        two.clean(two.named(&claims, stored).await).await.unwrap();
        assert_eq!(claims.objects().await, [named.object]);
    }

    #[tokio::test]
    async fn of_two_that_seal_a_log_the_later_one_deletes_its_object() {
        let log = some_log(300_000);
        let (claims, attempt, [one, two]) = ended(&log).await;
        let [first, second] = [one.logs.seal(&attempt).await, two.logs.seal(&attempt).await];
        let (first, second) = (first.unwrap().unwrap(), second.unwrap().unwrap());
        let named = first.logs["0"].object.clone();
        one.clean(one.named(&claims, first).await).await.unwrap();
        // Stored after the first one has deleted what is not named.
        let late = two.logs.keys.attempt(attempt.id).join(second.logs["0"].object.as_str());
        two.logs.objects.put(&late, log).await.unwrap();
        two.clean(two.named(&claims, second).await).await.unwrap();
        assert_eq!(claims.objects().await, [named]);
        let bytes = claims.http.runs.log_metrics.sealed_bytes.get();
        assert_eq!(bytes, 300_000, "what was named is counted once");
    }

    /// An instance is paused between its transaction and its deletions.
    #[tokio::test]
    async fn an_object_that_is_named_later_is_not_deleted() {
        let (claims, attempt, [one, two]) = ended(&some_log(300_000)).await;
        let first = one.logs.seal(&attempt).await.unwrap().unwrap();
        let paused = one.named(&claims, first).await;
        // As an import brings it back.
        claims.store(attempt.clone()).await;
        assert!(two.one(attempt, claims.lineage().await).await);
        let named = claims.stored().await.sealed["0"].object.clone();
        one.clean(paused).await.unwrap();
        assert_eq!(claims.objects().await, [named]);
    }

    #[tokio::test]
    async fn logs_that_were_stored_for_another_lineage_are_not_named() {
        let (claims, attempt, [one, _]) = ended(&some_log(300_000)).await;
        let sealed = one.logs.seal(&attempt).await.unwrap().unwrap();
        assert!(one.name(attempt.id, sealed, Uuid::nil()).await.unwrap().is_none());
        assert_eq!(claims.stored().await.log_state, LogState::Live);
    }
}
