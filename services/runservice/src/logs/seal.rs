//! Makes complete logs of the parts of an attempt that has ended.
//!
//! Every instance looks for such attempts in its read model, each after a short time of its own, so
//! that mostly one does the work. Two that do it write two objects; the commit names one of them.
//! It may be the object of the instance that came too late: an instance whose list of parts lacks
//! something finds what the other one has stored already. So an instance deletes only what the
//! state does not name after its transaction, also of the objects that it has stored itself.
//!
//! Another lineage that is kept may name other objects than the current state does, and an import
//! may bring back a state from before a log was complete. So what is complete already is found
//! again by its digest, and as long as other lineages are kept, only the parts of complete logs are
//! deleted.
//!
//! An executor may say that there is no log of an attempt, or of a step, of which there are pieces:
//! it has lost its files, or it is wrong. What there is of them is kept then, as incomplete.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::time::Duration;

use drydock_api::runservice::types::{AttemptId, LogReport, LogState, LogStep};
use drydock_core::context::Context;
use drydock_core::error::{ActionError, BoxError, Chain};
use drydock_core::objects::ObjectError;
use drydock_core::read_model::OtherLineages;
use drydock_core::store::{Reads, Store, StoreTx};
use jiff::SignedDuration;
use object_store::path::Path;
use rand::RngExt;

use super::expiry::Expiry;
use super::part::{self, PartError};
use super::{LogMetrics, Logs, Parts, Tails};
use crate::action::log::{self as action, Sealed};
use crate::blobs::garbage::{self, Deletable};
use crate::blobs::names::SEALED;
use crate::blobs::sealed::{SealedError, Writer, decompress};
use crate::model;
use crate::periodic::Periodic;
use crate::record::{Attempt, SealedLog};
use crate::schema::ATTEMPTS;

/// Between two sweeps for objects that no commit names.
const SWEEP_PERIOD: Duration = Duration::from_secs(3600);
/// The timeout of one read, or one transaction.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The attempts that one pass looks at.
const AT_ONCE: usize = 64;
/// The longest that an instance leaves an attempt to the others.
const MAX_DELAY_MS: u64 = 2_000;
/// How long an attempt is left alone whose logs are not whole yet: it doubles.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// How long the missing bytes of a log are waited for.
const PATIENCE: SignedDuration = SignedDuration::from_hours(24);

