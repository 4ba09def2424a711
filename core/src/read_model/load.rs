//! Loads a read model: the newest checkpoint, then segments, then the log.
//!
//! Invariants: the coordination store is read as of one revision, and before segments are listed:
//! commits that it no longer holds at that revision are archived. The model must end exactly at
//! `head`. Memory is bounded by one data file and one page of commits.

use super::base::StoreBase;
use super::error::StoreError;
use super::history::History;
use super::schema;
use crate::checkpoint::{DataFile, Manifest, read_file};
use crate::context::Context;
use crate::coord::{Coordination, Op, Revision, Txn};
use crate::db::{Db, DbError, Tx};
use crate::error;
use crate::log::format::{CheckpointRecord, Commit, Head, Mutation, Object, Position, decode};
use crate::log::segment::{Chain, SegmentError};
use crate::maintenance::SeenMode;
use crate::objects::ObjectError;

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
    pub(crate) files: Vec<DataFile>,
}

/// The keys of the log at one revision.
struct Start {
    head: Head,
    head_revision: Revision,
    checkpoint: Option<CheckpointRecord>,
    mode: SeenMode,
    revision: Revision,
}

/// Fills `db`, which is empty, with the state at `head`.
pub(crate) async fn assemble(store: &StoreBase, db: Db) -> Result<Loaded, StoreError> {
    let start = start(store).await?;
    let base = load_base(store, &db, start.checkpoint, &start.head).await?;
    store.progress.begin(base.head.position, start.head.position);
    let reached = replay(store, &db, base.head, start.head.position, Some(start.revision)).await?;
    if reached != start.head {
        let (found, head) = (reached.position, start.head.position);
        return Err(broken(format!("it ends at position `{found}`, `head` says `{head}`")));
    }
    let Start { head, head_revision, mode, revision, .. } = start;
    Ok(Loaded { db, head, head_revision, mode, revision, base })
}

async fn start(store: &StoreBase) -> Result<Start, StoreError> {
    let read = Txn::default()
        .then(Op::get(store.keys.head()))
        .then(Op::get(store.keys.checkpoint()))
        .then(Op::get(store.keys.mode()));
    let answer = store.coord.txn(read).await?;
    let found = |at: usize| answer.results.get(at).and_then(|result| result.first());
    let head = found(0).ok_or_else(|| broken("`head` does not exist".to_owned()))?;
    let checkpoint: Option<CheckpointRecord> =
        found(1).map(|kv| decode(&kv.key, &kv.value)).transpose()?;
    Ok(Start {
        head: decode(&head.key, &head.value)?,
        head_revision: head.mod_revision,
        checkpoint,
        mode: SeenMode::decode(found(2))?,
        revision: answer.revision,
    })
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
        return Ok(BaseState { head, files: Vec::new() });
    };
    let key = store.object_keys.manifest(lineage, position);
    let manifest: Manifest = store.objects.get_envelope(&key).await?;
    let expected = (store.schema.service, lineage, position);
    if (manifest.service.as_str(), manifest.lineage, manifest.position) != expected {
        return Err(broken(format!("manifest `{key}` is of another service, lineage or position")));
    }
    let head = load_manifest(store, db, &manifest).await?;
    Ok(BaseState { head, files: manifest.files })
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
    let total = manifest.counts.values().sum();
    store.progress.begin(0, total);
    for file in &manifest.files {
        let objects = read_file(&store.objects, &store.object_keys, file).await?;
        store.progress.advance(objects.len() as u64);
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
        changes.extend(store.mutations(commit.body).await?);
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
                let error = StoreError::Segment(error);
                if let StoreError::Segment(SegmentError::Objects(ObjectError::Unavailable {
                    ..
                })) = &error
                {
                    return Err(error);
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
