//! Turns waiting transactions into commits, one batch after the other.
//!
//! Invariants: a batch runs on the read model exactly at the position that its commit names as its
//! predecessor. A decision (also an error) is answered only after a transaction or a look at `head`
//! has shown that nothing else came first. While an outcome is unknown nothing else is proposed.

use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::mpsc;
use uuid::Uuid;

use super::parts::Inner;
use super::state::{Applied, Phase};
use super::transact::{Job, StoreTx};
use crate::checkpoint::read::encode_actions;
use crate::context::Context;
use crate::coord::KeyValue;
use crate::db::{DbError, Length, Speculation, Tx};
use crate::log::commit::{CommitError, Proposal, Settled, settle};
use crate::log::format::{Action, Body, Commit, Head, Mode, decode};
use crate::log::keys::DataName;
use crate::maintenance::SeenMode;
use crate::read_model::StoreError;
use crate::read_model::schema;

type Batch = Vec<Box<dyn Job>>;

/// So many short transactions are short together.
const SHORT_BATCH: usize = 2;

pub(super) struct Committer {
    inner: Arc<Inner>,
    jobs: mpsc::Receiver<Box<dyn Job>>,
}

/// What a batch did on top of `base`.
struct Trial {
    /// So many transactions ran, from the first; the others found no room.
    ran: usize,
    actions: Vec<Action>,
    bytes: usize,
    base: Head,
    /// That of the commit, if there is something to commit.
    id: Option<Uuid>,
}

/// What is to be committed.
struct Changes {
    /// The commit's.
    id: Uuid,
    actions: Vec<Action>,
    bytes: usize,
    /// The same on the read model.
    trial: Speculation,
}

enum Step {
    /// Everybody was answered, but for these.
    Answered(Batch),
    /// Something came first: run these again.
    Again(Batch),
}

impl Committer {
    pub(super) fn new(inner: Arc<Inner>, jobs: mpsc::Receiver<Box<dyn Job>>) -> Committer {
        Committer { inner, jobs }
    }

    pub(super) async fn run(mut self) {
        let mut waiting = Vec::new();
        loop {
            if waiting.is_empty() && self.take(&mut waiting, true).await == 0 {
                return;
            }
            // Whoever came meanwhile goes along.
            self.take(&mut waiting, false).await;
            waiting = self.work_off(waiting).await;
        }
    }

    /// Moves waiting jobs over, up to a batch's size; answers how many there are.
    async fn take(&mut self, waiting: &mut Batch, wait: bool) -> usize {
        let limit = self.inner.settings.batch_transactions.max(1);
        if wait {
            return self.jobs.recv_many(waiting, limit).await;
        }
        while waiting.len() < limit
            && let Ok(job) = self.jobs.try_recv()
        {
            waiting.push(job);
        }
        waiting.len()
    }

    /// One try at a batch; answers the jobs that are still to be done.
    async fn work_off(&self, batch: Batch) -> Batch {
        let mut batch = batch;
        // Their callers have been told already.
        batch.retain(|job| job.context().check().is_ok());
        if batch.is_empty() {
            return batch;
        }
        match self.step(&mut batch).await {
            Ok(Step::Answered(left)) => left,
            Ok(Step::Again(again)) => {
                self.inner.stats.conflicts();
                again
            }
            Err(error) => {
                fail(batch, &error);
                Vec::new()
            }
        }
    }

    /// On an error the jobs are back in `batch`.
    async fn step(&self, batch: &mut Batch) -> Result<Step, StoreError> {
        let mode = self.inner.mode.get().ok_or(StoreError::NotReady)?;
        if mode.mode == Mode::Maintenance {
            return Err(StoreError::Maintenance);
        }
        let applied = *self.inner.applied.borrow();
        let (Phase::Ready, Some(base)) = (applied.phase, applied.head) else {
            return Err(StoreError::NotReady);
        };
        self.inner.check_window(&base)?;
        let (trial, speculation) = self.attempt(batch, base).await?;
        if trial.base != base {
            // The feed moved between the look and the trial.
            return Ok(Step::Again(std::mem::take(batch)));
        }
        let fresh = if let Some(id) = trial.id {
            let Trial { actions, bytes, .. } = trial;
            let changes = Changes { id, actions, bytes, trial: speculation };
            self.commit(applied, base, mode, changes).await?
        } else {
            self.still_at(&base).await?
        };
        if !fresh {
            return Ok(Step::Again(std::mem::take(batch)));
        }
        let left = batch.split_off(trial.ran);
        batch.drain(..).for_each(Job::answer);
        Ok(Step::Answered(left))
    }

