//! Loads a read model: the newest checkpoint, then segments, then the log.
//!
//! Invariants: the coordination store is read as of one revision, and before segments are listed:
//! commits that it no longer holds at that revision are archived. The model must end exactly at
//! `head`. Memory is bounded by one data file and one page of commits.

use super::base::StoreBase;
use super::error::StoreError;
use super::history::History;
use super::schema;
use super::write::StoredFiles;
use crate::checkpoint::{Manifest, manifest, read_file};
use crate::context::Context;
use crate::coord::{Coordination, KeyRange, KeyValue, Op, RangeRequest, Revision, Txn};
use crate::db::{Db, DbError, Tx};
use crate::error::{self, FailureClass};
use crate::log::format::{
    ArchivedRecord, CheckpointRecord, Commit, Head, Mutation, Object, Position, WritesRecord,
    decode,
};
use crate::log::segment::Chain;
use crate::maintenance::SeenMode;

/// A complete read model.
pub(crate) struct Loaded {
    pub(crate) db: Db,
    pub(crate) head: Head,
    pub(crate) head_revision: Revision,
    pub(crate) mode: SeenMode,
    /// The revision of the coordination store that it was read at.
    pub(crate) revision: Revision,
    pub(crate) base: BaseState,
}

/// The checkpoint that a load begins with, or the empty state of a first boot.
pub(crate) struct BaseState {
    pub(crate) head: Head,
    pub(crate) stored: StoredFiles,
}

/// Where the log stood at one revision.
#[derive(Debug, Clone)]
pub(crate) struct Start {
    pub(crate) head: Head,
    /// As it is written there.
    pub(crate) head_found: KeyValue,
    pub(crate) archived: Option<ArchivedRecord>,
    pub(crate) mode_found: Option<KeyValue>,
    pub(crate) revision: Revision,
    pub(crate) checkpoint: Option<CheckpointRecord>,
    pub(crate) writes_found: Option<KeyValue>,
    mode: SeenMode,
}

/// Fills `db`, which is empty, with the state at `start`.
pub(crate) async fn assemble(
    store: &StoreBase,
    db: Db,
    start: Start,
) -> Result<Loaded, StoreError> {
    let base = load_base(store, &db, start.checkpoint, &start.head).await?;
    store.progress.begin(base.head.position, start.head.position);
    let reached = replay(store, &db, base.head, start.head.position, Some(start.revision)).await?;
    if reached != start.head {
        let (found, head) = (reached.position, start.head.position);
        return Err(broken(format!("it ends at position `{found}`, `head` says `{head}`")));
    }
    let Start { head, head_found, mode, revision, .. } = start;
    Ok(Loaded { db, head, head_revision: head_found.mod_revision, mode, revision, base })
}

impl Start {
    /// `None`: there is no `head`.
    pub(crate) async fn read(store: &StoreBase) -> Result<Option<Start>, StoreError> {
        let look = Txn::default()
            .then(Op::get(store.keys.head()))
            .then(Op::get(store.keys.checkpoint()))
            .then(Op::get(store.keys.mode()))
            .then(Op::get(store.keys.archived()))
            .then(Op::get(store.keys.writes()));
        let answer = store.coord.txn(look).await?;
        let found = |at: usize| answer.results.get(at).and_then(|result| result.first());
        let Some(head) = found(0) else { return Ok(None) };
        if let Some(found) = found(4) {
            let writes: WritesRecord = decode(&found.key, &found.value)?;
            store.schema.check_version(writes.schema, store.keys.writes())?;
            store.writes.found(writes.schema);
        }
        Ok(Some(Start {
            head: decode(&head.key, &head.value)?,
            head_found: head.clone(),
            archived: found(3).map(|kv| decode(&kv.key, &kv.value)).transpose()?,
            mode_found: found(2).cloned(),
            revision: answer.revision,
            checkpoint: found(1).map(|kv| decode(&kv.key, &kv.value)).transpose()?,
            writes_found: found(4).cloned(),
            mode: SeenMode::decode(found(2))?,
        }))
    }

