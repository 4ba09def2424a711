//! Makes a read model from the beginning: the newest checkpoint, then segments, then the log.
//!
//! Invariants: the coordination store is read as of one revision, before segments are: what it no
//! longer holds at that revision is archived. The model must end exactly at `head`, and replaces
//! the old one only when it is complete. Memory is bounded by one data file and one page of
//! commits.

use super::error::StoreError;
use super::history::History;
use super::parts::Inner;
use super::state::{Applied, Phase};
use super::{fork, recovery, schema};
use crate::checkpoint::{DataFile, Manifest, read_file};
use crate::context::Context;
use crate::coord::{Coordination, Op, Revision, Txn};
use crate::db::{Db, DbError, Tx};
use crate::lineage::bootstrap::{self, Found};
use crate::log::format::{Action, CheckpointRecord, Commit, Head, Object, decode};
use crate::maintenance::SeenMode;

/// A complete read model.
pub(super) struct Loaded {
    pub(super) db: Db,
    pub(super) head: Head,
    head_revision: Revision,
    mode: SeenMode,
    /// What it is as of.
    pub(super) revision: Revision,
    pub(super) base: Base,
}

/// The checkpoint that a read model begins with, or the empty state of a first boot.
pub(super) struct Base {
    pub(super) head: Head,
    pub(super) files: Vec<DataFile>,
}

/// Where the log stood at one revision.
struct Start {
    head: Head,
    head_revision: Revision,
    checkpoint: Option<CheckpointRecord>,
    mode: SeenMode,
    revision: Revision,
}

/// `known`: the last commit that this instance had applied, if any.
pub(super) async fn load(inner: &Inner, known: Option<Head>) -> Result<Loaded, StoreError> {
    let (keys, object_keys) = (&inner.keys, &inner.object_keys);
    let found =
        bootstrap::ensure(&inner.coord, &inner.objects, keys, object_keys, &inner.env).await?;
    if let Found::HeadLost { lineage } = found {
        recovery::recover(inner, lineage).await?;
    } else {
        recovery::if_set_back(inner).await?;
    }
    if let Some(known) = known {
        fork::if_another_past(inner, &known).await?;
    }
    assemble(inner).await
}

/// What a load would give, without recovery and without effect.
pub(crate) async fn rehearse(inner: &Inner) -> Result<Head, StoreError> {
    Ok(assemble(inner).await?.head)
}

pub(super) async fn assemble(inner: &Inner) -> Result<Loaded, StoreError> {
    let start = start(inner).await?;
    let db = Db::create(&inner.scratch, &inner.schema.ddl(), inner.execution).await?;
    let base = load_base(inner, &db, start.checkpoint, &start.head).await?;
    inner.progress.begin(base.head.position, start.head.position);
    let reached = replay(inner, &db, base.head, start.head.position, Some(start.revision)).await?;
    if reached != start.head {
        let (found, head) = (reached.position, start.head.position);
        return Err(broken(format!("it ends at position `{found}`, `head` says `{head}`")));
    }
    let Start { head, head_revision, mode, revision, .. } = start;
    Ok(Loaded { db, head, head_revision, mode, revision, base })
}

async fn start(inner: &Inner) -> Result<Start, StoreError> {
    let look = Txn::default()
        .then(Op::get(inner.keys.head()))
        .then(Op::get(inner.keys.checkpoint()))
        .then(Op::get(inner.keys.mode()));
    let answer = inner.coord.txn(look).await?;
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
    inner: &Inner,
    db: &Db,
    checkpoint: Option<CheckpointRecord>,
    head: &Head,
) -> Result<Base, StoreError> {
    let Some(CheckpointRecord { lineage, position }) = checkpoint else {
        let lineage = head.lineage;
        let head = Head { lineage, position: 0, commit: lineage };
        insert(inner, db, Vec::new(), head).await?;
        return Ok(Base { head, files: Vec::new() });
    };
    let key = inner.object_keys.manifest(lineage, position);
    let manifest: Manifest = inner.objects.get_envelope(&key).await?;
    let expected = (inner.schema.service, lineage, position);
    if (manifest.service.as_str(), manifest.lineage, manifest.position) != expected {
        return Err(broken(format!("manifest `{key}` is of another service, lineage or position")));
    }
    let head = load_manifest(inner, db, &manifest).await?;
    Ok(Base { head, files: manifest.files })
}

