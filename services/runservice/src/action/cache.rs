//! What commits say of caches, and who may read and write them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use drydock_api::runservice::endpoints::cache::Delete;
use drydock_api::runservice::endpoints::own::{FindCache, SaveCache};
use drydock_api::runservice::refusals::{
    AttemptNotExist, CacheNotExist, CacheReadOnly, StaleAttempt,
};
use drydock_api::runservice::types::{
    AttemptId, CacheId, CacheScopes, CacheView, ExecutorId, ProjectId,
};
use drydock_core::db::Tx;
use drydock_core::error::ActionError;
use drydock_core::store::StoreTx;
use jiff::Timestamp;

use super::status;
use crate::model;
use crate::record::{Cache, Run};
use crate::schema::{CACHES, RUNS};

/// A new entry, whose object is stored.
#[derive(Debug, Clone)]
pub struct New {
    pub key: String,
    pub object: String,
    pub size: u64,
    pub blake3: String,
    /// The entry of this key whose object is not there: the new one takes its place.
    pub replaces: Option<CacheId>,
}

/// The outcome of a save. The first writer of a key wins.
pub enum Saved {
    Created(Cache),
    /// There was one of this key, which stays.
    Existed(Cache),
}

/// The entry that these keys find for an attempt that runs: one with exactly such a key, else the
/// newest by commit whose key begins with one; earlier keys before later ones, and for one key
/// earlier scopes before later ones. Those that are passed over are as good as none.
pub fn find(
    tx: &Tx<'_>,
    (executor, attempt): (ExecutorId, AttemptId),
    keys: &[String],
    passed: &BTreeSet<CacheId>,
) -> Result<Option<Cache>, ActionError<FindCache>> {
    let (project, scopes) = scopes::<FindCache>(tx, executor, attempt)?;
    let Some(scopes) = scopes else { return Ok(None) };
    let each = || keys.iter().flat_map(|key| scopes.read.iter().map(move |scope| (key, scope)));
    for (key, scope) in each() {
        let found = model::cache::exact(tx, project, scope, key)?;
        if let Some(found) = found.filter(|found| !passed.contains(&found.id)) {
            return Ok(Some(found));
        }
    }
    for (prefix, scope) in each() {
        let newest = model::cache::newest(tx, project, scope, prefix, passed.len() + 1)?;
        if let Some(found) = newest.into_iter().find(|found| !passed.contains(&found.id)) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The entry that has the key already in the scope to which an attempt that runs may write.
pub fn may_save(
    tx: &Tx<'_>,
    (executor, attempt): (ExecutorId, AttemptId),
    key: &str,
) -> Result<Option<Cache>, ActionError<SaveCache>> {
    let (project, scope) = written_scope(tx, executor, attempt)?;
    Ok(model::cache::exact(tx, project, &scope, key)?)
}

/// Adds an entry, if there is none of its key.
pub fn save(
    tx: &mut StoreTx<'_>,
    (executor, attempt): (ExecutorId, AttemptId),
    new: &New,
) -> Result<Saved, ActionError<SaveCache>> {
    let (project, scope) = written_scope(tx, executor, attempt)?;
    match model::cache::exact(tx, project, &scope, &new.key)? {
        Some(entry) if Some(entry.id) == new.replaces => tx.delete(CACHES, entry.id.0)?,
        Some(entry) => return Ok(Saved::Existed(entry)),
        None => {}
    }
    let entry = Cache {
        id: CacheId(tx.new_id()),
        project,
        scope,
        key: new.key.clone(),
        object: new.object.clone(),
        size: new.size,
        blake3: new.blake3.clone(),
        place: model::cache::next_place(tx)?,
        created_at: tx.now(),
        last_used_at: tx.now(),
    };
    tx.put(CACHES, entry.id.0, &entry)?;
    Ok(Saved::Created(entry))
}

/// Deletes an entry of a project; answers it.
pub fn delete(
    tx: &mut StoreTx<'_>,
    project: ProjectId,
    entry: CacheId,
) -> Result<Cache, ActionError<Delete>> {
    let found: Option<Cache> = tx.get(CACHES, entry.0)?;
    let found = found.filter(|found| found.project == project);
    let found = found.ok_or(CacheNotExist(entry))?;
    tx.delete(CACHES, entry.0)?;
    Ok(found)
}

/// Whether a use at this time is to be committed: if the one before it was so long ago.
pub fn is_worth_noting(entry: &Cache, now: Timestamp, apart: Duration) -> bool {
    let since = now.duration_since(entry.last_used_at);
    Duration::try_from(since).is_ok_and(|since| since > apart)
}

/// Notes uses of entries, and deletes entries whose object, which is given, is not there.
pub fn note<F>(
    tx: &mut StoreTx<'_>,
    (used, apart): (&BTreeSet<CacheId>, Duration),
    missing: &BTreeMap<CacheId, String>,
) -> Result<(), ActionError<F>> {
    for id in used {
        let found: Option<Cache> = tx.get(CACHES, id.0)?;
        if let Some(mut entry) = found.filter(|entry| is_worth_noting(entry, tx.now(), apart)) {
            entry.last_used_at = tx.now();
            tx.put(CACHES, id.0, &entry)?;
        }
    }
    for (id, object) in missing {
        let found: Option<Cache> = tx.get(CACHES, id.0)?;
        if found.is_some_and(|entry| entry.object == *object) {
            tx.delete(CACHES, id.0)?;
        }
    }
    Ok(())
}

/// Deletes the first entries that nobody has used since this moment; answers them.
pub fn expire<F>(
    tx: &mut StoreTx<'_>,
    before: Timestamp,
    limit: usize,
) -> Result<Vec<Cache>, ActionError<F>> {
    let old = model::cache::unused(tx, before, limit.min(tx.deletion_objects()))?;
    for entry in &old {
        tx.delete(CACHES, entry.id.0)?;
    }
    Ok(old)
}

/// Deletes the entries of a project that were not used for longest, as long as there are more than
/// the quota allows, or as many as one commit may delete; answers them.
pub fn shrink<F>(
    tx: &mut StoreTx<'_>,
    project: ProjectId,
    quota: u64,
    limit: usize,
) -> Result<Vec<Cache>, ActionError<F>> {
    let (mut size, mut count) = model::cache::total(tx, project)?;
    let oldest = model::cache::oldest(tx, project, limit.min(tx.deletion_objects()))?;
    let mut gone = Vec::new();
    for entry in oldest {
        if size <= quota && count <= model::cache::MAX_ENTRIES {
            break;
        }
        (size, count) = (size.saturating_sub(entry.size), count.saturating_sub(1));
        tx.delete(CACHES, entry.id.0)?;
        gone.push(entry);
    }
    Ok(gone)
}

pub fn view(entry: &Cache) -> CacheView {
    CacheView {
        id: entry.id,
        scope: entry.scope.clone(),
        key: entry.key.clone(),
        size: entry.size,
        created_at: entry.created_at,
        last_used_at: entry.last_used_at,
    }
}

/// The project of an attempt that runs, and the scopes of its run.
fn scopes<F: From<AttemptNotExist> + From<StaleAttempt>>(
    tx: &Tx<'_>,
    executor: ExecutorId,
    attempt: AttemptId,
) -> Result<(ProjectId, Option<CacheScopes>), ActionError<F>> {
    let attempt = status::find::<F>(tx, executor, attempt)?;
    if attempt.phase.is_final() {
        return Err(StaleAttempt(attempt.phase).into());
    }
    let run: Option<Run> = tx.get(RUNS, attempt.run.0)?;
    Ok((attempt.project, run.and_then(|run| run.cache)))
}

fn written_scope(
    tx: &Tx<'_>,
    executor: ExecutorId,
    attempt: AttemptId,
) -> Result<(ProjectId, String), ActionError<SaveCache>> {
    let (project, scopes) = scopes::<SaveCache>(tx, executor, attempt)?;
    Ok((project, scopes.and_then(|scopes| scopes.write).ok_or(CacheReadOnly)?))
}
