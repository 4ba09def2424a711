//! Begins a new lineage where the one before it ended without a switch: after a loss, or at a fork.
//!
//! One transaction makes it the current lineage. It compares the `head` and the `mode` that it
//! replaces, so a second instance that recovers finds it there, and no switch of the mode is lost.

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

/// The first mode generation of a lineage: newer than every generation before a recovery.
fn first_generation(epoch: u64) -> u64 {
    epoch << 32
}

/// The `head` of a coordination store that was set back, and its mode: a recovery replaces both.
pub(crate) struct StaleHead {
    pub(crate) head: KeyValue,
    mode: Option<KeyValue>,
}

impl StaleHead {
    pub(crate) async fn read(store: &StoreBase) -> Result<Option<StaleHead>, StoreError> {
        let read = Txn::default().then(Op::get(store.keys.head())).then(Op::get(store.keys.mode()));
        let answer = store.coord.txn(read).await?;
        let found = |at: usize| answer.results.get(at).and_then(OpResult::first).cloned();
        Ok(found(0).map(|head| StaleHead { head, mode: found(1) }))
    }
}

/// The contents of the coordination store that a recovered lineage replaces.
pub(crate) enum RecoveryBase {
    /// There is no `head`. The mode may have been set all the same.
    NoHead(Option<KeyValue>),
    /// The log is behind the objects, or differs from them: the log is dropped.
    Objects(StaleHead),
    /// The log is what the new lineage continues: it is kept.
    Log(StaleHead),
}

/// Begins a new lineage after `reached`, whose state is `state`. Answers whether it is the current
/// lineage now; if not, another instance was first.
pub(crate) async fn begin_lineage(
    store: &StoreBase,
    old: &LineageRecord,
    reached: &Head,
    state: State,
    base: RecoveryBase,
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
        // An empty coordination store is a new one, with an identity of its own.
        identity: if matches!(base, RecoveryBase::NoHead(_)) { env.new_id() } else { old.identity },
        parent: Some(old.lineage),
        fork: reached.position,
        replaced: None,
        reason: Reason::Recovery,
        created: commit.time,
    };
    objects.put_envelope(&keys.lineage(record.lineage), &record).await?;
    write_manifest(store, &commit.head(), state).await?;
    env.point("recovery.manifest_written").await?;
    let first = commit_switch(store, &commit, &record, base).await?;
    env.point("recovery.after_txn").await?;
    // A lineage that never was the current one must not be noted: later recoveries would follow it.
    if first {
        notes::try_note(objects, keys, commit.lineage).await;
        store.stats.recoveries();
        tracing::error!(lineage = %commit.lineage, position = reached.position, "recovered");
    }
    Ok(first)
}

/// Stores the manifest of `state` as the first checkpoint of a new lineage.
async fn write_manifest(store: &StoreBase, head: &Head, state: State) -> Result<(), StoreError> {
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

/// Makes the new lineage the current one. `false`: another instance was first.
async fn commit_switch(
    store: &StoreBase,
    commit: &Commit,
    record: &LineageRecord,
    base: RecoveryBase,
) -> Result<bool, StoreError> {
    let (keys, head) = (&store.keys, commit.head());
    let keep_log = matches!(base, RecoveryBase::Log(_));
    let (head_found, mode_found) = match base {
        RecoveryBase::NoHead(mode) => (None, mode),
        RecoveryBase::Objects(found) | RecoveryBase::Log(found) => {
            (Some(found.head.value), found.mode)
        }
    };
    let mode = recovered_mode(mode_found.as_ref(), record.epoch, commit)?;
    let (lineage, position) = (head.lineage, head.position);
    let recovery = RecoveryRecord {
        at: commit.time,
        lineage: record.parent.unwrap_or(lineage),
        position: record.fork,
    };
    // Commits of an older log after this position were never archived.
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
        // The commits before it may differ from the archived ones.
        txn = txn.then(Op::delete(keys.commits_until(position - 1)));
    }
    // If the outcome is unknown, the next load reads `head` again.
    Ok(store.coord.txn(txn).await?.succeeded)
}

/// The mode after a recovery: maintenance stays on; the generation is newer than any that an
/// instance has seen.
fn recovered_mode(
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