    /// Runs the closures one after the other. What they wrote nobody sees yet.
    async fn attempt(
        &self,
        batch: &mut Batch,
        base: Head,
    ) -> Result<(Trial, Speculation), StoreError> {
        let (db, inner) = (self.inner.db()?, Arc::clone(&self.inner));
        let (length, sole) = (length(batch), batch.len() == 1);
        // They come back also if the read model fails.
        let jobs = Arc::new(Mutex::new(std::mem::take(batch)));
        let tried = Arc::clone(&jobs);
        let trial = move |tx: &Tx<'_>| -> Result<Trial, DbError> {
            let base_now = schema::head(tx)?;
            let mut trial =
                Trial { ran: 0, actions: Vec::new(), bytes: 0, base: base_now, id: None };
            if base_now != base {
                return Ok(trial);
            }
            for job in lock(&tried).iter_mut() {
                if trial.bytes >= inner.settings.batch_bytes {
                    break;
                }
                try_job(&inner, tx, job.as_mut(), &mut trial, sole)?;
                trial.ran += 1;
            }
            if !trial.actions.is_empty() {
                let (position, commit) = (base.position + 1, inner.env.new_id());
                schema::set_head(tx, &Head { lineage: base.lineage, position, commit })?;
                trial.id = Some(commit);
            }
            Ok(trial)
        };
        let done = db.speculate(&Context::background(), length, trial).await;
        *batch = std::mem::take(&mut *lock(&jobs));
        Ok(done?)
    }

    /// Whether nothing has been committed since `base`, anywhere.
    async fn still_at(&self, base: &Head) -> Result<bool, StoreError> {
        let now = self.inner.current_head().await?;
        if now == *base {
            return Ok(true);
        }
        // If it is gone, the next look finds another one.
        let _ = self.inner.applied_at(&now).await;
        Ok(false)
    }

    /// Proposes a batch's actions; `false`: something else came first, and is applied by now.
    async fn commit(
        &self,
        applied: Applied,
        base: Head,
        mode: SeenMode,
        changes: Changes,
    ) -> Result<bool, StoreError> {
        let inner = &self.inner;
        let Changes { id, actions, bytes, trial } = changes;
        let body = self.body(id, actions, bytes).await?;
        let commit = Commit {
            lineage: base.lineage,
            position: base.position + 1,
            previous: base.commit,
            id,
            time: inner.env.now(),
            body,
        };
        let proposal = Proposal::new(commit, base, applied.revision, mode.revision);
        let writing = inner.db()?.write_down(&trial);
        inner.proposed.set(&proposal, trial);
        inner.env.point("commit.before_txn").await?;
        let settling = settle(&inner.coord, &inner.keys, &inner.env, &proposal);
        let (settled, ()) = tokio::join!(settling, writing);
        let settled = match settled {
            Err(CommitError::Lost { .. }) => inner.settle_trimmed(&proposal).await?,
            settled => settled?,
        };
        inner.env.point("commit.after_txn").await?;
        match settled {
            Settled::Committed { revision, after_unknown } => {
                inner.stats.commits();
                if after_unknown {
                    inner.stats.unknown_applied();
                }
                let head = proposal.commit.head();
                if let Some(revision) = revision {
                    inner.apply_own(proposal.commit, revision).await;
                }
                inner.durable(base, &head).await?;
                Ok(true)
            }
            Settled::Refused { head, mode: found, after_unknown } => {
                if after_unknown {
                    inner.stats.unknown_refused();
                }
                self.catch_up(&proposal, head, found).await?;
                Ok(false)
            }
        }
    }

    async fn body(&self, id: Uuid, actions: Vec<Action>, bytes: usize) -> Result<Body, StoreError> {
        if bytes <= self.inner.settings.inline_bytes {
            return Ok(Body::Actions(actions));
        }
        let compressed = encode_actions(id, &actions);
        let name = DataName::of(&compressed);
        self.inner.env.point("commit.before_object_put").await?;
        self.inner.objects.put(&self.inner.object_keys.data(&name), compressed).await?;
        self.inner.env.point("commit.after_object_put").await?;
        Ok(Body::Object(name))
    }

    /// Takes notice of what a refused proposal found.
    async fn catch_up(
        &self,
        proposal: &Proposal,
        head: Option<KeyValue>,
        mode: Option<KeyValue>,
    ) -> Result<(), StoreError> {
        let mode = SeenMode::decode(mode.as_ref())?;
        if mode.revision < proposal.mode_revision {
            // Not an older look but another coordination store, whose revisions began anew.
            self.inner.mode.replace(mode);
        } else {
            self.inner.mode.observe(mode);
        }
        let Some(found) = head else {
            self.inner.feed_late.notify_one();
            return Err(StoreError::NotReady);
        };
        let (base, head): (_, Head) = (proposal.base, decode(&found.key, &found.value)?);
        let elsewhere = head == base && found.mod_revision != proposal.head_revision;
        if head.position < base.position || elsewhere {
            // Set back, or lost and recovered, or another store that holds the same: there is
            // nothing to wait for.
            self.inner.feed_late.notify_one();
            return Err(StoreError::NotReady);
        }
        // If it is gone, the next trial is on top of another one.
        let _ = self.inner.applied_at(&head).await;
        Ok(())
    }
}

