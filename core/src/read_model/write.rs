//! Writes a read model as data files.
//!
//! A file of an earlier checkpoint in whose range nothing was changed is shared, not written again.

use std::collections::{BTreeMap, BTreeSet};

use super::base::StoreBase;
use super::error::StoreError;
use super::history::History;
use super::schema::{Schema, Start};
use crate::checkpoint::writer::DATA_FILE_BYTES;
use crate::checkpoint::{DataFile, DataWriter, Manifest, SortKey};
use crate::context::Context;
use crate::db::{Db, DbError, Snapshot};
use crate::log::format::{Head, Mutation};

/// A file that would be smaller than this is merged with the next one.
const SMALL_BYTES: usize = DATA_FILE_BYTES / 4;
/// Objects read at a time.
const PAGE: usize = 500;
/// The most changed objects that are remembered; with more, every file is written anew.
const CHANGED_MAX: usize = 200_000;

/// Data files, and the version of the schema that their objects are written in.
#[derive(Debug, Clone, Default)]
pub(crate) struct StoredFiles {
    pub(crate) schema: u32,
    pub(crate) files: Vec<DataFile>,
}

impl StoredFiles {
    pub(crate) fn of(manifest: Manifest) -> StoredFiles {
        StoredFiles { schema: manifest.schema, files: manifest.files }
    }
}

/// A state as stored: the number of objects by type, and the data files.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) counts: BTreeMap<String, u64>,
    pub(crate) stored: StoredFiles,
}

impl State {
    /// The manifest of the state at a commit.
    pub(crate) fn manifest(self, store: &StoreBase, head: &Head) -> Manifest {
        Manifest {
            service: store.schema.service.to_owned(),
            schema: self.stored.schema,
            lineage: head.lineage,
            position: head.position,
            commit: head.commit,
            created: store.env.now(),
            counts: self.counts,
            files: self.stored.files,
        }
    }
}

/// Writes the state of `db` as data files; shares the files of `earlier` whose objects did not
/// change. `changed`: the ranks of changed objects; `None`: all may have changed.
pub(crate) async fn write_state(
    store: &StoreBase,
    db: &Db,
    earlier: &StoredFiles,
    changed: Option<&BTreeSet<Rank>>,
) -> Result<State, StoreError> {
    let snapshot = db.snapshot(&Context::background()).await?;
    write_snapshot(store, &snapshot, earlier, changed).await
}

/// The same of a snapshot. It is written in the version that the cluster writes in, and so are the
/// files that it shares.
pub(crate) async fn write_snapshot(
    store: &StoreBase,
    snapshot: &Snapshot,
    earlier: &StoredFiles,
    changed: Option<&BTreeSet<Rank>>,
) -> Result<State, StoreError> {
    // After the snapshot: nothing in it is of a newer version.
    let (schema, writes) = (store.schema, store.writes_version());
    let read = move |tx: &crate::db::Tx<'_>| schema.counts(tx, writes);
    let counts = snapshot.read::<_, DbError>(&Context::background(), read).await?;
    let changed = changed.filter(|_| earlier.schema == writes);
    let files = Writer::new(store, snapshot, writes).write(&earlier.files, changed).await?;
    Ok(State { counts, stored: StoredFiles { schema: writes, files } })
}

/// An object's place in the order: the number of its type, and its id.
pub(crate) type Rank = (usize, uuid::Uuid);

/// The ranks of the objects that changed between two commits; `None`: there are too many.
pub(crate) async fn changed_objects(
    store: &StoreBase,
    from: Head,
    to: &Head,
) -> Result<Option<BTreeSet<Rank>>, StoreError> {
    let mut history = History::after(store, from, to.position);
    let mut changed = BTreeSet::new();
    while let Some(commits) = history.next().await? {
        for commit in commits {
            for mutation in store.mutations(commit).await? {
                let (kind, id) = match &mutation {
                    Mutation::Put(object) => (&object.r#type, object.id),
                    Mutation::Delete { r#type, id } => (r#type, *id),
                };
                changed.insert((rank_of(store.schema, kind)?, id));
            }
        }
        if changed.len() > CHANGED_MAX {
            return Ok(None);
        }
    }
    Ok(Some(changed))
}

fn rank_of(schema: &Schema, kind: &str) -> Result<usize, StoreError> {
    let unknown = || StoreError::BrokenLog(format!("type `{kind}` is not known"));
    Ok(schema.find(kind).ok_or_else(unknown)?.0)
}

/// Writes the files whose objects changed, and shares the others.
struct Writer<'a> {
    schema: &'static Schema,
    /// The version of the schema that the files are written in.
    writes: u32,
    snapshot: &'a Snapshot,
    out: DataWriter<'a>,
}

impl<'a> Writer<'a> {
    fn new(store: &'a StoreBase, snapshot: &'a Snapshot, writes: u32) -> Writer<'a> {
        let out = DataWriter::new(&store.objects, &store.object_keys, &store.env);
        Writer { schema: store.schema, writes, snapshot, out }
    }

    /// A file covers the ranks from its first object up to the first object of the next file; the
    /// first file also covers the ranks before it.
    async fn write(
        mut self,
        files: &[DataFile],
        changed: Option<&BTreeSet<Rank>>,
    ) -> Result<Vec<DataFile>, StoreError> {
        let starts = files.iter().map(|file| self.rank(&file.first));
        let mut starts = starts.collect::<Result<Vec<Rank>, _>>()?;
        if let Some(first) = starts.first_mut() {
            *first = START;
        }
        for (nth, file) in files.iter().enumerate() {
            let (start, end) = (starts[nth], starts.get(nth + 1).copied());
            let rewrite = changed.is_none_or(|changed| match end {
                Some(end) => changed.range(start..end).next().is_some(),
                None => changed.range(start..).next().is_some(),
            });
            let open = self.out.open_bytes();
            if !rewrite && (open == 0 || open >= SMALL_BYTES) {
                self.out.cut().await?;
                self.out.share(file.clone());
            } else {
                self.copy(start, end).await?;
            }
        }
        if files.is_empty() {
            self.copy(START, None).await?;
        }
        Ok(self.out.finish().await?)
    }

    fn rank(&self, key: &SortKey) -> Result<Rank, StoreError> {
        Ok((rank_of(self.schema, &key.r#type)?, key.id))
    }

    /// Copies the objects from `start` up to, not including, `end`.
    async fn copy(&mut self, start: Rank, end: Option<Rank>) -> Result<(), StoreError> {
        let schema = self.schema;
        for (nth, kind) in schema.types.iter().enumerate() {
            if nth < start.0 || end.is_some_and(|end| nth > end.0) {
                continue;
            }
            let until = end.filter(|end| end.0 == nth).map(|end| end.1.to_string());
            // Ids are compared as texts: the empty text comes before every id.
            let mut from = if nth == start.0 { start.1.to_string() } else { String::new() };
            let mut start_at = Start::Included;
            loop {
                let (after, bound) = (from.clone(), until.clone());
                let read = move |tx: &crate::db::Tx<'_>| {
                    schema.span(tx, kind, &after, start_at, bound.as_deref(), PAGE)
                };
                let page = self.snapshot.read::<_, DbError>(&Context::background(), read).await?;
                for object in &page {
                    let lowered = schema.lower(object, self.writes)?;
                    self.out.push(lowered.as_ref().unwrap_or(object)).await?;
                }
                match page.last() {
                    Some(last) if page.len() == PAGE => from = last.id.to_string(),
                    _ => break,
                }
                start_at = Start::Excluded;
            }
        }
        Ok(())
    }
}

const START: Rank = (0, uuid::Uuid::nil());
