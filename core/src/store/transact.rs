//! What a transaction's closure may do, and how it waits for its commit.

use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::parts::Store;
use super::state::Phase;
use crate::context::Context;
use crate::db::{Length, Tx};
use crate::env::Env;
use crate::error::BoxError;
use crate::log::format::{Action, Object, canonical};
use crate::read_model::Schema;
use crate::read_model::error::{StoreError, translate};

/// What a closure sees and does: reads through [`Tx`], changes as actions. It may run several
/// times.
pub struct StoreTx<'a> {
    tx: &'a Tx<'a>,
    schema: &'static Schema,
    env: &'a Env,
    now: Timestamp,
    actions: &'a mut Vec<Action>,
    bytes: &'a mut usize,
}

impl<'a> Deref for StoreTx<'a> {
    type Target = Tx<'a>;

    fn deref(&self) -> &Tx<'a> {
        self.tx
    }
}

/// Rough bytes of an action around its data.
const ACTION_OVERHEAD: usize = 96;

impl<'a> StoreTx<'a> {
    pub(super) fn new(
        tx: &'a Tx<'a>,
        schema: &'static Schema,
        env: &'a Env,
        actions: &'a mut Vec<Action>,
        bytes: &'a mut usize,
    ) -> StoreTx<'a> {
        StoreTx { tx, schema, env, now: env.now(), actions, bytes }
    }

    /// The writer's wall clock: the same at every call in one run.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    pub fn new_id(&mut self) -> Uuid {
        self.env.new_id()
    }

    /// Creates or replaces one object; the constraints of its table hold at once.
    pub fn put<T: Serialize>(
        &mut self,
        kind: &'static str,
        id: Uuid,
        object: &T,
    ) -> Result<(), BoxError> {
        let object = Object { r#type: kind.to_owned(), id, data: canonical(object)? };
        self.schema.put(self.tx, &object)?;
        *self.bytes += object.data.get().len() + ACTION_OVERHEAD;
        self.actions.push(Action::Put(object));
        Ok(())
    }

    /// Deletes one object, if it is there. Children first.
    pub fn delete(&mut self, kind: &'static str, id: Uuid) -> Result<(), BoxError> {
        if self.schema.delete(self.tx, kind, id)? {
            *self.bytes += ACTION_OVERHEAD;
            self.actions.push(Action::Delete { r#type: kind.to_owned(), id });
        }
        Ok(())
    }
}

/// A transaction that waits, whatever its result.
pub(super) trait Job: Send {
    fn context(&self) -> &Context;

    /// How long an attempt takes.
    fn length(&self) -> Length;

    /// Runs the closure. `Err` rolls back what it wrote.
    fn attempt(&mut self, tx: &mut StoreTx<'_>) -> Result<(), Rejected>;

    /// Replaces what the last attempt decided.
    fn reject(&mut self, error: StoreError);

    /// Answers what the last attempt decided.
    fn answer(self: Box<Self>);
}

/// The closure decided against it, or panicked.
pub(super) struct Rejected;

type Decision<T> = std::thread::Result<Result<T, BoxError>>;

struct Waiting<T, F> {
    ctx: Context,
    length: Length,
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

    fn length(&self) -> Length {
        self.length
    }

    fn attempt(&mut self, tx: &mut StoreTx<'_>) -> Result<(), Rejected> {
        let decision = catch_unwind(AssertUnwindSafe(|| (self.work)(tx)));
        let fine = matches!(decision, Ok(Ok(_)));
        self.decision = Some(decision);
        if fine { Ok(()) } else { Err(Rejected) }
    }

    fn reject(&mut self, error: StoreError) {
        self.decision = Some(Ok(Err(error.boxed())));
    }

    fn answer(self: Box<Self>) {
        if let Some(decision) = self.decision {
            // The caller may be gone: then nobody wants the answer.
            let _ = self.answer.send(decision);
        }
    }
}

impl Store {
    /// Runs `work` and commits what it did; answers once the commit is known to be in the log and
    /// this instance's read model holds it. An error of `work` itself changes nothing, and is
    /// answered only when everything that it was decided upon is committed.
    ///
    /// `work` may run several times: it has no side effects outside its argument.
    pub async fn transact<T: Send + 'static>(
        &self,
        ctx: &Context,
        work: impl FnMut(&mut StoreTx<'_>) -> Result<T, BoxError> + Send + 'static,
    ) -> Result<T, BoxError> {
        self.decide(ctx, Length::Long, work).await
    }

    /// The same for `work` of a few statements, however much there is: it may keep a thread of the
    /// runtime.
    pub async fn transact_short<T: Send + 'static>(
        &self,
        ctx: &Context,
        work: impl FnMut(&mut StoreTx<'_>) -> Result<T, BoxError> + Send + 'static,
    ) -> Result<T, BoxError> {
        self.decide(ctx, Length::Short, work).await
    }

    async fn decide<T: Send + 'static>(
        &self,
        ctx: &Context,
        length: Length,
        work: impl FnMut(&mut StoreTx<'_>) -> Result<T, BoxError> + Send + 'static,
    ) -> Result<T, BoxError> {
        if self.inner.applied.borrow().phase != Phase::Ready {
            return Err(StoreError::NotReady.boxed());
        }
        let (answer, answered) = oneshot::channel();
        let job = Waiting { ctx: ctx.clone(), length, work, decision: None, answer };
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
