//! Applies commits to the read model.
//!
//! This instance ran its own commit on the read model before it proposed it, and left the
//! transaction open. If nothing else was written since, that transaction is committed, no matter
//! whether the commit is applied by the committer or comes back through the feed.

use std::sync::{Arc, Mutex, MutexGuard};

use uuid::Uuid;

use super::parts::Inner;
use super::state::{Applied, Phase};
use crate::context::Context;
use crate::coord::{Revision, Value};
use crate::db::{DbError, OpenTransaction, Tx};
use crate::error::Chain;
use crate::log::commit::Proposal;
use crate::log::format::{Commit, Head};
use crate::read_model::{StoreError, schema};

/// The commit that this instance proposed last.
#[derive(Default)]
pub(super) struct Proposed(Mutex<Option<OwnCommit>>);

struct OwnCommit {
    commit: Arc<Commit>,
    /// The commit as it is encoded in the log.
    value: Value,
    /// Its writes to the read model, until they are committed there.
    transaction: Option<OpenTransaction>,
}

impl Proposed {
    pub(super) fn set(&self, proposal: &Proposal, transaction: OpenTransaction) {
        let (commit, value) = (Arc::clone(&proposal.commit), proposal.value.clone());
        *self.lock() = Some(OwnCommit { commit, value, transaction: Some(transaction) });
    }

    /// The proposed commit if `value` is its encoding: then `value` need not be decoded.
    pub(super) fn encoded_as(&self, value: &Value) -> Option<Arc<Commit>> {
        let proposed = self.lock();
        proposed.as_ref().filter(|own| own.value == value).map(|own| Arc::clone(&own.commit))
    }

    fn take_transaction(&self, commit: Uuid) -> Option<OpenTransaction> {
        let mut proposed = self.lock();
        proposed.as_mut().filter(|own| own.commit.id == commit)?.transaction.take()
    }

    fn lock(&self) -> MutexGuard<'_, Option<OwnCommit>> {
        self.0.lock().expect("no holder of this lock panics")
    }
}

impl Inner {
    /// Publishes the position of the read model to its watchers.
    pub(super) fn publish_applied(&self, applied: Applied) {
        self.applied.send_replace(applied);
        let phase = applied.phase;
        self.phase.send_if_modified(|now| std::mem::replace(now, phase) != phase);
    }

    /// Marks the read model as loading; answers the last commit that the old one held.
    pub(super) async fn begin_load(&self) -> Option<Head> {
        let _lock = self.model_lock.lock().await;
        let before = *self.applied.borrow();
        self.publish_applied(Applied { phase: Phase::Loading, ..before });
        before.head
    }

    /// Applies a commit of this instance if it is the next one. If it is not, or if that fails, the
    /// feed applies it.
    pub(super) async fn apply_own(&self, commit: Arc<Commit>, revision: Revision) {
        let _lock = self.model_lock.lock().await;
        let Applied { phase, head, .. } = *self.applied.borrow();
        if phase == Phase::Ready
            && head.is_some_and(|head| commit.follows(&head))
            && let Err(error) = self.apply(vec![(commit, revision)]).await
        {
            tracing::debug!(error = %Chain(&error), "the feed will apply this instance's commit");
        }
    }

    /// Applies `commits`, which follow the read model in order, and publishes its new position. The
    /// caller holds `model_lock`.
    pub(super) async fn apply(
        &self,
        commits: Vec<(Arc<Commit>, Revision)>,
    ) -> Result<(), StoreError> {
        let Some((last, revision)) = commits.last() else { return Ok(()) };
        let (head, revision) = (last.head(), *revision);
        if commits.len() > 1 || !self.commit_own(head.commit).await? {
            let mut changes = Vec::new();
            for (commit, _) in commits {
                changes.extend(self.mutations(Arc::unwrap_or_clone(commit)).await?);
            }
            let schema = self.schema;
            let work = move |tx: &Tx<'_>| -> Result<(), DbError> {
                changes.iter().try_for_each(|mutation| schema.apply(tx, mutation))?;
                schema::set_head(tx, &head)
            };
            self.db()?.run(&Context::background(), work).await?;
        }
        self.publish_applied(Applied { phase: Phase::Ready, head: Some(head), revision });
        Ok(())
    }

    /// Commits the open transaction of a commit of this instance. `false`: there is none.
    async fn commit_own(&self, commit: Uuid) -> Result<bool, StoreError> {
        let Some(transaction) = self.proposed.take_transaction(commit) else { return Ok(false) };
        Ok(self.db()?.commit(&Context::background(), transaction).await?)
    }
}
