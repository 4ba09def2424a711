//! Turns waiting transactions into commits, one batch after the other.
//!
//! Invariants: a batch runs on the read model exactly at the position that its commit names as its
//! predecessor. A decision (also an error) is answered only after a transaction or a read of `head`
//! has shown that no other commit came first. While the outcome of one commit is unknown, no other
//! is proposed.

use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::mpsc;
use uuid::Uuid;

use super::parts::Inner;
use super::settings::StoreSettings;
use super::state::{Applied, Phase};
use super::transact::{CommitTerms, Job, Limit, StoreTx};
use crate::checkpoint::read::encode_mutations;
use crate::context::Context;
use crate::coord::KeyValue;
use crate::db::{DbError, OpenTransaction, RunOn, Tx};
use crate::error::FailureClass;
use crate::log::commit::{CommitError, Proposal, Settled, settle};
use crate::log::format::{Body, Commit, Head, Mode, Mutation, decode};
use crate::log::keys::DataName;
use crate::maintenance::SeenMode;
use crate::read_model::{StoreError, schema};

type Batch = Vec<Box<dyn Job>>;

/// A batch of at most this many short transactions still counts as short.
const SHORT_BATCH: usize = 2;

pub(super) struct Committer {
    inner: Arc<Inner>,
    jobs: mpsc::Receiver<Box<dyn Job>>,
}

/// The result of running a batch on top of `base`.
struct Attempt {
    /// The first jobs of the batch, which ran; the others did not fit.
    jobs_run: usize,
    mutations: Vec<Mutation>,
    bytes: usize,
    base: Head,
    terms: CommitTerms,
    /// The id of the commit; `None`: the batch changed nothing.
    id: Option<Uuid>,
}

/// The contents of the next commit.
struct Changes {
    /// The id of the commit.
    id: Uuid,
    writes: u32,
    mutations: Vec<Mutation>,
    bytes: usize,
    /// The same changes on the read model.
    transaction: OpenTransaction,
}

