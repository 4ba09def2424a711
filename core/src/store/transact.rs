//! Transactions: the interface of their closures, and the jobs that wait for a commit.

use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::parts::Store;
use super::state::Phase;
use crate::context::Context;
use crate::db::{DbError, RunOn, Tx};
use crate::env::Env;
use crate::error::BoxError;
use crate::log::format::{Mutation, Object, canonical};
use crate::read_model::error::{StoreError, translate};
use crate::read_model::{Schema, floors, schema};

/// A transaction as its closure sees it: it reads through [`Tx`], and its changes become mutations.
/// The closure may run several times.
pub struct StoreTx<'a> {
    tx: &'a Tx<'a>,
    schema: &'static Schema,
    env: &'a Env,
    now: Timestamp,
    terms: CommitTerms,
    mutations: &'a mut Vec<Mutation>,
    bytes: &'a mut usize,
    limit: Limit,
}

/// Facts about the commit that a transaction becomes a part of.
#[derive(Debug, Clone, Copy)]
pub(super) struct CommitTerms {
    /// The generation of the mode that the commit compares.
    pub(super) generation: u64,
    /// The version of the schema that it is written in.
    pub(super) writes: u32,
}

/// The greatest size of one transaction, in a batch that may hold others.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    pub(super) bytes_before: usize,
    pub(super) bytes: usize,
    /// The most objects that it should delete.
    pub(super) deletions: usize,
}

impl Limit {
    pub(super) fn check(self, bytes_now: usize) -> Result<(), StoreError> {
        let (bytes, limit) = (bytes_now - self.bytes_before, self.bytes);
        if bytes > limit { Err(StoreError::TooLarge { bytes, limit }) } else { Ok(()) }
    }
}

impl<'a> Deref for StoreTx<'a> {
    type Target = Tx<'a>;

    fn deref(&self) -> &Tx<'a> {
        self.tx
    }
}

/// Approximate bytes of a mutation besides its data.
const MUTATION_OVERHEAD: usize = 96;

