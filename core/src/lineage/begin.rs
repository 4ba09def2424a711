//! Begins a new lineage where the one before it ended without a switch: after a loss, or at a fork.
//!
//! One transaction makes it the current lineage. It compares the `head` and the `mode` that it
//! replaces, so a second instance that recovers finds it there, and no switch of the mode is lost.

use super::record::{LineageRecord, RecoveryRecord};
use crate::coord::{Compare, Coordination, KeyValue, Op, Txn};
use crate::log::format::{
    ArchivedRecord, Body, CheckpointRecord, Commit, Head, Mode, ModeRecord, Reason, WritesRecord,
    decode, encode,
};
use crate::read_model::StoreError;
use crate::read_model::base::StoreBase;
use crate::read_model::floors::Floors;
use crate::read_model::load::Start;
use crate::read_model::write::State;

/// The first mode generation after a recovery. Two recoveries of one lineage get different
/// generations, so that no instance takes the mode of one recovery for the mode of the other. Each
/// later switch of the mode adds one.
fn first_generation(epoch: u64, recovery: &Commit) -> u64 {
    let drawn = recovery.id.as_u128() & 0x7fff_ffff;
    (epoch << 32) | u64::try_from(drawn).expect("31 bits fit")
}

/// What a new lineage goes on from, beside its state.
pub(crate) enum RecoveryBase {
    /// A coordination store without a `head`, in which somebody may have set the mode.
    NoHead(Option<KeyValue>),
    /// Objects, which hold more than the log that was found, or something else.
    Objects(Start),
    /// The log that was found.
    Log(Start),
}

/// Begins a new lineage after `reached`, whose state is `state`, with these floors. Answers whether
/// it is the current lineage now; if not, another instance was first.
pub(crate) async fn begin_lineage(
    store: &StoreBase,
    old: &LineageRecord,
    reached: &Head,
    (state, floors): (State, Floors),
    base: RecoveryBase,
) -> Result<bool, StoreError> {
    let (objects, keys, env) = (&store.objects, &store.object_keys, &store.env);
    let commit = Commit {
        lineage: env.new_id(),
        position: reached.position + 1,
        previous: reached.commit,
        id: env.new_id(),
        time: env.now(),
        schema: state.stored.schema,
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
        follows: Some(*reached),
        reason: Reason::Recovery,
        created: commit.time,
        schema: commit.schema,
        floors,
    };
    objects.put_envelope(&keys.lineage(record.lineage), &record).await?;
    let manifest = state.manifest(store, &commit.head());
    objects.put_envelope(&keys.manifest(commit.lineage, commit.position), &manifest).await?;
    env.point("recovery.manifest_written").await?;
    let first = commit_switch(store, &commit, &record, base).await?;
    env.point("recovery.after_txn").await?;
    // It is noted by the load that goes on from here, or by whoever archives.
    if first {
        store.stats.recoveries();
        tracing::error!(lineage = %commit.lineage, position = reached.position, "recovered");
    }
    Ok(first)
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
    // Nothing is promised before objects name this lineage; the bound on what is not archived goes
    // on from where it was.
    let before = match &base {
        RecoveryBase::Log(found) => found.archived.map_or(0, |archived| archived.position),
        RecoveryBase::NoHead(_) | RecoveryBase::Objects(_) => record.fork,
    };
    let (head_found, mode_found, writes_found) = match base {
        RecoveryBase::NoHead(mode) => (None, mode, None),
        RecoveryBase::Objects(found) | RecoveryBase::Log(found) => {
            (Some(found.head_found.value), found.mode_found, Some(found.writes_found))
        }
    };
    let mode = recovered_mode(mode_found.as_ref(), record.epoch, commit)?;
    let (lineage, position) = (head.lineage, head.position);
    let recovery = RecoveryRecord {
        at: commit.time,
        lineage: record.parent.unwrap_or(lineage),
        position: record.fork,
        skipped_numbers: store.schema.counters.map(|_| store.counter_margin),
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
        .then(Op::put(keys.archived(), encode(&ArchivedRecord::begins(lineage, before))))
        .then(Op::put(keys.mode(), encode(&mode)))
        .then(Op::put(keys.recovery(), encode(&recovery)));
    // It does not go back, even if the coordination store did.
    let written = writes_found.iter().flatten().map(|kv| decode(&kv.key, &kv.value));
    let written = written.collect::<Result<Vec<WritesRecord>, _>>()?;
    if written.iter().all(|written| written.schema < commit.schema) {
        let writes = WritesRecord { schema: commit.schema, since: commit.time };
        txn = txn.then(Op::put(keys.writes(), encode(&writes)));
        if let Some(found) = writes_found {
            txn = txn.when(Compare::unchanged(keys.writes(), found.map(|kv| kv.value)));
        }
    }
    if !keep_log {
        // The commits before it may differ from the archived ones.
        txn = txn.then(Op::delete(keys.commits_until(position - 1)));
    }
    // If the outcome is unknown, the next load reads `head` again.
    Ok(store.coord.txn(txn).await?.succeeded)
}

/// The mode after a recovery: maintenance stays on; the generation is one that no instance has
/// seen.
fn recovered_mode(
    found: Option<&KeyValue>,
    epoch: u64,
    commit: &Commit,
) -> Result<ModeRecord, StoreError> {
    let found: Option<ModeRecord> = found.map(|kv| decode(&kv.key, &kv.value)).transpose()?;
    let generation = first_generation(epoch, commit);
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
