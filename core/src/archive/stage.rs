//! Stages an import: validates an export line by line and writes it as data files that nothing
//! refers to yet.
//!
//! Every object is put into a scratch database with the service's own schema, so it meets the same
//! constraints as on every other path, and into data files (except in a dry run).

use std::collections::BTreeMap;

use bytes::Bytes;
use futures_util::Stream;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::format::{FORMAT, Hashes, Header, HeaderLine, TRAILER_START, TrailerLine, VERSION};
use super::import::{ImportError, Intent};
use super::lines::{LineError, Lines};
use super::refusals::{
    ImportConstraint, ImportCorrupt, ImportTruncated, ImportUnknownKey, ImportUnknownType,
    ImportVersion, ImportWrongService,
};
use crate::checkpoint::DataWriter;
use crate::context::Context;
use crate::db::{Dangling, Db, DbError, Tx};
use crate::error::{BoxError, first_api_error};
use crate::log::format::{FIRST_SCHEMA, Object, canonical, is_canonical};
use crate::read_model::write::{State, StoredFiles};
use crate::read_model::{KeyCheck, KeyProblem, Schema, StoreError};
use crate::store::Store;

/// A valid import: its data files are stored, and nothing refers to them yet.
pub(super) struct Staged {
    pub(super) state: State,
    pub(super) digest: String,
}

/// The most objects that are put into the scratch database at a time.
const BATCH_OBJECTS: usize = 1000;
/// The bytes of lines after which the gathered objects are put into the scratch database.
const BATCH_BYTES: usize = 4 << 20;
/// The most bytes of a line besides an object's data.
const LINE_OVERHEAD: usize = 1024;

struct Stage<'a> {
    schema: &'static Schema,
    key_check: &'a dyn KeyCheck,
    db: Db,
    ctx: &'a Context,
    /// `None`: a dry run.
    writer: Option<DataWriter<'a>>,
    /// The version of the schema that the export is written in.
    reads: u32,
    /// That in which the data files are written.
    writes: u32,
    hashes: Hashes,
    counts: BTreeMap<String, u64>,
    /// The type and id of the last object: the next one must come after it.
    last: Option<(usize, Uuid)>,
    batch: Vec<(u64, Object)>,
    batch_bytes: usize,
    line: u64,
}

/// An object line, with its keys in canonical order.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ObjectLine {
    data: Box<RawValue>,
    id: Uuid,
    r#type: String,
}

#[derive(Deserialize)]
struct DataId {
    id: Uuid,
}

pub(super) async fn stage(
    store: &Store,
    ctx: &Context,
    input: impl Stream<Item = Result<Bytes, BoxError>> + Unpin,
    intent: Intent,
) -> Result<Staged, ImportError> {
    let inner = &store.inner;
    let schema = inner.schema;
    let db = Db::create(&inner.scratch, &schema.ddl(), inner.execution).await;
    let db = db.map_err(StoreError::Db)?;
    db.defer_references().await?;
    let mut stage = Stage {
        schema,
        key_check: &*inner.key_check,
        db,
        ctx,
        writer: match intent {
            Intent::DryRun => None,
            Intent::Apply => Some(DataWriter::new(&inner.objects, &inner.object_keys, &inner.env)),
        },
        reads: schema.version,
        writes: inner.writes_version(),
        hashes: Hashes::default(),
        counts: BTreeMap::new(),
        last: None,
        batch: Vec::new(),
        batch_bytes: 0,
        line: 0,
    };
    let limit = inner.settings.transaction_bytes + LINE_OVERHEAD;
    let mut lines = Lines::new(input, limit);
    let header = stage.next(&mut lines).await?.ok_or(ImportTruncated(1))?;
    stage.header(&header)?;
    loop {
        let line = stage.next(&mut lines).await?;
        let line = line.ok_or(ImportTruncated(stage.line))?;
        if line.starts_with(TRAILER_START) {
            stage.trailer(&line)?;
            break;
        }
        stage.object(&line).await?;
    }
    if stage.next(&mut lines).await?.is_some() {
        return Err(stage.corrupt("there is something after the trailer"));
    }
    stage.flush().await?;
    stage.references().await?;
    let files = match stage.writer {
        Some(writer) => writer.finish().await.map_err(StoreError::Objects)?,
        None => Vec::new(),
    };
    let writes = stage.writes;
    let counts = schema.types_at(writes).map(|kind| kind.name);
    let counts = counts.map(|name| (name.to_owned(), stage.counts.get(name).copied().unwrap_or(0)));
    let stored = StoredFiles { schema: writes, files };
    let state = State { counts: counts.collect(), stored };
    Ok(Staged { state, digest: stage.hashes.digest() })
}

