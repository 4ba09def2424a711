//! Loads every state that could be needed into a scratch database, whose constraints are the
//! service's own: each checkpoint, each lineage up to its end, and what the next start would load.

use std::collections::BTreeMap;

use super::keys::Seen;
use super::objects::Kept;
use super::verify::Verifier;
use crate::context::Context;
use crate::db::{Db, DbError, Tx};
use crate::lineage::list::last_position;
use crate::lineage::record::LineageRecord;
use crate::lineage::recovery;
use crate::log::format::{Head, Reason};
use crate::read_model::base::StoreBase;
use crate::read_model::{StoreError, load};

pub(super) async fn check(
    verifier: &mut Verifier<'_>,
    seen: &Seen,
    kept: &Kept,
) -> Result<(), StoreError> {
    for record in &kept.lineages {
        lineage(verifier, seen, kept, record).await?;
    }
    let Some(head) = seen.head else {
        if !kept.lineages.is_empty() || !seen.log.is_empty() {
            let meaning = "the next start recovers from objects; what was not archived is lost";
            let place = verifier.inner.keys.head();
            verifier.find(place, "it does not exist, though a store does", meaning);
        }
        return Ok(());
    };
    verifier.checked.states += 1;
    let meaning = "no instance can start";
    let loaded = load_from_now(verifier.inner).await;
    let place = verifier.inner.keys.head();
    verifier.sound(&place, meaning, loaded)?;
    let proven = recovery::is_set_back(verifier.inner, &head).await;
    let meaning = "the next start cannot tell whether the coordination store was set back";
    if let Some(true) = verifier.sound(&place, meaning, proven)? {
        let meaning = "the coordination store was set back: the next start recovers from objects";
        verifier.find(place, "objects hold later commits than it names", meaning);
    }
    Ok(())
}

/// What the next start would load.
async fn load_from_now(store: &StoreBase) -> Result<Head, StoreError> {
    Ok(load::assemble(store, store.create_db().await?).await?.head)
}

async fn lineage(
    verifier: &mut Verifier<'_>,
    seen: &Seen,
    kept: &Kept,
    record: &LineageRecord,
) -> Result<(), StoreError> {
    let (inner, id) = (verifier.inner, record.lineage);
    let mut newest: Option<(Db, Head)> = None;
    for position in kept.manifests.get(&id).into_iter().flatten() {
        verifier.checked.states += 1;
        let key = inner.object_keys.manifest(id, *position);
        let meaning = "this checkpoint cannot be loaded";
        let loaded = load::load_checkpoint(inner, id, *position).await;
        let Some((db, manifest)) = verifier.sound(&key, meaning, loaded)? else { continue };
        if counts(verifier, &db).await? != manifest.counts {
            verifier.find(&key, "it loads to other counts than it says", meaning);
        }
        newest = Some((db, manifest.head()));
    }
    let place = inner.object_keys.lineage(id);
    if newest.is_none() && record.reason == Reason::Bootstrap {
        newest = Some(load::empty(inner, id).await?);
    }
    let Some((db, base)) = newest else {
        let meaning = "one cannot go back to that lineage, nor recover it";
        verifier.find(place, "it has no checkpoint that can be loaded", meaning);
        return Ok(());
    };
    verifier.checked.states += 1;
    let meaning = "one cannot go back to the end of that lineage, nor recover it";
    let followed = load::follow(inner, &db, base).await;
    let Some(reached) = verifier.sound(&place, meaning, followed)? else { return Ok(()) };
    let last = last_position(&inner.objects, &inner.object_keys, id)
        .await?
        .max(needed(seen, kept, record));
    if reached.position < last {
        let to = reached.position;
        let problem = format!("it reads back up to position `{to}` only, it went on to `{last}`");
        verifier.find(place, problem, meaning);
    }
    Ok(())
}

/// The last position that something says was archived of this lineage.
fn needed(seen: &Seen, kept: &Kept, record: &LineageRecord) -> u64 {
    let id = record.lineage;
    if seen.head.is_some_and(|head| head.lineage == id) {
        let archived = seen.archived.filter(|archived| archived.lineage == id);
        return archived.map_or(0, |archived| archived.position);
    }
    // What followed it began where it ended.
    let after = kept.lineages.iter().filter(|after| after.parent == Some(id));
    after.map(|after| after.fork).max().unwrap_or(0)
}

async fn counts(verifier: &Verifier<'_>, db: &Db) -> Result<BTreeMap<String, u64>, StoreError> {
    let schema = verifier.inner.schema;
    let count = move |tx: &Tx<'_>| schema.counts(tx);
    Ok(db.read::<_, DbError>(&Context::background(), count).await?)
}
