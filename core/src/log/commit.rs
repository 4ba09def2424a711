//! Proposes one commit until its outcome is known.
//!
//! Invariants: a commit succeeds only while `head` and `mode` are as its writer saw them. After an
//! unknown outcome the *same* commit is proposed again: either the answer shows it, by its id, at
//! its position; or `head` or `mode` have changed and it can never be applied. No outcome is
//! guessed.

use std::sync::Arc;
use std::time::Duration;

use super::format::{Commit, FormatError, Head, decode, encode};
use super::keys::Keys;
use crate::coord::{
    Compare, CompareTarget, Coordination, Error as CoordError, KeyRange, KeyValue, Op, OpResult,
    Outcome, RangeRequest, Revision, Txn, Value,
};
use crate::env::Env;
use crate::error::FailureClass;
use crate::fault::Injected;
use crate::retry::Backoff;

/// A commit and the state that it was decided upon.
#[derive(Debug, Clone)]
pub struct Proposal {
    pub commit: Arc<Commit>,
    /// The commit as it is encoded in the log.
    pub value: Value,
    /// The head that the commit follows.
    pub base: Head,
    /// The revision at which `head` was last written, as the writer saw it.
    pub head_revision: Revision,
    /// The same for `mode`; 0 if it did not exist.
    pub mode_revision: Revision,
    /// Operations in the same transaction as the commit.
    pub also: Vec<Op>,
}

impl Proposal {
    /// A proposal that changes only `head` and the log.
    pub fn new(
        commit: Commit,
        base: Head,
        head_revision: Revision,
        mode_revision: Revision,
    ) -> Proposal {
        let value = encode(&commit).into();
        let commit = Arc::new(commit);
        Proposal { commit, value, base, head_revision, mode_revision, also: Vec::new() }
    }
}

/// The outcome of a proposal.
#[derive(Debug)]
pub enum Settled {
    /// The log holds the commit. `revision`: that of `head`, if `head` is still this commit.
    Committed { revision: Option<Revision>, after_unknown: bool },
    /// The log does not hold the commit, and never will.
    Refused { head: Option<KeyValue>, mode: Option<KeyValue>, after_unknown: bool },
}

#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The commit is known not to be applied.
    #[error("the commit could not be proposed")]
    Unavailable(#[source] CoordError),
    #[error("the outcome of commit `{id}` at position `{position}` cannot be known any more")]
    Lost { id: uuid::Uuid, position: u64 },
    #[error(transparent)]
    Format(#[from] FormatError),
    #[error(transparent)]
    Injected(#[from] Injected),
}

impl CommitError {
    pub fn class(&self) -> FailureClass {
        match self {
            CommitError::Unavailable(error) => match error.class() {
                FailureClass::CoordinationFull => FailureClass::CoordinationFull,
                // The variant says that the commit is not applied.
                _ => FailureClass::CoordinationUnavailable,
            },
            CommitError::Injected(_) => FailureClass::CoordinationUnavailable,
            CommitError::Lost { .. } => FailureClass::OutcomeUnknown,
            CommitError::Format(_) => FailureClass::Other,
        }
    }
}

/// How long a proposal is repeated that is known not to be applied.
const PATIENCE: Duration = Duration::from_secs(4);

/// Proposes until the outcome is known. While the proposal is known not to be applied, it gives up
/// after [`PATIENCE`]; after an unknown outcome it repeats until the coordination store answers.
pub async fn settle(
    coord: &dyn Coordination,
    keys: &Keys,
    env: &Env,
    proposal: &Proposal,
) -> Result<Settled, CommitError> {
    let txn = transaction(keys, proposal);
    let started = env.monotonic();
    let mut backoff = Backoff::new(env, "commit");
    let mut after_unknown = false;
    loop {
        let error = match coord.txn(txn.clone()).await {
            Ok(answer) if answer.succeeded => {
                let revision = Some(answer.revision);
                return Ok(Settled::Committed { revision, after_unknown });
            }
            Ok(answer) => return refused(proposal, &answer.results, after_unknown),
            Err(error) => error,
        };
        match error.outcome() {
            Outcome::Unknown | Outcome::Applied => after_unknown = true,
            Outcome::NotApplied => {
                let patient = error.is_transient() && env.monotonic() - started < PATIENCE;
                if !after_unknown && !patient {
                    return Err(CommitError::Unavailable(error));
                }
            }
        }
        // A store without space refuses to look at the same proposal again, but not to read.
        if error.outcome() == Outcome::Applied
            && let Some(revision) = applied_at(coord, keys, &proposal.commit).await?
        {
            return Ok(Settled::Committed { revision, after_unknown });
        }
        backoff.pause().await;
    }
}

/// The revision of a commit that the log holds, as in [`Settled::Committed`]; `None` if it does not
/// hold the commit, or does not answer.
async fn applied_at(
    coord: &dyn Coordination,
    keys: &Keys,
    commit: &Commit,
) -> Result<Option<Option<Revision>>, FormatError> {
    let place = RangeRequest::new(KeyRange::single(keys.commit(commit.position)));
    let Ok(found) = coord.range(place).await else { return Ok(None) };
    let Some(found) = found.kvs.first() else { return Ok(None) };
    let stored: Commit = decode(&found.key, &found.value)?;
    Ok((stored.id == commit.id).then_some(Some(found.mod_revision)))
}

fn transaction(keys: &Keys, proposal: &Proposal) -> Txn {
    let commit = &proposal.commit;
    let place = keys.commit(commit.position);
    let mut txn = Txn::default()
        .when(Compare::mod_revision(keys.head(), proposal.head_revision))
        // Revisions alone do not suffice: a store that was lost and recovered counts them anew.
        .when(Compare::equal(keys.head(), CompareTarget::Value(encode(&proposal.base).into())))
        .when(Compare::mod_revision(keys.mode(), proposal.mode_revision))
        .then(Op::put(keys.head(), encode(&commit.head())))
        .then(Op::put(place.clone(), proposal.value.clone()))
        .otherwise(Op::get(keys.head()))
        .otherwise(Op::get(keys.mode()))
        .otherwise(Op::get(place));
    txn.then.extend(proposal.also.iter().cloned());
    txn
}

/// The outcome if the compares did not hold: because of this very commit, or of another change.
fn refused(
    proposal: &Proposal,
    results: &[OpResult],
    after_unknown: bool,
) -> Result<Settled, CommitError> {
    let commit = &proposal.commit;
    let [head, mode, place] = [0, 1, 2].map(|at| results.get(at).and_then(OpResult::first));
    let certain = if let Some(found) = place {
        let stored: Commit = decode(&found.key, &found.value)?;
        if stored.id == commit.id {
            let revision = Some(found.mod_revision);
            return Ok(Settled::Committed { revision, after_unknown });
        }
        stored.previous == proposal.base.commit
    } else {
        // Trimmed since, or set back to before it: without its place nothing is known.
        let head = head.map(|found| decode::<Head>(&found.key, &found.value)).transpose()?;
        head == Some(proposal.base)
    };
    if after_unknown && !certain {
        return Err(CommitError::Lost { id: commit.id, position: commit.position });
    }
    Ok(Settled::Refused { head: head.cloned(), mode: mode.cloned(), after_unknown })
}