enum Step {
    /// All jobs are answered except these, which did not fit the batch.
    Done(Batch),
    /// Another commit won the race; these jobs must run again.
    Retry(Batch),
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
            // Jobs that were queued meanwhile join the batch.
            self.take(&mut waiting, false).await;
            waiting = self.process(waiting).await;
        }
    }

    /// Moves jobs from the queue to `waiting`, up to the size of a batch; answers how many there
    /// are.
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

    /// Tries to commit a batch once; answers the jobs that remain.
    async fn process(&self, batch: Batch) -> Batch {
        let mut batch = batch;
        // The callers of jobs whose context is over have their answer already.
        batch.retain(|job| job.context().check().is_ok());
        if batch.is_empty() {
            return batch;
        }
        match self.step(&mut batch).await {
            Ok(Step::Done(left)) => left,
            Ok(Step::Retry(jobs)) => {
                self.inner.stats.conflicts();
                jobs
            }
            Err(error) => {
                if error.class() == FailureClass::CoordinationFull {
                    self.inner.note_full();
                }
                reject_all(batch, &error);
                Vec::new()
            }
        }
    }

    /// Runs a batch and commits it. After an error all jobs are in `batch` again.
    async fn step(&self, batch: &mut Batch) -> Result<Step, StoreError> {
        let mode = self.inner.mode.get().ok_or(StoreError::NotReady)?;
        if mode.mode == Mode::Maintenance {
            return Err(StoreError::Maintenance);
        }
        let applied = *self.inner.applied.borrow();
        let (Phase::Ready, Some(base)) = (applied.phase, applied.head) else {
            return Err(StoreError::NotReady);
        };
        self.inner.check_model()?;
        self.inner.check_unarchived(&base)?;
        self.inner.check_space()?;
        let (attempt, transaction) = self.attempt(batch, base, mode.generation).await?;
        if attempt.base != base {
            // The feed applied a commit after `applied` was read.
            return Ok(Step::Retry(std::mem::take(batch)));
        }
        let current = if let Some(id) = attempt.id {
            let Attempt { terms, mutations, bytes, .. } = attempt;
            let changes = Changes { id, writes: terms.writes, mutations, bytes, transaction };
            self.commit(applied, base, mode, changes).await?
        } else {
            self.is_current_head(&base).await?
        };
        if !current {
            return Ok(Step::Retry(std::mem::take(batch)));
        }
        let left = batch.split_off(attempt.jobs_run);
        batch.drain(..).for_each(Job::answer);
        Ok(Step::Done(left))
    }

    /// Runs the closures one after the other, in a transaction that no reader sees yet.
    async fn attempt(
        &self,
        batch: &mut Batch,
        base: Head,
        generation: u64,
    ) -> Result<(Attempt, OpenTransaction), StoreError> {
        let (db, inner) = (self.inner.db()?, Arc::clone(&self.inner));
        let (run_on, sole) = (run_on(batch), batch.len() == 1);
        // Shared, so that the jobs come back also if the read model fails.
        let jobs = Arc::new(Mutex::new(std::mem::take(batch)));
        let running = Arc::clone(&jobs);
        let work = move |tx: &Tx<'_>| -> Result<Attempt, DbError> {
            let base_now = schema::head(tx)?;
            let mut attempt = Attempt {
                jobs_run: 0,
                mutations: Vec::new(),
                bytes: 0,
                base: base_now,
                terms: CommitTerms { generation, writes: inner.writes_version() },
                id: None,
            };
            if base_now != base {
                return Ok(attempt);
            }
            for job in lock(&running).iter_mut() {
                if attempt.bytes >= inner.settings.batch_bytes {
                    break;
                }
                attempt_job(&inner, tx, job.as_mut(), &mut attempt, sole)?;
                attempt.jobs_run += 1;
            }
            if !attempt.mutations.is_empty() {
                let (position, commit) = (base.position + 1, inner.env.new_id());
                schema::set_head(tx, &Head { lineage: base.lineage, position, commit })?;
                attempt.id = Some(commit);
            }
            Ok(attempt)
        };
        let done = db.run_open(&Context::background(), run_on, work).await;
        *batch = std::mem::take(&mut *lock(&jobs));
        Ok(done?)
    }

    /// Whether `base` is still the head, so no instance has committed anything after it.
    async fn is_current_head(&self, base: &Head) -> Result<bool, StoreError> {
        let now = self.inner.current_head().await?;
        if now == *base {
            return Ok(true);
        }
        // If that commit is gone, the next read of `head` finds another one.
        let _ = self.inner.wait_applied(&now).await;
        Ok(false)
    }

    /// Proposes a batch's mutations. `false`: another commit won the race, and is applied here by
    /// now.
    async fn commit(
        &self,
        applied: Applied,
        base: Head,
        mode: SeenMode,
        changes: Changes,
    ) -> Result<bool, StoreError> {
        let inner = &self.inner;
        let Changes { id, writes, mutations, bytes, transaction } = changes;
        let body = self.body(id, mutations, bytes).await?;
        let commit = Commit {
            lineage: base.lineage,
            position: base.position + 1,
            previous: base.commit,
            id,
            time: inner.env.now(),
            schema: writes,
            body,
        };
        let proposal = Proposal::new(commit, base, applied.revision, mode.revision);
        let flushing = inner.db()?.flush(&transaction);
        inner.proposed.set(&proposal, transaction);
        inner.env.point("commit.before_txn").await?;
        let settling = settle(&inner.coord, &inner.keys, &inner.env, &proposal);
        let (settled, ()) = tokio::join!(settling, flushing);
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
                inner.wait_durable(base, &head).await?;
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

    async fn body(
        &self,
        id: Uuid,
        mutations: Vec<Mutation>,
        bytes: usize,
    ) -> Result<Body, StoreError> {
        if bytes <= self.inner.settings.inline_bytes {
            return Ok(Body::Mutations(mutations));
        }
        let compressed = encode_mutations(id, &mutations);
        let name = DataName::of(&compressed);
        self.inner.env.point("commit.before_object_put").await?;
        self.inner.objects.put(&self.inner.object_keys.data(&name), compressed).await?;
        self.inner.env.point("commit.after_object_put").await?;
        Ok(Body::Object(name))
    }

    /// Waits until the read model holds the `head` that a refused proposal found.
    async fn catch_up(
        &self,
        proposal: &Proposal,
        head: Option<KeyValue>,
        mode: Option<KeyValue>,
    ) -> Result<(), StoreError> {
        let mode = SeenMode::decode(mode.as_ref())?;
        if mode.revision < proposal.mode_revision {
            // This is not an older read but another coordination store, whose revisions began anew.
            let known = self.inner.mode.get();
            let proposed_in = known.filter(|known| known.revision == proposal.mode_revision);
            if proposed_in.is_some() {
                self.inner.mode.replace(proposed_in.as_ref(), mode);
            }
        } else {
            self.inner.mode.observe(mode);
        }
        let Some(found) = head else {
            self.inner.feed_wakeup.notify_one();
            return Err(StoreError::NotReady);
        };
        let (base, head): (_, Head) = (proposal.base, decode(&found.key, &found.value)?);
        let other_store = head == base && found.mod_revision != proposal.head_revision;
        if head.position < base.position || other_store {
            // The coordination store was set back, or lost and recovered, or it is another one with
            // the same contents: there is no commit to wait for.
            self.inner.feed_wakeup.notify_one();
            return Err(StoreError::NotReady);
        }
        // If that commit is gone, the next attempt runs on top of another one.
        let _ = self.inner.wait_applied(&head).await;
        Ok(())
    }
}