fn length(batch: &Batch) -> Length {
    let short = batch.len() <= SHORT_BATCH;
    if short && batch.iter().all(|job| job.length() == Length::Short) {
        Length::Short
    } else {
        Length::Long
    }
}

/// Runs one closure. Where it is the `sole` one and fails, nothing is left to be committed, and
/// what it wrote is undone with the trial.
fn try_job(
    inner: &Inner,
    tx: &Tx<'_>,
    job: &mut dyn Job,
    trial: &mut Trial,
    sole: bool,
) -> Result<(), DbError> {
    let (actions_before, bytes_before) = (trial.actions.len(), trial.bytes);
    let limit = inner.settings.transaction_bytes;
    let mut too_large = None;
    let (actions, bytes) = (&mut trial.actions, &mut trial.bytes);
    let mut work = || {
        let mut part = StoreTx::new(tx, inner.schema, &inner.env, actions, bytes);
        let decided = job.attempt(&mut part).map_err(|_rejected| Undo::Part);
        let added = *bytes - bytes_before;
        if decided.is_ok() && added > limit {
            too_large = Some(added);
            return Err(Undo::Part);
        }
        decided
    };
    let outcome = if sole { work() } else { tx.savepoint(work) };
    if let Err(undo) = outcome {
        trial.actions.truncate(actions_before);
        trial.bytes = bytes_before;
        if let Undo::Everything(error) = undo {
            return Err(error);
        }
    }
    if let Some(bytes) = too_large {
        job.reject(StoreError::TooLarge { bytes, limit });
    }
    Ok(())
}

/// How much of a trial is undone.
enum Undo {
    /// What one closure did.
    Part,
    Everything(DbError),
}

impl From<DbError> for Undo {
    fn from(error: DbError) -> Undo {
        Undo::Everything(error)
    }
}

fn lock(batch: &Mutex<Batch>) -> MutexGuard<'_, Batch> {
    batch.lock().expect("no holder of this lock panics")
}

/// Tells everybody the same.
fn fail(batch: Batch, error: &StoreError) {
    for mut job in batch {
        job.reject(error.for_another());
        job.answer();
    }
}
