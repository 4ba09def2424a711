//! Loads every state that could be needed into a scratch database with the service's own
//! constraints: each checkpoint, each lineage up to its end, and the state that the next start
//! would load.

use std::collections::BTreeMap;

use super::keys::CoordinationState;
use super::objects::Inventory;
use super::verify::Verifier;
use super::{blobs, encrypted};
use crate::context::Context;
use crate::db::{Db, DbError, Tx};
use crate::lineage::record::LineageRecord;
use crate::lineage::recovery;
use crate::log::format::{CheckpointRecord, Head, Reason};
use crate::read_model::base::StoreBase;
use crate::read_model::{StoreError, load};

pub(super) async fn check(
    verifier: &mut Verifier<'_>,
    state: &CoordinationState,
    inventory: &Inventory,
) -> Result<(), StoreError> {
    for record in &inventory.lineages {
        lineage(verifier, state, inventory, record).await?;
    }
    if state.head.is_none() {
        if !inventory.lineages.is_empty() || !state.log.is_empty() {
            let meaning = "the next start recovers from objects; what was not archived is lost";
            let place = verifier.inner.keys.head();
            verifier.report(place, "it does not exist, though a store does", meaning);
        }
        return Ok(());
    }
    if let Some(CheckpointRecord { lineage, position }) = state.checkpoint
        && !inventory.manifests.get(&lineage).is_some_and(|kept| kept.contains(&position))
    {
        let problem = format!("the manifest at `{position}` does not exist");
        let meaning = "the next start loads a newer checkpoint, if there is one";
        verifier.report(verifier.inner.keys.checkpoint(), problem, meaning);
    }
    verifier.checked.states += 1;
    let meaning = "no instance can start";
    let loaded = load_next_start(verifier.inner).await;
    let place = verifier.inner.keys.head();
    if let Some(db) = verifier.check(&place, meaning, loaded)? {
        encrypted::check(verifier, &db).await?;
        blobs::check(verifier, &db, inventory).await?;
    }
    let proven = recovery::is_set_back(verifier.inner).await;
    let meaning = "the next start cannot tell whether the coordination store was set back";
    if let Some(true) = verifier.check(&place, meaning, proven)? {
        let meaning = "the coordination store was set back: the next start recovers from objects";
        verifier.report(place, "objects hold later commits than it names", meaning);
    }
    Ok(())
}

/// What the next start would load.
async fn load_next_start(store: &StoreBase) -> Result<Db, StoreError> {
    let start = load::Start::read(store).await?.ok_or(StoreError::NotReady)?;
    Ok(load::assemble(store, store.create_db().await?, start).await?.db)
}

async fn lineage(
    verifier: &mut Verifier<'_>,
    state: &CoordinationState,
    inventory: &Inventory,
    record: &LineageRecord,
) -> Result<(), StoreError> {
    let (inner, id) = (verifier.inner, record.lineage);
    let mut newest: Option<(Db, Head)> = None;
    for position in inventory.manifests.get(&id).into_iter().flatten() {
        verifier.checked.states += 1;
        let key = inner.object_keys.manifest(id, *position);
        let meaning = "this checkpoint cannot be loaded";
        let loaded = load::load_checkpoint(inner, id, *position).await;
        let Some((db, manifest)) = verifier.check(&key, meaning, loaded)? else { continue };
        if counts(verifier, &db, manifest.schema).await? != manifest.counts {
            verifier.report(&key, "it loads to other counts than it says", meaning);
        }
        newest = Some((db, manifest.head()));
    }
    let place = inner.object_keys.lineage(id);
    if newest.is_none() && record.reason == Reason::Bootstrap {
        newest = Some(load::empty(inner, id).await?);
    }
    let Some((db, base)) = newest else {
        let meaning = "one cannot go back to that lineage, nor recover it";
        verifier.report(place, "it has no checkpoint that can be loaded", meaning);
        return Ok(());
    };
    verifier.checked.states += 1;
    let meaning = "one cannot go back to the end of that lineage, nor recover it";
    let followed = load::follow(inner, &db, base).await;
    let Some(reached) = verifier.check(&place, meaning, followed)? else { return Ok(()) };
    // Beyond that there may be segments of archivers that came to nothing.
    let last = needed(state, inventory, record);
    if reached.position < last {
        let to = reached.position;
        let problem = format!("it reads back up to position `{to}` only, it went on to `{last}`");
        verifier.report(place, problem, meaning);
    }
    Ok(())
}

/// The position up to which this lineage must be archived, according to other records.
fn needed(state: &CoordinationState, inventory: &Inventory, record: &LineageRecord) -> u64 {
    let id = record.lineage;
    if state.head.is_some_and(|head| head.lineage == id) {
        let archived = state.archived.filter(|archived| archived.lineage == id);
        return archived.map_or(0, |archived| archived.position);
    }
    // What followed it began where it ended.
    let after = inventory.lineages.iter().filter_map(LineageRecord::followed);
    after.filter(|(of, ..)| *of == id).map(|(_, end, _)| end).max().unwrap_or(0)
}

async fn counts(
    verifier: &Verifier<'_>,
    db: &Db,
    version: u32,
) -> Result<BTreeMap<String, u64>, StoreError> {
    let schema = verifier.inner.schema;
    let count = move |tx: &Tx<'_>| schema.counts(tx, version);
    Ok(db.read::<_, DbError>(&Context::background(), count).await?)
}