    /// The last commit of the lineage in force that is published as archived.
    pub(crate) fn published(&self) -> Option<Head> {
        let archived = self.archived.filter(ArchivedRecord::is_published);
        archived.map(|archived| archived.head()).filter(|at| at.lineage == self.head.lineage)
    }

    /// The commit at a position of this log, unless it was trimmed.
    pub(crate) async fn commit_at(
        &self,
        store: &StoreBase,
        position: Position,
    ) -> Result<Option<Commit>, StoreError> {
        let range = KeyRange::single(store.keys.commit(position));
        let mut request = RangeRequest::new(range).limit(1);
        request.revision = Some(self.revision);
        let found = store.coord.range(request).await?.kvs;
        Ok(found.first().map(|kv| decode(&kv.key, &kv.value)).transpose()?)
    }
}

/// The checkpoint, or the empty state of a lineage's first boot.
async fn load_base(
    store: &StoreBase,
    db: &Db,
    checkpoint: Option<CheckpointRecord>,
    head: &Head,
) -> Result<BaseState, StoreError> {
    let Some(CheckpointRecord { lineage, position }) = checkpoint else {
        let lineage = head.lineage;
        let head = Head { lineage, position: 0, commit: lineage };
        insert(store, db, Vec::new(), head).await?;
        return Ok(BaseState { head, stored: StoredFiles::default() });
    };
    let (position, manifest) = manifest_for(store, head, lineage, position).await?;
    let key = store.object_keys.manifest(lineage, position);
    let expected = (store.schema.service, lineage, position);
    if (manifest.service.as_str(), manifest.lineage, manifest.position) != expected {
        return Err(broken(format!("manifest `{key}` is of another service, lineage or position")));
    }
    let head = load_manifest(store, db, &manifest).await?;
    Ok(BaseState { head, stored: StoredFiles::of(manifest) })
}

/// The checkpoint that the coordination store names. One that was set back may name one that is
/// collected by now: then the newest that this log can have led to.
async fn manifest_for(
    store: &StoreBase,
    head: &Head,
    lineage: uuid::Uuid,
    position: Position,
) -> Result<(Position, Manifest), StoreError> {
    let (objects, keys) = (&store.objects, &store.object_keys);
    let missing = match objects.get_envelope(&keys.manifest(lineage, position)).await {
        Err(error @ crate::objects::ObjectError::NotExist(_)) => error,
        found => return Ok((position, found?)),
    };
    let kept = manifest::positions(objects, keys, lineage).await?;
    let newest = kept.into_iter().rfind(|at| *at <= head.position && *at > position);
    let newest = newest.filter(|_| lineage == head.lineage).ok_or(missing)?;
    Ok((newest, objects.get_envelope(&keys.manifest(lineage, newest)).await?))
}

/// Fills an empty model with a checkpoint.
pub(crate) async fn load_manifest(
    store: &StoreBase,
    db: &Db,
    manifest: &Manifest,
) -> Result<Head, StoreError> {
    db.defer_references().await?;
    let filled = fill(store, db, manifest).await;
    // Checked also after a failure, to turn the checks on again: the caller may try an older
    // checkpoint.
    let dangling = db.check_references(&Context::background()).await;
    let base = filled?;
    match dangling? {
        None => Ok(base),
        Some(dangling) => Err(broken(format!("a checkpoint does not hold together: {dangling}"))),
    }
}

