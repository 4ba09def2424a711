//! Writes a read model as data files.
//!
//! A file of an earlier checkpoint in whose range nothing was changed is shared, not written again.

use std::collections::{BTreeMap, BTreeSet};

use super::base::StoreBase;
use super::error::StoreError;
use super::history::History;
use super::schema::{Schema, Start};
use crate::checkpoint::writer::DATA_FILE_BYTES;
use crate::checkpoint::{DataFile, DataWriter, Place};
use crate::context::Context;
use crate::db::{Db, DbError, Snapshot};
use crate::log::format::{Action, Head};

/// A file that would be smaller than this goes together with the next one.
const SMALL_BYTES: usize = DATA_FILE_BYTES / 4;
/// Objects read at a time.
const PAGE: usize = 500;
/// Changed objects remembered at most; with more of them everything is written anew.
const TOUCHED_MAX: usize = 200_000;

/// Counts by type, and the files.
pub(crate) type State = (BTreeMap<String, u64>, Vec<DataFile>);

/// Writes the state of `db` as data files; shares those of `files` in which nothing was touched.
pub(crate) async fn write_state(
    store: &StoreBase,
    db: &Db,
    files: &[DataFile],
    touched: Option<&BTreeSet<Rank>>,
) -> Result<State, StoreError> {
    let ctx = Context::background();
    let snapshot = db.snapshot(&ctx).await?;
    let schema = store.schema;
    let counts = snapshot.read(&ctx, move |tx| schema.counts(tx)).await?;
    let files = Writer::new(store, &snapshot).write(files, touched).await?;
    Ok((counts, files))
}

/// Where objects stand in the order: the type's number and the id.
pub(crate) type Rank = (usize, uuid::Uuid);

/// What was changed between two commits; `None` if that is too much to remember.
pub(crate) async fn touched(
    store: &StoreBase,
    from: Head,
    to: &Head,
) -> Result<Option<BTreeSet<Rank>>, StoreError> {
    let mut history = History::after(store, from, to.position);
    let mut touched = BTreeSet::new();
    while let Some(commits) = history.next().await? {
        for commit in commits {
            for action in store.actions(commit.body).await? {
                let (kind, id) = match &action {
                    Action::Put(object) => (&object.r#type, object.id),
                    Action::Delete { r#type, id } => (r#type, *id),
                };
                touched.insert((rank_of(store.schema, kind)?, id));
            }
        }
        if touched.len() > TOUCHED_MAX {
            return Ok(None);
        }
    }
    Ok(Some(touched))
}

fn rank_of(schema: &Schema, kind: &str) -> Result<usize, StoreError> {
    let unknown = || StoreError::BrokenLog(format!("type `{kind}` is not known"));
    Ok(schema.find(kind).ok_or_else(unknown)?.0)
}

/// Writes what was changed, and shares the rest.
pub(crate) struct Writer<'a> {
    schema: &'static Schema,
    snapshot: &'a Snapshot,
    out: DataWriter<'a>,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(store: &'a StoreBase, snapshot: &'a Snapshot) -> Writer<'a> {
        let out = DataWriter::new(&store.objects, &store.object_keys, &store.env);
        Writer { schema: store.schema, snapshot, out }
    }

    /// A file stands for everything from its first object up to the next file's; the first one also
    /// for what comes before it.
    pub(crate) async fn write(
        mut self,
        files: &[DataFile],
        touched: Option<&BTreeSet<Rank>>,
    ) -> Result<Vec<DataFile>, StoreError> {
        let starts = files.iter().map(|file| self.rank(&file.first));
        let mut starts = starts.collect::<Result<Vec<Rank>, _>>()?;
        if let Some(first) = starts.first_mut() {
            *first = START;
        }
        for (nth, file) in files.iter().enumerate() {
            let (start, end) = (starts[nth], starts.get(nth + 1).copied());
            let changed = touched.is_none_or(|touched| match end {
                Some(end) => touched.range(start..end).next().is_some(),
                None => touched.range(start..).next().is_some(),
            });
            let open = self.out.open_bytes();
            if !changed && (open == 0 || open >= SMALL_BYTES) {
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

    fn rank(&self, place: &Place) -> Result<Rank, StoreError> {
        Ok((rank_of(self.schema, &place.r#type)?, place.id))
    }

    /// Copies the objects from `start` up to, not including, `end`.
    async fn copy(&mut self, start: Rank, end: Option<Rank>) -> Result<(), StoreError> {
        let schema = self.schema;
        for (nth, kind) in schema.types.iter().enumerate() {
            if nth < start.0 || end.is_some_and(|end| nth > end.0) {
                continue;
            }
            let until = end.filter(|end| end.0 == nth).map(|end| end.1.to_string());
            // Ids are compared as texts; the empty one is before all, the start itself included.
            let mut from = if nth == start.0 { start.1.to_string() } else { String::new() };
            let mut start_at = Start::Included;
            loop {
                let (after, bound) = (from.clone(), until.clone());
                let read = move |tx: &crate::db::Tx<'_>| {
                    schema.span(tx, kind, &after, start_at, bound.as_deref(), PAGE)
                };
                let page = self.snapshot.read::<_, DbError>(&Context::background(), read).await?;
                for object in &page {
                    self.out.push(object).await?;
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