/// Fills an empty model with a checkpoint.
pub(super) async fn load_manifest(
    inner: &Inner,
    db: &Db,
    manifest: &Manifest,
) -> Result<Head, StoreError> {
    db.defer_references().await?;
    let filled = fill(inner, db, manifest).await;
    // Also after a failure: the caller may go on with an older checkpoint.
    let dangling = db.check_references(&Context::background()).await;
    let base = filled?;
    match dangling? {
        None => Ok(base),
        Some(dangling) => Err(broken(format!("a checkpoint does not hold together: {dangling}"))),
    }
}

async fn fill(inner: &Inner, db: &Db, manifest: &Manifest) -> Result<Head, StoreError> {
    let base = manifest.head();
    let total = manifest.counts.values().sum();
    inner.progress.begin(0, total);
    for file in &manifest.files {
        let objects = read_file(&inner.objects, &inner.object_keys, file).await?;
        inner.progress.advance(objects.len() as u64);
        insert(inner, db, objects, base).await?;
    }
    insert(inner, db, Vec::new(), base).await?;
    Ok(base)
}

/// Applies the commits after `base`.
pub(super) async fn replay(
    inner: &Inner,
    db: &Db,
    base: Head,
    until: u64,
    revision: Option<Revision>,
) -> Result<Head, StoreError> {
    let mut history = History::after(inner, base, until);
    if let Some(revision) = revision {
        history = history.frozen_at(revision);
    }
    while let Some(commits) = history.next().await? {
        inner.progress.advance(commits.len() as u64);
        apply(inner, db, commits).await?;
    }
    Ok(history.at())
}

/// Applies commits that were checked to follow what the model holds.
pub(super) async fn apply(inner: &Inner, db: &Db, commits: Vec<Commit>) -> Result<(), StoreError> {
    let Some(head) = commits.last().map(Commit::head) else { return Ok(()) };
    let mut changes = Vec::new();
    for commit in commits {
        changes.extend(inner.actions(commit.body).await?);
    }
    let schema = inner.schema;
    let work = move |tx: &Tx<'_>| -> Result<(), DbError> {
        changes.iter().try_for_each(|action: &Action| schema.apply(tx, action))?;
        schema::set_head(tx, &head)
    };
    Ok(db.run(&Context::background(), work).await?)
}

async fn insert(
    inner: &Inner,
    db: &Db,
    objects: Vec<Object>,
    base: Head,
) -> Result<(), StoreError> {
    let schema = inner.schema;
    let work = move |tx: &Tx<'_>| -> Result<(), DbError> {
        objects.iter().try_for_each(|object| schema.put(tx, object))?;
        schema::set_head(tx, &base)
    };
    Ok(db.run(&Context::background(), work).await?)
}

fn broken(what: String) -> StoreError {
    StoreError::BrokenLog(what)
}

impl Inner {
    /// Puts a complete read model in the place of the old one.
    pub(super) fn install(&self, loaded: Loaded) {
        let Loaded { db, head, head_revision, mode, .. } = loaded;
        *self.db.write().expect("no holder of this lock panics") = Some(db);
        let before = self.applied.borrow().head;
        if before.is_some_and(|before| before.lineage != head.lineage) {
            // It may be another coordination store, whose revisions say nothing of what was known.
            self.mode.replace(mode);
        } else {
            self.mode.observe(mode);
        }
        let (phase, revision) = (Phase::Ready, head_revision);
        self.is_at(Applied { phase, head: Some(head), revision });
    }
}