async fn fill(store: &StoreBase, db: &Db, manifest: &Manifest) -> Result<Head, StoreError> {
    let base = manifest.head();
    let (schema, place) = (store.schema, store.object_keys.manifest(base.lineage, base.position));
    schema.check_version(manifest.schema, place)?;
    store.writes.found(manifest.schema);
    let total = manifest.counts.values().sum();
    store.progress.begin(0, total);
    for file in &manifest.files {
        let objects = read_file(&store.objects, &store.object_keys, file).await?;
        store.progress.advance(objects.len() as u64);
        let raised = objects.into_iter().map(|object| schema.raise(object, manifest.schema));
        let objects = raised.collect::<Result<_, _>>()?;
        insert(store, db, objects, base).await?;
    }
    insert(store, db, Vec::new(), base).await?;
    Ok(base)
}

/// Applies the commits after `base`.
pub(crate) async fn replay(
    store: &StoreBase,
    db: &Db,
    base: Head,
    until: u64,
    revision: Option<Revision>,
) -> Result<Head, StoreError> {
    let mut history = History::after(store, base, until);
    if let Some(revision) = revision {
        history = history.frozen_at(revision);
    }
    while let Some(commits) = history.next().await? {
        store.progress.advance(commits.len() as u64);
        apply(store, db, commits).await?;
    }
    Ok(history.at())
}

/// Applies commits, which the caller has checked to follow the read model.
pub(crate) async fn apply(
    store: &StoreBase,
    db: &Db,
    commits: Vec<Commit>,
) -> Result<(), StoreError> {
    let Some(head) = commits.last().map(Commit::head) else { return Ok(()) };
    let mut changes = Vec::new();
    for commit in commits {
        changes.extend(store.mutations(commit).await?);
    }
    let schema = store.schema;
    let work = move |tx: &Tx<'_>| -> Result<(), DbError> {
        changes.iter().try_for_each(|mutation: &Mutation| schema.apply(tx, mutation))?;
        schema::set_head(tx, &head)
    };
    Ok(db.run(&Context::background(), work).await?)
}

async fn insert(
    store: &StoreBase,
    db: &Db,
    objects: Vec<Object>,
    base: Head,
) -> Result<(), StoreError> {
    let schema = store.schema;
    let work = move |tx: &Tx<'_>| -> Result<(), DbError> {
        objects.iter().try_for_each(|object| schema.put(tx, object))?;
        schema::set_head(tx, &base)
    };
    Ok(db.run(&Context::background(), work).await?)
}

/// Loads one checkpoint into a database of its own.
pub(crate) async fn load_checkpoint(
    store: &StoreBase,
    lineage: uuid::Uuid,
    position: Position,
) -> Result<(Db, Manifest), StoreError> {
    let key = store.object_keys.manifest(lineage, position);
    let manifest: Manifest = store.objects.get_envelope(&key).await?;
    let db = store.create_db().await?;
    load_manifest(store, &db, &manifest).await?;
    Ok((db, manifest))
}

/// The empty state before a lineage's first commit.
pub(crate) async fn empty(
    store: &StoreBase,
    lineage: uuid::Uuid,
) -> Result<(Db, Head), StoreError> {
    let db = store.create_db().await?;
    Ok((db, Head { lineage, position: 0, commit: lineage }))
}

/// Applies the chain of segments after `base`, to its end.
pub(crate) async fn follow(store: &StoreBase, db: &Db, base: Head) -> Result<Head, StoreError> {
    let reached = proven_end(store, base).await?;
    replay(store, db, base, reached, None).await
}

/// The last position up to which segments follow `base` without a gap.
async fn proven_end(store: &StoreBase, base: Head) -> Result<Position, StoreError> {
    let mut chain = Chain::after(&store.objects, &store.object_keys, base).await?;
    loop {
        match chain.next().await {
            Ok(Some(_)) => {}
            Ok(None) => return Ok(chain.at().position),
            Err(error) => {
                if error.class() != FailureClass::Other {
                    return Err(error.into());
                }
                let (chain_at, error) = (chain.at().position, error::Chain(&error));
                tracing::error!(position = chain_at, %error, "the chain of segments ends here");
                return Ok(chain_at);
            }
        }
    }
}

fn broken(problem: String) -> StoreError {
    StoreError::BrokenLog(problem)
}
