//! Recovery of a coordination store that is lost, or is behind the archived commits: a new lineage
//! from objects alone.
//!
//! It loads the newest checkpoint that verifies, then the contiguous chain of segments, and begins
//! a new lineage at the next position. One transaction makes it the current one; a second instance
//! that recovers finds it there. Nobody edits keys by hand; the event is logged, counted and shown
//! by the status.
//!
//! Commits that were acknowledged but never archived are lost: the record says up to which position
//! the log was recovered.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::begin::{RecoveryBase, begin_lineage};
use super::bootstrap;
use super::floors;
use super::proof::{self, Proof};
use super::record::LineageRecord;
use crate::checkpoint::{Manifest, manifest};
use crate::context::Context;
use crate::coord::CoordinationExt;
use crate::db::Db;
use crate::error::FailureClass;
use crate::log::format::{Head, Reason};
use crate::read_model::base::StoreBase;
use crate::read_model::load::{Start, follow, load_manifest};
use crate::read_model::write::{StoredFiles, write_state};
use crate::read_model::{StoreError, VersionError};

/// Where a load may begin: at a log that goes on from everything that objects prove. Brings one
/// about if it must: by a first boot, or by a recovery.
pub(crate) async fn sound_start(store: &StoreBase) -> Result<(Start, Proof), StoreError> {
    for _ in 0..ROUNDS {
        let Some(start) = Start::read(store).await? else {
            if let Some(lineage) = bootstrap::ensure(store).await? {
                recover(store, lineage).await?;
            }
            continue;
        };
        // After the log, so that nothing is missed that was archived before it was set back.
        let proof = proof::read(store, &start).await?;
        if proof.is_held_by(store, &start).await? {
            return Ok((start, proof));
        }
        // And the log once more, which may have gone on meanwhile.
        let Some(again) = Start::read(store).await? else { continue };
        let Some(end) = proof.end else { continue };
        if !proof.is_held_by(store, &again).await? {
            proof::is_ours(store, &again.head, &end).await?;
            tracing::error!(
                head = again.head.position,
                proven = end.position,
                "the coordination store was set back: objects hold later commits, or others"
            );
            recover_from(store, end.lineage, RecoveryBase::Objects(again)).await?;
        }
    }
    Err(StoreError::SetBack)
}

/// Whether objects prove commits that the coordination store does not know.
pub(crate) async fn is_set_back(store: &StoreBase) -> Result<bool, StoreError> {
    let Some(start) = Start::read(store).await? else { return Ok(false) };
    let proof = proof::read(store, &start).await?;
    if proof.is_held_by(store, &start).await? {
        return Ok(false);
    }
    let Some(again) = Start::read(store).await? else { return Ok(false) };
    Ok(!proof.is_held_by(store, &again).await?)
}

/// Recovers a store whose `head` is gone; `lineage` is what objects say was in force.
async fn recover(store: &StoreBase, lineage: Uuid) -> Result<(), StoreError> {
    tracing::error!(%lineage, "the coordination store is lost: recovering from objects");
    let mode = store.coord.get(store.keys.mode()).await?.0;
    recover_from(store, lineage, RecoveryBase::NoHead(mode)).await
}

async fn recover_from(
    store: &StoreBase,
    lineage: Uuid,
    recovery_base: RecoveryBase,
) -> Result<(), StoreError> {
    let (objects, keys) = (&store.objects, &store.object_keys);
    store.env.point("recovery.begin").await?;
    let old: LineageRecord = objects.get_envelope(&keys.lineage(lineage)).await?;
    let Rebuilt { db, base, earlier, reached } = rebuild(store, &old).await?;

    let stored = earlier.map(StoredFiles::of).unwrap_or_default();
    let unchanged = (base == reached).then(BTreeSet::new);
    let state = write_state(store, &db, &stored, unchanged.as_ref()).await?;
    let floors = floors::after_loss(store, &db).await?;
    if !begin_lineage(store, &old, &reached, (state, floors), recovery_base).await? {
        tracing::info!("another instance has recovered the store first");
    }
    Ok(())
}

/// How often a load looks again before it waits: each time something else was done meanwhile.
const ROUNDS: u32 = 4;

/// A lineage's last state as far as objects prove it.
pub(crate) struct Rebuilt {
    pub(crate) db: Db,
    /// The commit of the checkpoint that it begins with.
    base: Head,
    /// That checkpoint; `None`: it begins with the empty state.
    earlier: Option<Manifest>,
    pub(crate) reached: Head,
}

pub(crate) async fn rebuild(
    store: &StoreBase,
    record: &LineageRecord,
) -> Result<Rebuilt, StoreError> {
    store.schema.check_version(record.schema, store.object_keys.lineage(record.lineage))?;
    store.writes.found(record.schema);
    let db = store.create_db().await?;
    floors::put(store, &db, record).await?;
    let (base, earlier) = newest_base(store, &db, record).await?;
    let reached = follow(store, &db, base).await?;
    Ok(Rebuilt { db, base, earlier, reached })
}

/// Fills `db` with the newest checkpoint of a lineage that can be read.
async fn newest_base(
    store: &StoreBase,
    db: &Db,
    record: &LineageRecord,
) -> Result<(Head, Option<Manifest>), StoreError> {
    let lineage = record.lineage;
    for position in
        manifest::positions(&store.objects, &store.object_keys, lineage).await?.into_iter().rev()
    {
        let key = store.object_keys.manifest(lineage, position);
        let loaded = async {
            let manifest: Manifest = store.objects.get_envelope(&key).await?;
            let base = load_manifest(store, db, &manifest).await?;
            Ok::<_, StoreError>((base, Some(manifest)))
        };
        match loaded.await {
            Ok(loaded) => return Ok(loaded),
            // What objects hold is not known: that proves no damage.
            Err(error) if error.class() != FailureClass::Other => return Err(error),
            // Nor does a state that a newer program has to recover.
            Err(error @ StoreError::Version(VersionError::Newer { .. })) => return Err(error),
            Err(error) => {
                let error = crate::error::Chain(&error).to_string();
                tracing::error!(%key, %error, "a checkpoint cannot be read; trying an older one");
                let schema = store.schema;
                db.run(&Context::background(), move |tx| schema.clear(tx)).await?;
            }
        }
    }
    if record.reason != Reason::Bootstrap {
        let text = format!("lineage `{lineage}` has no checkpoint that can be read");
        return Err(StoreError::BrokenLog(text));
    }
    Ok((Head { lineage, position: 0, commit: lineage }, None))
}
