//! Makes a read model from the beginning: the newest checkpoint, then the log after it.
//!
//! Invariants: everything is read as of one revision of the coordination store, and must end
//! exactly at `head`; the new model replaces the old one only when it is complete. Memory is
//! bounded by one data file and one page of commits.

use super::error::StoreError;
use super::feed::follows;
use super::parts::Inner;
use super::schema;
use super::state::{Applied, Phase};
use crate::context::Context;
use crate::coord::{Coordination, KeyValue, Op, RangeRequest, Revision, Txn};
use crate::db::{Db, DbError, Tx};
use crate::log::bootstrap;
use crate::log::checkpoint::{Manifest, read_file};
use crate::log::format::{Action, Body, CheckpointRecord, Commit, Head, Object, decode};

/// A complete read model.
pub(super) struct Loaded {
    db: Db,
    head: Head,
    head_revision: Revision,
    /// What it is as of.
    pub(super) revision: Revision,
}

/// Where the log stood at one revision.
struct Start {
    head: Head,
    head_revision: Revision,
    checkpoint: Option<CheckpointRecord>,
    revision: Revision,
}

/// Commits read at a time.
const PAGE: usize = 256;

pub(super) async fn load(inner: &Inner) -> Result<Loaded, StoreError> {
    let (keys, object_keys) = (&inner.keys, &inner.object_keys);
    bootstrap::ensure(&inner.coord, &inner.objects, keys, object_keys, &inner.env).await?;
    let start = start(inner).await?;
    let db = Db::create(&inner.scratch, &inner.schema.ddl(), inner.execution).await?;
    let base = match start.checkpoint {
        Some(checkpoint) => load_checkpoint(inner, &db, checkpoint).await?,
        None => {
            let lineage = start.head.lineage;
            let base = Head { lineage, position: 0, commit: lineage };
            insert(inner, &db, Vec::new(), base).await?;
            base
        }
    };
    let reached = load_log(inner, &db, base, &start).await?;
    if reached != start.head {
        let (found, head) = (reached.position, start.head.position);
        return Err(broken(format!("it ends at position `{found}`, `head` says `{head}`")));
    }
    let (head, head_revision, revision) = (start.head, start.head_revision, start.revision);
    Ok(Loaded { db, head, head_revision, revision })
}

async fn start(inner: &Inner) -> Result<Start, StoreError> {
    let look =
        Txn::default().then(Op::get(inner.keys.head())).then(Op::get(inner.keys.checkpoint()));
    let answer = inner.coord.txn(look).await?;
    let found = |at: usize| answer.results.get(at).and_then(|result| result.first());
    let head = found(0).ok_or_else(|| broken("`head` does not exist".to_owned()))?;
    let checkpoint: Option<CheckpointRecord> =
        found(1).map(|kv| decode(&kv.key, &kv.value)).transpose()?;
    Ok(Start {
        head: decode(&head.key, &head.value)?,
        head_revision: head.mod_revision,
        checkpoint,
        revision: answer.revision,
    })
}

async fn load_checkpoint(
    inner: &Inner,
    db: &Db,
    checkpoint: CheckpointRecord,
) -> Result<Head, StoreError> {
    let CheckpointRecord { lineage, position } = checkpoint;
    let key = inner.object_keys.manifest(lineage, position);
    let manifest: Manifest = inner.objects.get_sealed(&key).await?;
    let expected = (inner.schema.service, lineage, position);
    if (manifest.service.as_str(), manifest.lineage, manifest.position) != expected {
        return Err(broken(format!("manifest `{key}` is of another service, lineage or position")));
    }
    let base = Head { lineage, position, commit: manifest.commit };
    for file in &manifest.files {
        let objects = read_file(&inner.objects, &inner.object_keys, file).await?;
        insert(inner, db, objects, base).await?;
    }
    insert(inner, db, Vec::new(), base).await?;
    Ok(base)
}

/// Applies the commits after `base`, as they were at the start's revision.
async fn load_log(inner: &Inner, db: &Db, base: Head, start: &Start) -> Result<Head, StoreError> {
    let mut head = base;
    loop {
        let range = inner.keys.commits_after(head.position);
        let request = RangeRequest::new(range).at(start.revision).limit(PAGE);
        let page = inner.coord.range(request).await?;
        let mut changes = Vec::new();
        for found in &page.kvs {
            let commit = next(found, &head)?;
            head = commit.head();
            changes.extend(inner.actions(commit.body).await?);
        }
        let schema = inner.schema;
        let work = move |tx: &Tx<'_>| -> Result<(), DbError> {
            changes.iter().try_for_each(|action: &Action| schema.apply(tx, action))?;
            schema::set_head(tx, &head)
        };
        db.run(&Context::background(), work).await?;
        if !page.more {
            return Ok(head);
        }
    }
}

fn next(found: &KeyValue, head: &Head) -> Result<Commit, StoreError> {
    let commit: Commit = decode(&found.key, &found.value)?;
    let switches = matches!(commit.body, Body::Switch { .. });
    if switches || !follows(&commit, head) {
        let (at, after) = (commit.position, head.position);
        return Err(broken(format!("commit `{at}` does not follow commit `{after}`")));
    }
    Ok(commit)
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
        let Loaded { db, head, head_revision, .. } = loaded;
        *self.db.write().expect("no holder of this lock panics") = Some(db);
        let (phase, revision) = (Phase::Ready, head_revision);
        self.applied.send_replace(Applied { phase, head: Some(head), revision });
    }
}