fn run_on(batch: &Batch) -> RunOn {
    let short = batch.len() <= SHORT_BATCH;
    if short && batch.iter().all(|job| job.run_on() == RunOn::Caller) {
        RunOn::Caller
    } else {
        RunOn::Thread
    }
}

/// Runs one closure. If the `sole` closure of a batch fails, nothing is left to be committed, and
/// its writes are rolled back with the batch's transaction: it needs no savepoint.
fn attempt_job(
    inner: &Inner,
    tx: &Tx<'_>,
    job: &mut dyn Job,
    attempt: &mut Attempt,
    sole: bool,
) -> Result<(), DbError> {
    let (mutations_before, bytes_before) = (attempt.mutations.len(), attempt.bytes);
    let StoreSettings { transaction_bytes: bytes, deletion_objects: deletions, .. } =
        inner.settings;
    let limit = Limit { bytes_before, bytes, deletions };
    let terms = attempt.terms;
    let (mutations, bytes) = (&mut attempt.mutations, &mut attempt.bytes);
    // Its statements end with the caller's time, those around it do not.
    let caller = tx.with_context(job.context().clone());
    let mut work = || {
        let (schema, env) = (inner.schema, &inner.env);
        let mut store_tx = StoreTx::new(&caller, schema, env, terms, mutations, bytes, limit);
        job.attempt(&mut store_tx).map_err(|_rejected| Undo::Job)?;
        // Also where the closure did not pass on the error.
        limit.check(*bytes).map_err(|error| {
            job.reject(error);
            Undo::Job
        })
    };
    let outcome = if sole { work() } else { tx.savepoint(work) };
    tx.check_open()?;
    if let Err(undo) = outcome {
        attempt.mutations.truncate(mutations_before);
        attempt.bytes = bytes_before;
        if let Undo::Batch(error) = undo {
            return Err(error);
        }
    }
    Ok(())
}

/// How much of an attempt is undone.
enum Undo {
    /// The writes of one closure.
    Job,
    Batch(DbError),
}

impl From<DbError> for Undo {
    fn from(error: DbError) -> Undo {
        Undo::Batch(error)
    }
}

fn lock(batch: &Mutex<Batch>) -> MutexGuard<'_, Batch> {
    batch.lock().expect("no holder of this lock panics")
}

/// Rejects every job of the batch with the same error.
fn reject_all(batch: Batch, error: &StoreError) {
    for mut job in batch {
        job.reject(error.duplicate());
        job.answer();
    }
}
