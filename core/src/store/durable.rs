//! When a commit of this instance may be acknowledged.
//!
//! Invariant: an acknowledged commit is applied here, is archived if the setting `durability`
//! demands it, and is part of the log *at that moment*: a coordination store that is lost or set
//! back between the commit and its acknowledgement may have gone on without it. In doubt the log is
//! read.

use super::parts::Inner;
use super::reads::Reached;
use super::settings::Durability;
use super::space::model_full;
use crate::coord::{Coordination, CoordinationExt, Op, OpResult, Txn};
use crate::lineage::proof;
use crate::log::commit::{CommitError, Proposal, Settled};
use crate::log::format::{ArchivedRecord, Commit, Head, decode};
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
    /// It is not in the log; whether it is in objects is known when something is archived again.
    Open,
}

impl Inner {
    /// Waits until `commit`, which follows `base`, may be acknowledged.
    pub(super) async fn wait_durable(&self, base: Head, commit: &Head) -> Result<(), StoreError> {
        let reached = self.wait_applied(commit).await;
        if reached == Reached::ModelFull {
            return Err(StoreError::AfterCommit(Box::new(model_full())));
        }
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
                // Set back to before it was archived, or a lineage has begun.
                Ok(Found::InLog | Found::Open) => {}
                Err(error) if error.class().is_transient() => {}
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
        let archived = self.coord.get(self.keys.archived()).await.map_err(StoreError::from)?.0;
        let archived: Option<ArchivedRecord> =
            archived.map(|kv| decode(&kv.key, &kv.value)).transpose()?;
        let Some(archived) = archived.filter(ArchivedRecord::is_published) else {
            return Err(lost(&commit));
        };
        match self.is_archived(proposal.base, &commit, archived).await? {
            Some(true) => Ok(Settled::Committed { revision: None, after_unknown }),
            Some(false) => Ok(Settled::Refused { head: None, mode: None, after_unknown }),
            None => Err(lost(&commit)),
        }
    }

    async fn find(&self, base: Head, commit: &Head) -> Result<Found, StoreError> {
        let look = Txn::default()
            .then(Op::get(self.keys.commit(commit.position)))
            .then(Op::get(self.keys.archived()));
        let answer = self.coord.txn(look).await?;
        let found = |at: usize| answer.results.get(at).and_then(OpResult::first);
        let archived = found(1).map(|kv| decode::<ArchivedRecord>(&kv.key, &kv.value));
        let archived = archived.transpose()?;
        // A lineage that begins promises nothing until objects name it.
        let published = archived.filter(ArchivedRecord::is_published);
        let Some(place) = found(0) else {
            let Some(published) = published else {
                return Ok(if archived.is_some() { Found::Open } else { Found::Gone });
            };
            let archived = self.is_archived(base, commit, published).await? == Some(true);
            return Ok(if archived { Found::Archived } else { Found::Gone });
        };
        let place: Commit = decode(&place.key, &place.value)?;
        if place.id != commit.commit {
            return Ok(Found::Gone);
        }
        // In a lineage that came later it was archived before, or with, that.
        let reached = published.is_some_and(|published| published.position >= commit.position);
        Ok(if reached { Found::Archived } else { Found::InLog })
    }

    /// Whether a commit that the coordination store does not hold follows `base` on the way to what
    /// is published; `None` if that is not known. What is in some segment need not be on it.
    async fn is_archived(
        &self,
        base: Head,
        commit: &Head,
        published: ArchivedRecord,
    ) -> Result<Option<bool>, StoreError> {
        let Some(end) = proof::passed(self, published.head(), commit.lineage).await? else {
            return Ok(None);
        };
        if end.position < commit.position {
            return Ok(None);
        }
        let (mut history, mut found) = (History::after(self, base, end.position), false);
        loop {
            match history.next().await {
                Ok(Some(commits)) => found |= commits.iter().any(|at| at.id == commit.commit),
                Ok(None) => break,
                Err(StoreError::BrokenLog(_)) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        Ok((history.at() == end).then_some(found))
    }
}

fn lost(commit: &Head) -> StoreError {
    let (id, position) = (commit.commit, commit.position);
    StoreError::Commit(CommitError::Lost { id, position })
}