#[derive(Debug, thiserror::Error)]
enum SealError {
    #[error(transparent)]
    Objects(#[from] ObjectError),
    #[error("a part of a log is damaged")]
    Part(#[from] PartError),
    #[error("a log cannot be compressed")]
    Compress(#[from] SealedError),
}

/// The background work of one instance.
pub struct Sealing {
    store: Store,
    logs: Logs,
    /// Those of this instance.
    tails: Tails,
    metrics: LogMetrics,
    expiry: Expiry,
    /// When this instance turns to an attempt, by its place among all.
    turns: BTreeMap<u64, Turn>,
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
        for attempt in self.next().await? {
            let (place, now) = (attempt.place, self.logs.env.monotonic());
            let delay = || {
                let delay = self.logs.env.rng("seal-delay").random_range(0..MAX_DELAY_MS);
                Turn { at: now + Duration::from_millis(delay), waits: 0 }
            };
            let turn = *self.turns.entry(place).or_insert_with(delay);
            if turn.at <= now && !self.one(attempt).await {
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
        Sealing { store, logs, tails, metrics, expiry, turns: BTreeMap::new(), after: 0, swept }
    }

    /// The attempts to look at in this pass; those after them are looked at in the next one.
    async fn next(&mut self) -> Result<Vec<Attempt>, BoxError> {
        let (ctx, after) = (Context::background().timeout(TIMEOUT), self.after);
        let read =
            move |tx: &drydock_core::db::Tx<'_>| Ok(model::attempt::unsealed(tx, after, AT_ONCE)?);
        let found = self.store.read(&ctx, Reads::Local, read).await?;
        let last = found.last().filter(|_| found.len() == AT_ONCE).map(|last| last.place);
        let places: BTreeSet<u64> = found.iter().map(|attempt| attempt.place).collect();
        let is_past = |place: u64| place <= after || last.is_some_and(|last| place > last);
        self.turns.retain(|place, _| is_past(*place) || places.contains(place));
        self.after = last.unwrap_or(0);
        Ok(found)
    }

    /// Keeps what this instance has received lately of logs that there are not, as their executors
    /// say. What other instances have received and kept no more is found by the sweep.
    async fn keep_denied(&self) -> Result<(), BoxError> {
        let (ctx, ids) = (Context::background().timeout(TIMEOUT), self.tails.attempts());
        if ids.is_empty() {
            return Ok(());
        }
        let find = move |tx: &drydock_core::db::Tx<'_>| Ok(model::attempt::denying_logs(tx, &ids)?);
        for attempt in self.store.read(&ctx, Reads::Local, find).await? {
            self.tails.store_all(attempt.id).await?;
            self.one(attempt).await;
        }
        Ok(())
    }

    /// Deletes what was stored for attempts whose logs are complete, deleted or expired, and is not
    /// named: pieces that came late, and what a killed instance has left. Attempts that this state
    /// does not know may be of a lineage that is kept.
    async fn sweep(&self) -> Result<(), BoxError> {
        for attempt in self.logs.attempts().await? {
            let ctx = Context::background().timeout(TIMEOUT);
            let find = move |tx: &drydock_core::db::Tx<'_>| Ok(tx.get(ATTEMPTS, attempt.0)?);
            let found: Option<Attempt> = self.store.read(&ctx, Reads::Local, find).await?;
            if let Some(found) = found.filter(|found| found.log_state != LogState::Live) {
                if found.denies_logs() {
                    self.one(found).await;
                    continue;
                }
                let what = self.deletable(found.log_state).await?;
                self.logs.delete(attempt, &found.sealed, what).await?;
            }
        }
        Ok(())
    }

    /// What nobody can need of the objects that the current state does not name.
    async fn deletable(&self, state: LogState) -> Result<Deletable, BoxError> {
        let others = OtherLineages::of(self.store.lineages().await?.len());
        Ok(garbage::of_logs(state, others))
    }

    /// Seals the logs of one attempt; `false`: not yet. Its failure, such as a damaged part, holds
    /// up no other one.
    async fn one(&self, attempt: Attempt) -> bool {
        let id = attempt.id;
        self.attempt(attempt).await.unwrap_or_else(|error| {
            let error = Chain(error.as_ref()).to_string();
            tracing::warn!(attempt = %id, error, "logs cannot be sealed; trying again later");
            false
        })
    }

    async fn attempt(&self, attempt: Attempt) -> Result<bool, BoxError> {
        let Some(sealed) = self.logs.seal(&attempt).await? else { return Ok(false) };
        self.name(attempt.id, sealed).await?;
        Ok(true)
    }

    /// Names these logs, unless others are named already; deletes what is not named then.
    async fn name(&self, id: AttemptId, sealed: Sealed) -> Result<(), BoxError> {
        let ctx = Context::background().timeout(TIMEOUT);
        let work = move |tx: &mut StoreTx<'_>| {
            action::seal::<Infallible>(tx, id, &sealed).map_err(ActionError::boxed)
        };
        // After an import the attempt may be unknown, or run again: its objects are left alone.
        let Some(named) = self.store.transact(&ctx, work).await? else { return Ok(()) };
        let Sealed { state, logs } = named.sealed;
        if named.is_new {
            self.metrics.sealed_bytes.inc_by(logs.values().map(|log| log.size).sum());
            self.metrics.incomplete.inc_by(u64::from(state == LogState::Incomplete));
        }
        Ok(self.logs.delete(id, &logs, self.deletable(state).await?).await?)
    }
}

/// The part of a log that was found.
struct AssembledLog {
    log: Option<SealedLog>,
    complete: bool,
}

impl Logs {
    /// Stores the logs of an attempt as they are to stay. `None`: something is missing, and may
    /// still come.
    async fn seal(&self, attempt: &Attempt) -> Result<Option<Sealed>, SealError> {
        let late =
            attempt.ended_at.is_some_and(|ended| self.env.now().duration_since(ended) >= PATIENCE);
        if attempt.lacks_logs() && !late {
            return Ok(None);
        }
        // Nothing is stored before all is there: it would be stored again in every pass.
        let mut logs = Vec::new();
        let objects = self.all(attempt.id).await?;
        let reported = self.reported(attempt, &objects);
        let is_told = !attempt.lacks_logs() && reported.values().all(Option::is_some);
        for (step, report) in reported {
            let parts = Parts::contiguous(&self.of_step(attempt.id, step, &objects));
            let lacks = parts.end() < report.as_ref().map_or(1, |report| report.size);
            let before = match lacks {
                true => self.sealed_before(attempt.id, step, report.as_ref(), &objects).await?,
                false => None,
            };
            if before.is_none() && report.is_some() && lacks && !late {
                return Ok(None);
            }
            logs.push((step, report, parts, before));
        }
        let state = if is_told { LogState::Complete } else { LogState::Incomplete };
        let mut found = Sealed { state, logs: BTreeMap::new() };
        for (step, report, parts, before) in logs {
            let whole = match before {
                Some(log) => AssembledLog { log: Some(log), complete: true },
                None => self.whole(attempt.id, step, parts, report).await?,
            };
            if !whole.complete {
                found.state = LogState::Incomplete;
            }
            if let Some(log) = whole.log {
                found.logs.insert(step.to_string(), log);
            }
        }
        Ok(Some(found))
    }

    /// The log as it was stored in another lineage, or before an import: of one that was reported,
    /// the one with its digest, else the longest.
    async fn sealed_before(
        &self,
        attempt: AttemptId,
        step: LogStep,
        report: Option<&LogReport>,
        objects: &[Path],
    ) -> Result<Option<SealedLog>, SealError> {
        let mut found: Option<SealedLog> = None;
        for key in self.of_step(attempt, step, objects) {
            if !key.as_ref().ends_with(SEALED) {
                continue;
            }
            let object = self.objects.get(&key).await?;
            let bytes = decompress(&object)?;
            let log = SealedLog {
                object: key.filename().unwrap_or_default().to_owned(),
                stored: object.len() as u64,
                size: bytes.len() as u64,
                blake3: blake3::hash(&bytes).to_hex().to_string(),
            };
            let is_it = report.is_none_or(|it| (it.size, &it.blake3) == (log.size, &log.blake3));
            if is_it && found.as_ref().is_none_or(|found| found.size < log.size) {
                found = Some(log);
            }
        }
        Ok(found)
    }

    /// The logs of an attempt as its executor has reported them, and those of which there are
    /// objects though it has not.
    fn reported(
        &self,
        attempt: &Attempt,
        objects: &[Path],
    ) -> BTreeMap<LogStep, Option<LogReport>> {
        let named = attempt.logs.iter();
        let mut found: BTreeMap<LogStep, Option<LogReport>> =
            named.filter_map(|(key, log)| Some((key.parse().ok()?, Some(log.clone())))).collect();
        for step in objects.iter().filter_map(|key| self.keys.step_of(attempt.id, key)) {
            found.entry(step).or_insert(None);
        }
        found
    }

    /// Those of an attempt's objects that belong to one log.
    fn of_step(&self, attempt: AttemptId, step: LogStep, objects: &[Path]) -> Vec<Path> {
        let is_of = |key: &&Path| self.keys.step_of(attempt, key) == Some(step);
        objects.iter().filter(is_of).cloned().collect()
    }

    /// The attempts of which there are objects.
    async fn attempts(&self) -> Result<Vec<AttemptId>, ObjectError> {
        let folders = match self.objects.list_folders(self.keys.all()).await {
            Err(ObjectError::NotExist(_)) => Vec::new(),
            found => found?,
        };
        Ok(folders.iter().filter_map(|folder| folder.filename()?.parse().ok()).collect())
    }

    async fn all(&self, attempt: AttemptId) -> Result<Vec<Path>, ObjectError> {
        match self.objects.list(&self.keys.attempt(attempt)).await {
            Err(ObjectError::NotExist(_)) => Ok(Vec::new()),
            found => found,
        }
    }

    async fn whole(
        &self,
        attempt: AttemptId,
        step: LogStep,
        parts: Parts,
        report: Option<LogReport>,
    ) -> Result<AssembledLog, SealError> {
        let wanted = report.as_ref().map_or(parts.end(), |report| report.size);
        let size = wanted.min(parts.end());
        let (mut writer, mut hasher, mut at) = (Writer::default(), blake3::Hasher::new(), 0);
        while at < size {
            let Some(found) = parts.at(at) else { break };
            let whole = self.objects.get(&found.key).await?;
            let bytes = part::decode(attempt, step, found.start, whole)?;
            let from = usize::try_from(at - found.start).unwrap_or(usize::MAX);
            let until = usize::try_from(size - found.start).unwrap_or(usize::MAX);
            let bytes = &bytes[from.min(bytes.len())..until.min(bytes.len())];
            if bytes.is_empty() {
                break;
            }
            hasher.update(bytes);
            writer.push(bytes)?;
            at += bytes.len() as u64;
        }
        let digest = hasher.finalize().to_hex().to_string();
        let complete = at == wanted && report.is_none_or(|report| report.blake3 == digest);
        if at == 0 {
            return Ok(AssembledLog { log: None, complete });
        }
        let object = writer.finish()?;
        let key = self.keys.sealed(attempt, step, self.env.new_id());
        let stored = object.len() as u64;
        self.objects.put(&key, object).await?;
        let name = key.filename().unwrap_or_default().to_owned();
        let log = SealedLog { object: name, stored, size: at, blake3: digest };
        Ok(AssembledLog { log: Some(log), complete })
    }

    /// Deletes what no commit names any more.
    pub async fn delete(
        &self,
        attempt: AttemptId,
        sealed: &BTreeMap<String, SealedLog>,
        what: Deletable,
    ) -> Result<(), ObjectError> {
        for key in self.all(attempt).await? {
            let named = sealed.values().any(|log| key.filename() == Some(log.object.as_str()));
            if !named && what.includes(key.as_ref()) {
                self.objects.delete(&key).await?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::tests::logs::{Claims, STEP, sealing, some_log};

    #[tokio::test]
    async fn an_object_that_another_instance_names_is_kept_by_the_one_that_stored_it() {
        let claims = Claims::start().await;
        let log = some_log(300_000);
        claims.append(0, log.clone()).await;
        let parts = claims.objects().await;
        claims.report(&log).await;
        let attempt = claims.stored().await;
        let [one, two] = [sealing(&claims.http), sealing(&claims.http)];
        let stored = two.logs.seal(&attempt).await.unwrap().expect("the log is whole");
        let object = stored.logs["0"].object.clone();
        // The first one does not see the part, as if it had listed the parts before.
        let part = two.logs.keys.parts(attempt.id, STEP).join(parts[0].as_str());
        two.logs.objects.delete(&part).await.unwrap();
        assert!(one.one(attempt).await);
        assert_eq!(claims.stored().await.sealed["0"].object, object);
        two.name(claims.attempt, stored).await.unwrap();
        assert_eq!(claims.objects().await, [object]);
    }

    #[tokio::test]
    async fn of_two_that_seal_a_log_the_later_one_deletes_its_object() {
        let claims = Claims::start().await;
        let log = some_log(300_000);
        claims.append(0, log.clone()).await;
        claims.report(&log).await;
        let attempt = claims.stored().await;
        let [one, two] = [sealing(&claims.http), sealing(&claims.http)];
        let [first, second] = [one.logs.seal(&attempt).await, two.logs.seal(&attempt).await];
        let (first, second) = (first.unwrap().unwrap(), second.unwrap().unwrap());
        let named = first.logs["0"].object.clone();
        one.name(attempt.id, first).await.unwrap();
        // Stored after the first one has deleted what is not named.
        let late = two.logs.keys.attempt(attempt.id).join(second.logs["0"].object.as_str());
        two.logs.objects.put(&late, log).await.unwrap();
        two.name(attempt.id, second).await.unwrap();
        assert_eq!(claims.objects().await, [named]);
        let bytes = claims.http.runs.log_metrics.sealed_bytes.get();
        assert_eq!(bytes, 300_000, "what was named is counted once");
    }
}
