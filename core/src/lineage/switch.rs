//! The switch to a new lineage, which an import and a restore have in common.
//!
//! It is the commit at the next position: it changes `head`, the log, `checkpoint` and `archived`
//! in one transaction that compares `head` and `mode`. It is answered when objects name
//! the lineage.

use uuid::Uuid;

use super::record::LineageRecord;
use super::tenure::Tenure;
use crate::coord::{CoordinationExt, Op, Revision};
use crate::error::Chain;
use crate::log::commit::{Proposal, Settled, settle};
use crate::log::format::{
    ArchivedRecord, Body, CheckpointRecord, Commit, Head, Position, Reason, decode, encode,
};
use crate::objects::ObjectError;
use crate::read_model::StoreError;
use crate::read_model::base::StoreBase;
use crate::read_model::floors::Floors;
use crate::read_model::write::State;
use crate::retry::Backoff;

/// How often noting the new lineage is tried, each time with all the attempts of a write. After
/// that the caller gets 503 `storage_unavailable`: the switch has taken place, and the next load
/// notes it.
const NOTE_ROUNDS: u32 = 20;

/// The first state of the new lineage, and where it comes from.
pub(crate) struct Next {
    pub(crate) reason: Reason,
    pub(crate) parent: Uuid,
    /// The parent's last position whose commit the state includes.
    pub(crate) fork: Position,
    pub(crate) state: State,
    pub(crate) floors: Floors,
}

/// The head and the mode that the switch replaces: its transaction compares them.
pub(crate) struct Replaced {
    pub(crate) head: Head,
    pub(crate) head_revision: Revision,
    pub(crate) mode_revision: Revision,
}

/// Writes the objects of the new lineage; answers the commit that switches to it.
pub(crate) async fn prepare(
    store: &StoreBase,
    replaced: &Replaced,
    next: Next,
) -> Result<Proposal, StoreError> {
    let env = &store.env;
    let commit = Commit {
        lineage: env.new_id(),
        position: replaced.head.position + 1,
        previous: replaced.head.commit,
        id: env.new_id(),
        time: env.now(),
        schema: next.state.stored.schema,
        body: Body::Switch { reason: next.reason },
    };
    let (lineage, position) = (commit.lineage, commit.position);
    let ended = ended(store, &replaced.head).await?;
    let record = LineageRecord {
        lineage,
        epoch: ended.epoch + 1,
        identity: ended.identity,
        parent: Some(next.parent),
        fork: next.fork,
        replaced: (next.parent != replaced.head.lineage).then_some(replaced.head.lineage),
        follows: Some(replaced.head),
        reason: next.reason,
        created: commit.time,
        schema: commit.schema,
        floors: next.floors,
    };
    let manifest = next.state.manifest(store, &commit.head());
    let keys = &store.object_keys;
    store.objects.put_envelope(&keys.lineage(lineage), &record).await?;
    env.point("import.lineage_written").await?;
    let key = keys.manifest(lineage, position);
    store.objects.put_envelope(&key, &manifest).await?;
    env.point("import.manifest_written").await?;
    let checkpoint = encode(&CheckpointRecord { lineage, position });
    let archived = store.coord.get(store.keys.archived()).await?.0;
    let archived: Option<ArchivedRecord> =
        archived.map(|kv| decode(&kv.key, &kv.value)).transpose()?;
    // It is archived when objects name it.
    let archived =
        ArchivedRecord::begins(lineage, archived.map_or(0, |archived| archived.position));
    let archived = encode(&archived);
    let mut proposal =
        Proposal::new(commit, replaced.head, replaced.head_revision, replaced.mode_revision);
    proposal.also = vec![
        Op::put(store.keys.checkpoint(), checkpoint),
        Op::put(store.keys.archived(), archived),
    ];
    Ok(proposal)
}

/// The record of the lineage that the switch ends. It may be missing: an import repairs that.
pub(crate) async fn ended(store: &StoreBase, head: &Head) -> Result<LineageRecord, StoreError> {
    match store.objects.get_envelope(&store.object_keys.lineage(head.lineage)).await {
        Err(ObjectError::NotExist(_)) => {
            Ok(LineageRecord::first(&store.env, head.lineage, store.writes_version()))
        }
        found => Ok(found?),
    }
}

/// Commits the switch. `None`: something else was committed first, or the mode was switched.
pub(crate) async fn commit(
    store: &StoreBase,
    proposal: &Proposal,
) -> Result<Option<Head>, StoreError> {
    store.env.point("import.before_switch").await?;
    match settle(&store.coord, &store.keys, &store.env, proposal).await? {
        Settled::Committed { .. } => Ok(Some(proposal.commit.head())),
        Settled::Refused { .. } => Ok(None),
    }
}

/// Notes the new lineage in objects: if the coordination store is lost, that is what says that the
/// switch took place.
pub(crate) async fn note(store: &StoreBase) -> Result<(), StoreError> {
    let env = &store.env;
    env.point("import.after_switch").await?;
    let mut backoff = Backoff::new(env, "switch-note");
    let mut rounds = 1;
    while let Err(error) = Tenure::begin(store).await {
        if rounds == NOTE_ROUNDS || !may_be_tried_again(&error) {
            return Err(error);
        }
        rounds += 1;
        tracing::warn!(error = %Chain(&error), "the lineage cannot be noted in objects yet");
        backoff.pause().await;
    }
    env.point("import.current_written").await?;
    Ok(())
}

/// Whether objects did not answer, or another archiver came first.
fn may_be_tried_again(error: &StoreError) -> bool {
    matches!(error, StoreError::Fenced) || error.class().is_transient()
}