impl Stage<'_> {
    async fn next<S>(&mut self, lines: &mut Lines<S>) -> Result<Option<Bytes>, ImportError>
    where
        S: Stream<Item = Result<Bytes, BoxError>> + Unpin,
    {
        self.line += 1;
        let read = self.ctx.run(lines.next()).await.map_err(StoreError::Interrupted)?;
        read.map_err(|error| match error {
            LineError::Input(source) => broke_off(self.line, source),
            LineError::TooLong { .. } => self.corrupt(error),
            LineError::Unfinished => ImportTruncated(self.line).into(),
        })
    }

    fn header(&mut self, line: &Bytes) -> Result<(), ImportError> {
        let Header { format, version, service, schema, .. } =
            self.parse::<HeaderLine>(line)?.header;
        if format != FORMAT {
            return Err(self.corrupt(format_args!("format `{format}` is not `{FORMAT}`")));
        }
        // The versions of another service mean nothing here.
        if service != self.schema.service {
            let expected = self.schema.service;
            return Err(ImportWrongService(service, expected).into());
        }
        if version != VERSION || schema > self.schema.version || schema < FIRST_SCHEMA {
            let reads = format!("{VERSION}, schema up to {}", self.schema.version);
            return Err(ImportVersion(format!("{version}, schema {schema}"), reads).into());
        }
        self.reads = schema;
        let types = self.schema.types_at(schema);
        self.counts = types.map(|kind| (kind.name.to_owned(), 0)).collect();
        self.hashes.header(line);
        Ok(())
    }

    async fn object(&mut self, line: &Bytes) -> Result<(), ImportError> {
        let ObjectLine { data, id, r#type } = self.parse(line)?;
        let known = self.schema.find(&r#type).filter(|(_, kind)| kind.since <= self.reads);
        let Some((nth, kind)) = known else {
            return Err(ImportUnknownType(self.line, r#type).into());
        };
        let object = self.schema.raise(Object { r#type, id, data }, self.reads);
        let object = object.map_err(|why| self.corrupt(why))?;
        let place = (nth, object.id);
        if self.last.is_some_and(|last| place <= last) {
            return Err(self.corrupt("the object is not after the one before it"));
        }
        let data = object.data.get();
        (kind.check)(data).map_err(|why| self.corrupt(why))?;
        if let Some(text) = (kind.encrypted)(data) {
            let tried = self.key_check.check(kind.name, object.id, &text);
            tried.map_err(|problem| match problem {
                KeyProblem::Missing(key) => ImportUnknownKey(self.line, key).into(),
                KeyProblem::Damaged => self.corrupt("an encrypted text is damaged"),
            })?;
        }
        let inner: DataId = serde_json::from_str(data).map_err(|why| self.corrupt(why))?;
        if inner.id != object.id {
            return Err(self.corrupt("the object's data has another id"));
        }
        self.last = Some(place);
        self.hashes.object(line);
        *self.counts.entry(object.r#type.clone()).or_default() += 1;
        self.batch_bytes += line.len();
        self.batch.push((self.line, object));
        if self.batch.len() >= BATCH_OBJECTS || self.batch_bytes >= BATCH_BYTES {
            self.flush().await?;
        }
        Ok(())
    }

    fn trailer(&self, line: &Bytes) -> Result<(), ImportError> {
        let trailer = self.parse::<TrailerLine>(line)?.trailer;
        if trailer.counts != self.counts {
            return Err(self.corrupt("the counts of the trailer are not those of the objects"));
        }
        if trailer.digest != self.hashes.digest() || trailer.checksum != self.hashes.checksum() {
            return Err(self.corrupt("the digest of the trailer is not that of the lines"));
        }
        Ok(())
    }

    /// Puts the gathered objects into the scratch database and the data files.
    async fn flush(&mut self) -> Result<(), ImportError> {
        let batch = std::mem::take(&mut self.batch);
        self.batch_bytes = 0;
        let schema = self.schema;
        let insert = move |tx: &Tx<'_>| -> Result<_, ImportError> {
            for (line, object) in &batch {
                schema.put(tx, object).map_err(|error| match error {
                    DbError::Constraint(why) => ImportError::from(ImportConstraint(*line, why)),
                    other => other.into(),
                })?;
            }
            Ok(batch)
        };
        let batch = self.db.run(self.ctx, insert).await?;
        if let Some(writer) = &mut self.writer {
            for (_, object) in &batch {
                let lowered = schema.lower(object, self.writes).map_err(StoreError::Version)?;
                let written = writer.push(lowered.as_ref().unwrap_or(object)).await;
                written.map_err(StoreError::Objects)?;
            }
        }
        Ok(())
    }

    /// Checks that the target of every reference exists, once all objects are staged.
    async fn references(&self) -> Result<(), ImportError> {
        let Some(dangling) = self.db.check_references(self.ctx).await? else { return Ok(()) };
        let why = dangling.to_string();
        let Dangling { table, id, .. } = dangling;
        let before = self.schema.types.iter().take_while(|kind| kind.name != table);
        let before: u64 = before.filter_map(|kind| self.counts.get(kind.name)).sum();
        let rank = move |tx: &Tx<'_>| -> Result<Option<i64>, DbError> {
            let sql = format!("SELECT count(*) FROM \"{table}\" WHERE id <= ?1");
            tx.query_one(&sql, [id], |row| row.get(0))
        };
        let rank = self.db.read(self.ctx, rank).await?.unwrap_or(0);
        // The header is the first line.
        let line = 1 + before + u64::try_from(rank).unwrap_or(0);
        Err(ImportConstraint(line, why).into())
    }

    /// Reads a line, which must be in its canonical form.
    fn parse<T: DeserializeOwned + Serialize>(&self, line: &Bytes) -> Result<T, ImportError> {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let value: T = serde_json::from_slice(text).map_err(|why| self.corrupt(why))?;
        let raw: &RawValue = serde_json::from_slice(text).map_err(|why| self.corrupt(why))?;
        // `is_canonical` also finds doubled keys; comparing with `value` finds keys it does not
        // have.
        let whole = canonical(&value).is_ok_and(|canon| canon.get().as_bytes() == text);
        if !whole || !is_canonical(raw) {
            return Err(self.corrupt("the line is not in canonical form"));
        }
        Ok(value)
    }

    fn corrupt(&self, why: impl std::fmt::Display) -> ImportError {
        ImportCorrupt(self.line, why.to_string()).into()
    }
}

/// The error of a stream that broke off: the transport's own, if it has one.
fn broke_off(line: u64, source: BoxError) -> ImportError {
    match first_api_error(source.as_ref()) {
        Some(_) => ImportError::internal(source),
        None => ImportError::because(ImportTruncated(line), source),
    }
}