impl<'a> StoreTx<'a> {
    pub(super) fn new(
        tx: &'a Tx<'a>,
        schema: &'static Schema,
        env: &'a Env,
        terms: CommitTerms,
        mutations: &'a mut Vec<Mutation>,
        bytes: &'a mut usize,
        limit: Limit,
    ) -> StoreTx<'a> {
        StoreTx { tx, schema, env, now: env.now(), terms, mutations, bytes, limit }
    }

    /// The generation of the mode: the commit takes place in this one, or not at all.
    pub fn generation(&self) -> u64 {
        self.terms.generation
    }

    /// The version of the schema that the commit is written in.
    pub fn writes_version(&self) -> u32 {
        self.terms.writes
    }

    /// The lineage that the commit belongs to.
    pub fn lineage(&self) -> Result<Uuid, DbError> {
        Ok(schema::head(self.tx)?.lineage)
    }

    /// The writer's wall clock: the same at every call in one run of the closure.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    pub fn new_id(&mut self) -> Uuid {
        self.env.new_id()
    }

    /// The most objects that one commit should delete.
    pub fn deletion_objects(&self) -> usize {
        self.limit.deletions
    }

    /// The largest number that a counter may have given out in earlier lineages; 0: none.
    pub fn floor(&self, counter: Uuid) -> Result<u64, DbError> {
        floors::floor(self.tx, counter)
    }

    /// Creates or replaces one object; the constraints of its table hold at once.
    pub fn put<T: Serialize>(
        &mut self,
        kind: &'static str,
        id: Uuid,
        object: &T,
    ) -> Result<(), StoreError> {
        let data = canonical(object).map_err(DbError::Encode)?;
        let object = Object { r#type: kind.to_owned(), id, data };
        // First, so that nothing is changed here that no commit can hold.
        let lowered = self.schema.lower(&object, self.terms.writes)?;
        self.schema.put(self.tx, &object)?;
        let object = lowered.unwrap_or(object);
        *self.bytes += object.data.get().len() + MUTATION_OVERHEAD;
        self.mutations.push(Mutation::Put(object));
        self.limit.check(*self.bytes)
    }

    /// Deletes one object if it exists. Its children must be deleted first.
    pub fn delete(&mut self, kind: &'static str, id: Uuid) -> Result<(), StoreError> {
        if self.schema.delete(self.tx, kind, id)? {
            *self.bytes += MUTATION_OVERHEAD;
            self.mutations.push(Mutation::Delete { r#type: kind.to_owned(), id });
            self.limit.check(*self.bytes)?;
        }
        Ok(())
    }
}

/// A transaction that waits for its commit, independent of the type of its result.
pub(super) trait Job: Send {
    fn context(&self) -> &Context;

    /// Which thread an attempt may run on.
    fn run_on(&self) -> RunOn;

    /// Runs the closure. `Err` rolls back its writes.
    fn attempt(&mut self, tx: &mut StoreTx<'_>) -> Result<(), Rejected>;

    /// Replaces the decision of the last attempt.
    fn reject(&mut self, error: StoreError);

    /// Sends the decision of the last attempt to the caller.
    fn answer(self: Box<Self>);
}

/// The closure returned an error, or panicked.
pub(super) struct Rejected;

type Decision<T> = std::thread::Result<Result<T, BoxError>>;

struct Waiting<T, F> {
    ctx: Context,
    run_on: RunOn,
    work: F,
    decision: Option<Decision<T>>,
    answer: oneshot::Sender<Decision<T>>,
}

impl<T, F> Job for Waiting<T, F>
where
    T: Send,
    F: FnMut(&mut StoreTx<'_>) -> Result<T, BoxError> + Send,
{
    fn context(&self) -> &Context {
        &self.ctx
    }

    fn run_on(&self) -> RunOn {
        self.run_on
    }

    fn attempt(&mut self, tx: &mut StoreTx<'_>) -> Result<(), Rejected> {
        let decision = catch_unwind(AssertUnwindSafe(|| (self.work)(tx)));
        let succeeded = matches!(decision, Ok(Ok(_)));
        self.decision = Some(decision);
        if succeeded { Ok(()) } else { Err(Rejected) }
    }

    fn reject(&mut self, error: StoreError) {
        self.decision = Some(Ok(Err(error.boxed())));
    }

    fn answer(self: Box<Self>) {
        if let Some(decision) = self.decision {
            // The caller may have given up; then the answer is dropped.
            let _ = self.answer.send(decision);
        }
    }
}

impl Store {
    /// Runs `work` and commits its changes; answers once the commit is known to be in the log and
    /// this instance's read model holds it. If `work` itself fails, nothing changes; its error is
    /// answered only once every commit that `work` has seen is known to be in the log.
    ///
    /// `work` may run several times: it has no side effects outside its argument.
    pub async fn transact<T: Send + 'static>(
        &self,
        ctx: &Context,
        work: impl FnMut(&mut StoreTx<'_>) -> Result<T, BoxError> + Send + 'static,
    ) -> Result<T, BoxError> {
        self.decide(ctx, RunOn::Thread, work).await
    }

    /// The same for `work` of a few statements, whatever the size of the store: it may block a
    /// thread of the runtime.
    pub async fn transact_short<T: Send + 'static>(
        &self,
        ctx: &Context,
        work: impl FnMut(&mut StoreTx<'_>) -> Result<T, BoxError> + Send + 'static,
    ) -> Result<T, BoxError> {
        self.decide(ctx, RunOn::Caller, work).await
    }

    async fn decide<T: Send + 'static>(
        &self,
        ctx: &Context,
        run_on: RunOn,
        work: impl FnMut(&mut StoreTx<'_>) -> Result<T, BoxError> + Send + 'static,
    ) -> Result<T, BoxError> {
        if self.inner.applied.borrow().phase != Phase::Ready {
            return Err(StoreError::NotReady.boxed());
        }
        let (answer, answered) = oneshot::channel();
        let job = Waiting { ctx: ctx.clone(), run_on, work, decision: None, answer };
        self.inner.jobs.try_send(Box::new(job)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreError::Busy.boxed(),
            mpsc::error::TrySendError::Closed(_) => StoreError::Closed.boxed(),
        })?;
        match ctx.run(answered).await {
            Ok(Ok(Ok(decision))) => decision.map_err(translate),
            Ok(Ok(Err(panic))) => resume_unwind(panic),
            Ok(Err(_dropped)) => Err(StoreError::Abandoned.boxed()),
            Err(interrupted) => Err(StoreError::Interrupted(interrupted).boxed()),
        }
    }
}
