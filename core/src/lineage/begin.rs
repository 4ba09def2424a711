//! A new lineage where another one ended without a word: after a loss, or on another course.
//!
//! One transaction brings it into force. It compares the `head` and the `mode` that it takes the
//! place of, so whoever comes second finds it there, and no switch of the mode is lost.

use super::notes;
use super::record::{LineageRecord, RecoveryRecord};
use crate::checkpoint::Manifest;
use crate::coord::{Compare, Coordination, KeyValue, Op, OpResult, Txn};
use crate::log::format::{
    ArchivedRecord, Body, CheckpointRecord, Commit, Head, Mode, ModeRecord, Reason, decode, encode,
};
use crate::read_model::StoreError;
use crate::read_model::base::StoreBase;
use crate::read_model::write::State;

/// A lineage's mode generations begin here, so that they are newer than any before a recovery.
fn first_generation(epoch: u64) -> u64 {
    epoch << 32
}

/// What a store that was set back holds, and a recovery replaces.
pub(crate) struct Behind {
    pub(crate) head: KeyValue,
    mode: Option<KeyValue>,
}

impl Behind {
    pub(crate) async fn read(store: &StoreBase) -> Result<Option<Behind>, StoreError> {
        let look = Txn::default().then(Op::get(store.keys.head())).then(Op::get(store.keys.mode()));
        let answer = store.coord.txn(look).await?;
        let found = |at: usize| answer.results.get(at).and_then(OpResult::first).cloned();
        Ok(found(0).map(|head| Behind { head, mode: found(1) }))
    }
}

/// What a new lineage goes on from, beside its state.
pub(crate) enum Past {
    /// A coordination store without a `head`, in which somebody may have set the mode.
    Lost(Option<KeyValue>),
    /// Objects, which hold more than the log that was found, or something else.
    Objects(Behind),
    /// The log that was found.
    Log(Behind),
}

/// Goes on from `reached`, whose state is `state`, in a new lineage. Whether it is in force now; if
/// not, somebody else was first.
pub(crate) async fn begin_lineage(
    store: &StoreBase,
    old: &LineageRecord,
    reached: &Head,
    state: State,
    past: Past,
) -> Result<bool, StoreError> {
    let (objects, keys, env) = (&store.objects, &store.object_keys, &store.env);
    let commit = Commit {
        lineage: env.new_id(),
        position: reached.position + 1,
        previous: reached.commit,
        id: env.new_id(),
        time: env.now(),
        body: Body::Switch { reason: Reason::Recovery },
    };
    let record = LineageRecord {
        lineage: commit.lineage,
        epoch: old.epoch + 1,
        // With an empty coordination store this is another one from now on.
        identity: if matches!(past, Past::Lost(_)) { env.new_id() } else { old.identity },
        parent: Some(old.lineage),
        fork: reached.position,
        replaced: None,
        reason: Reason::Recovery,
        created: commit.time,
    };
    objects.put_envelope(&keys.lineage(record.lineage), &record).await?;
    publish_state(store, &commit.head(), state).await?;
    env.point("recovery.manifest_written").await?;
    let first = bring_into_force(store, &commit, &record, past).await?;
    env.point("recovery.after_txn").await?;
    // To note one that never was in force would lead everybody to it.
    if first {
        notes::try_note(objects, keys, commit.lineage).await;
        store.stats.recoveries();
        tracing::error!(lineage = %commit.lineage, position = reached.position, "recovered");
    }
    Ok(first)
}

/// Names `state` as the first checkpoint of a new lineage.
async fn publish_state(store: &StoreBase, head: &Head, state: State) -> Result<(), StoreError> {
    let (counts, files) = state;
    let manifest = Manifest {
        service: store.schema.service.to_owned(),
        schema: store.schema.version,
        lineage: head.lineage,
        position: head.position,
        commit: head.commit,
        created: store.env.now(),
        counts,
        files,
    };
    let key = store.object_keys.manifest(head.lineage, head.position);
    Ok(store.objects.put_envelope(&key, &manifest).await?)
}

/// Whether it is in force now; if not, somebody else was first.
async fn bring_into_force(
    store: &StoreBase,
    commit: &Commit,
    record: &LineageRecord,
    past: Past,
) -> Result<bool, StoreError> {
    let (keys, head) = (&store.keys, commit.head());
    let keep_log = matches!(past, Past::Log(_));
    let (head_found, mode_found) = match past {
        Past::Lost(mode) => (None, mode),
        Past::Objects(found) | Past::Log(found) => (Some(found.head.value), found.mode),
    };
    let mode = mode_after(mode_found.as_ref(), record.epoch, commit)?;
    let (lineage, position) = (head.lineage, head.position);
    let recovery = RecoveryRecord {
        at: commit.time,
        lineage: record.parent.unwrap_or(lineage),
        position: record.fork,
    };
    // What an older log left at this position and after it was never proven.
    let rest = keys.commits_after(position);
    let mut txn = Txn::default()
        .when(Compare::unchanged(keys.head(), head_found))
        .when(Compare::unchanged(keys.mode(), mode_found.map(|kv| kv.value)))
        .then(Op::delete(rest))
        .then(Op::put(keys.head(), encode(&head)))
        .then(Op::put(keys.commit(position), encode(commit)))
        .then(Op::put(keys.checkpoint(), encode(&CheckpointRecord { lineage, position })))
        .then(Op::put(keys.archived(), encode(&ArchivedRecord::at(&head))))
        .then(Op::put(keys.mode(), encode(&mode)))
        .then(Op::put(keys.recovery(), encode(&recovery)));
    if !keep_log {
        // It may have taken another course than objects have.
        txn = txn.then(Op::delete(keys.commits_until(position - 1)));
    }
    // Unknown: the next load finds out.
    Ok(store.coord.txn(txn).await?.succeeded)
}

/// A barrier that was up stays up; the generation is newer than any that an instance has seen.
fn mode_after(
    found: Option<&KeyValue>,
    epoch: u64,
    commit: &Commit,
) -> Result<ModeRecord, StoreError> {
    let found: Option<ModeRecord> = found.map(|kv| decode(&kv.key, &kv.value)).transpose()?;
    let generation = first_generation(epoch);
    match found {
        Some(record) if record.mode == Mode::Maintenance => {
            let generation = generation.max(record.generation + 1);
            Ok(ModeRecord { generation, ..record })
        }
        _ => Ok(ModeRecord {
            mode: Mode::Normal,
            generation,
            since: commit.time,
            requested_by: "recovery".to_owned(),
            reason: Some("the coordination store was lost or set back".to_owned()),
        }),
    }
}
