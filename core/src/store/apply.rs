//! What a commit does to the read model.
//!
//! A commit of this instance's was tried on the read model before it was proposed. If nothing has
//! been written since, that trial is what is confirmed, whichever way the commit comes back.

use std::sync::{Arc, Mutex, MutexGuard};

use uuid::Uuid;

use super::parts::Inner;
use super::state::{Applied, Phase};
use crate::context::Context;
use crate::coord::{Revision, Value};
use crate::db::{DbError, Speculation, Tx};
use crate::error::Chain;
use crate::log::commit::Proposal;
use crate::log::format::{Commit, Head};
use crate::read_model::{StoreError, schema};

/// The commit that this instance proposed last.
#[derive(Default)]
pub(super) struct Proposed(Mutex<Option<Own>>);

struct Own {
    commit: Arc<Commit>,
    /// It, as it is in the log.
    value: Value,
    /// What it did on the read model, until that is confirmed.
    trial: Option<Speculation>,
}

impl Proposed {
    pub(super) fn set(&self, proposal: &Proposal, trial: Speculation) {
        let (commit, value) = (Arc::clone(&proposal.commit), proposal.value.clone());
        *self.lock() = Some(Own { commit, value, trial: Some(trial) });
    }

    /// The commit, if this is it: it need not be read.
    pub(super) fn written_as(&self, value: &Value) -> Option<Arc<Commit>> {
        let proposed = self.lock();
        proposed.as_ref().filter(|own| own.value == value).map(|own| Arc::clone(&own.commit))
    }

    fn take_trial(&self, commit: Uuid) -> Option<Speculation> {
        let mut proposed = self.lock();
        proposed.as_mut().filter(|own| own.commit.id == commit)?.trial.take()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Own>> {
        self.0.lock().expect("no holder of this lock panics")
    }
}

impl Inner {
    /// Says how far the read model is.
    pub(super) fn is_at(&self, applied: Applied) {
        self.applied.send_replace(applied);
        let phase = applied.phase;
        self.phase.send_if_modified(|now| std::mem::replace(now, phase) != phase);
    }

    /// From now on the read model is made anew. Answers where it stood.
    pub(super) async fn begin_load(&self) -> Option<Head> {
        let _turn = self.turn.lock().await;
        let before = *self.applied.borrow();
        self.is_at(Applied { phase: Phase::Loading, ..before });
        before.head
    }

    /// Applies a commit that this instance made, if it is the next one. If not, or if that fails,
    /// it comes by the feed.
    pub(super) async fn apply_own(&self, commit: Arc<Commit>, revision: Revision) {
        let _turn = self.turn.lock().await;
        let Applied { phase, head, .. } = *self.applied.borrow();
        if phase == Phase::Ready
            && head.is_some_and(|head| commit.follows(&head))
            && let Err(error) = self.apply(vec![(commit, revision)]).await
        {
            tracing::debug!(error = %Chain(&error), "an own commit is left to the feed");
        }
    }

    /// Brings the read model to the last of these commits, which follow it in order, and tells
    /// everybody. Whoever calls it has the turn.
    pub(super) async fn apply(
        &self,
        commits: Vec<(Arc<Commit>, Revision)>,
    ) -> Result<(), StoreError> {
        let Some((last, revision)) = commits.last() else { return Ok(()) };
        let (head, revision) = (last.head(), *revision);
        if commits.len() > 1 || !self.confirm(head.commit).await? {
            let mut changes = Vec::new();
            for (commit, _) in commits {
                changes.extend(self.actions(Arc::unwrap_or_clone(commit).body).await?);
            }
            let schema = self.schema;
            let work = move |tx: &Tx<'_>| -> Result<(), DbError> {
                changes.iter().try_for_each(|action| schema.apply(tx, action))?;
                schema::set_head(tx, &head)
            };
            self.db()?.run(&Context::background(), work).await?;
        }
        self.is_at(Applied { phase: Phase::Ready, head: Some(head), revision });
        Ok(())
    }

    /// Whether the trial of this commit was still there, and is the read model now.
    async fn confirm(&self, commit: Uuid) -> Result<bool, StoreError> {
        let Some(trial) = self.proposed.take_trial(commit) else { return Ok(false) };
        Ok(self.db()?.confirm(&Context::background(), trial).await?)
    }
}
