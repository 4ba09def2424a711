//! When a commit of this instance may be acknowledged.
//!
//! Invariant: an acknowledged commit is applied here, is archived if the setting `durability`
//! demands it, and is part of the log *at that moment*: a coordination store that is lost or set
//! back between the commit and its acknowledgement may have gone on without it. In doubt the log is
//! read.

use super::parts::Inner;
use super::reads::Reached;
use super::settings::Durability;
use crate::coord::{Coordination, Op, OpResult, Txn};
use crate::log::commit::{CommitError, Proposal, Settled};
use crate::log::format::{ArchivedRecord, Commit, Head, decode};
use crate::objects::ObjectError;
use crate::read_model::StoreError;
use crate::read_model::history::History;
use crate::retry::Backoff;

/// Where a commit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// In the coordination store only.
    InLog,
    Archived,
    Gone,
}

impl Inner {
    /// Waits until `commit`, which follows `base`, may be acknowledged.
    pub(super) async fn wait_durable(&self, base: Head, commit: &Head) -> Result<(), StoreError> {
        let reached = self.wait_applied(commit).await;
        let must_be_archived = self.settings.durability == Durability::Archived;
        let newest = self.applied.borrow().head == Some(*commit);
        if !must_be_archived && reached == Reached::Applied && newest {
            return Ok(());
        }
        let mut backoff = Backoff::new(&self.env, "durable");
        loop {
            if must_be_archived {
                self.wait_archived(commit).await?;
            }
            match self.find(base, commit).await {
                Ok(Found::Archived) => return Ok(()),
                Ok(Found::InLog) if !must_be_archived => return Ok(()),
                Ok(Found::Gone) => return Err(lost(commit)),
                // `archived` was set back to before this commit.
                Ok(Found::InLog) => {}
                Err(error) if is_transient(&error) => {}
                Err(error) => return Err(error),
            }
            backoff.pause().await;
        }
    }

    /// Settles a proposal whose key was trimmed while its outcome was unknown: a segment holds the
    /// commit, or another commit at its position; or the store was set back and the outcome is
    /// lost.
    pub(super) async fn settle_trimmed(&self, proposal: &Proposal) -> Result<Settled, StoreError> {
        let after_unknown = true;
        let commit = proposal.commit.head();
        match self.is_archived(proposal.base, &commit).await? {
            Some(true) => Ok(Settled::Committed { revision: None, after_unknown }),
            Some(false) => Ok(Settled::Refused { head: None, mode: None, after_unknown }),
            None => Err(lost(&commit)),
        }
    }

    async fn find(&self, base: Head, commit: &Head) -> Result<Found, StoreError> {
        let read = Txn::default()
            .then(Op::get(self.keys.commit(commit.position)))
            .then(Op::get(self.keys.archived()));
        let answer = self.coord.txn(read).await?;
        let found = |at: usize| answer.results.get(at).and_then(OpResult::first);
        let Some(at_position) = found(0) else {
            let archived = self.is_archived(base, commit).await? == Some(true);
            return Ok(if archived { Found::Archived } else { Found::Gone });
        };
        let at_position: Commit = decode(&at_position.key, &at_position.value)?;
        if at_position.id != commit.commit {
            return Ok(Found::Gone);
        }
        let Some(archived) = found(1) else { return Ok(Found::InLog) };
        let archived: ArchivedRecord = decode(&archived.key, &archived.value)?;
        // If `archived` is of a later lineage, the commit was archived before that lineage began.
        let reached = archived.position >= commit.position;
        Ok(if reached { Found::Archived } else { Found::InLog })
    }

    /// Whether `commit`, which the coordination store does not hold, follows `base` in a segment.
    /// `None`: no segment holds any commit after `base`.
    async fn is_archived(&self, base: Head, commit: &Head) -> Result<Option<bool>, StoreError> {
        match History::after(self, base, commit.position).next().await {
            Ok(found) => Ok(found.map(|found| found.iter().any(|at| at.id == commit.commit))),
            Err(StoreError::BrokenLog(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn is_transient(error: &StoreError) -> bool {
    match error {
        StoreError::Coordination(error) => error.is_transient(),
        StoreError::Objects(ObjectError::Unavailable { .. }) => true,
        _ => false,
    }
}

fn lost(commit: &Head) -> StoreError {
    let (id, position) = (commit.commit, commit.position);
    StoreError::Commit(CommitError::Lost { id, position })
}
