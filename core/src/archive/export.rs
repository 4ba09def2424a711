//! Exports the state at one position as a stream of lines, read page by page from a snapshot.
//!
//! Invariant: a snapshot is not held for a reader that takes less than a least rate, whatever else
//! the reader does: a task reads the snapshot, and gives it up without being asked for the next
//! chunk.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, stream};
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::format::{FORMAT, Hashes, Header, HeaderLine, Trailer, TrailerLine, VERSION};
use crate::context::Context;
use crate::db::{DbError, Snapshot};
use crate::error::{BoxError, Chain};
use crate::log::format::{Head, Object, canonical};
use crate::read_model::{Schema, StoreError, schema};
use crate::store::{Reads, Store};

/// Chunks of whole lines. A stream that ends with an error is no export.
pub type ExportStream = Pin<Box<dyn Stream<Item = Result<Bytes, BoxError>> + Send>>;

/// Objects read at a time.
const PAGE: usize = 500;
/// How far a reader may fall behind the least rate.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often the size of the write-ahead log is looked at while the reader takes nothing.
const LOOK: Duration = Duration::from_secs(1);

#[derive(Debug, thiserror::Error)]
#[error("the reader of the export takes less than `{bytes_per_second}` bytes a second")]
struct SlowReader {
    bytes_per_second: u64,
}

struct Progress {
    snapshot: Snapshot,
    _permit: OwnedSemaphorePermit,
    schema: &'static Schema,
    /// The version of the schema that it is written in.
    writes: u32,
    ctx: Context,
    hashes: Hashes,
    counts: BTreeMap<String, u64>,
    next: Next,
}

enum Next {
    Header(Header),
    /// The objects of the nth type, after this id.
    Page {
        nth: usize,
        after: String,
    },
    End,
}

impl Store {
    /// Exports the state at some moment after this call. Writers are not blocked.
    pub async fn export(&self, ctx: &Context) -> Result<(Head, ExportStream), BoxError> {
        let permit = self.inner.exports.clone().try_acquire_owned();
        let permit = permit.map_err(|_| StoreError::TooManyExports.boxed())?;
        let snapshot = self.snapshot(ctx, Reads::Linearizable).await?;
        let head = snapshot.read(ctx, schema::head).await;
        let head = head.map_err(|error: DbError| StoreError::Db(error).boxed())?;
        // After the snapshot: nothing in it is of a newer version.
        let (schema, writes) = (self.schema(), self.inner.writes_version());
        let header = Header {
            format: FORMAT.to_owned(),
            version: VERSION,
            service: schema.service.to_owned(),
            schema: writes,
            lineage: head.lineage,
            position: head.position,
            time: self.inner.env.now(),
        };
        let progress = Progress {
            snapshot,
            _permit: permit,
            schema,
            writes,
            ctx: ctx.clone(),
            hashes: Hashes::default(),
            counts: schema.types_at(writes).map(|kind| (kind.name.to_owned(), 0)).collect(),
            next: Next::Header(header),
        };
        let pace = Pace::new(self.inner.settings.export_bytes_per_second);
        let (chunks, taken) = mpsc::channel(1);
        let producing = AbortOnDropHandle::new(tokio::spawn(progress.produce(chunks, pace)));
        Ok((head, Box::pin(stream::try_unfold(Some((taken, producing)), next_chunk))))
    }
}

/// The chunks that a task sends, and how it ends.
type Produced = (mpsc::Receiver<Bytes>, AbortOnDropHandle<Result<(), BoxError>>);

async fn next_chunk(from: Option<Produced>) -> Result<Option<(Bytes, Option<Produced>)>, BoxError> {
    let Some((mut taken, producing)) = from else { return Ok(None) };
    if let Some(chunk) = taken.recv().await {
        return Ok(Some((chunk, Some((taken, producing)))));
    }
    producing.await??;
    Ok(None)
}

/// The time until which a reader must take the next chunk.
struct Pace {
    bytes_per_second: u64,
    /// When what it was given is taken at the least rate. Being faster gives no credit.
    due: Instant,
}

impl Pace {
    fn new(bytes_per_second: u64) -> Pace {
        Pace { bytes_per_second: bytes_per_second.max(1), due: Instant::now() }
    }

    fn give(&mut self, bytes: usize) {
        let millis = (bytes as u64).saturating_mul(1000) / self.bytes_per_second;
        self.due = self.due.min(Instant::now()) + Duration::from_millis(millis);
    }

    fn check(&self) -> Result<(), SlowReader> {
        match self.due + PATIENCE > Instant::now() {
            true => Ok(()),
            false => Err(SlowReader { bytes_per_second: self.bytes_per_second }),
        }
    }
}

impl Progress {
    /// Sends all chunks, or gives the snapshot up.
    async fn produce(self, chunks: mpsc::Sender<Bytes>, pace: Pace) -> Result<(), BoxError> {
        let done = Box::pin(self.send_all(chunks, pace)).await;
        if let Err(error) = &done {
            tracing::warn!(error = %Chain(error.as_ref()), "an export was given up");
        }
        done
    }

    async fn send_all(
        mut self,
        chunks: mpsc::Sender<Bytes>,
        mut pace: Pace,
    ) -> Result<(), BoxError> {
        while let Some((chunk, rest)) = self.chunk().await? {
            self = rest;
            let room = loop {
                match tokio::time::timeout(LOOK, chunks.reserve()).await {
                    Ok(Ok(room)) => break room,
                    // The reader has gone.
                    Ok(Err(_closed)) => return Ok(()),
                    Err(_elapsed) => {
                        pace.check()?;
                        self.snapshot.check().map_err(|error| StoreError::Db(error).boxed())?;
                    }
                }
            };
            pace.give(chunk.len());
            room.send(chunk);
        }
        Ok(())
    }

    async fn chunk(mut self) -> Result<Option<(Bytes, Progress)>, BoxError> {
        let chunk = match std::mem::replace(&mut self.next, Next::End) {
            Next::Header(header) => {
                let line = line(&HeaderLine { header })?;
                self.hashes.header(&line);
                self.next = Next::Page { nth: 0, after: String::new() };
                line
            }
            Next::Page { nth, after } if nth < self.schema.types.len() => {
                self.page(nth, after).await?
            }
            Next::Page { .. } => {
                let trailer = Trailer {
                    counts: std::mem::take(&mut self.counts),
                    digest: self.hashes.digest(),
                    checksum: self.hashes.checksum(),
                };
                line(&TrailerLine { trailer })?
            }
            Next::End => return Ok(None),
        };
        Ok(Some((chunk.into(), self)))
    }

    async fn page(&mut self, nth: usize, after: String) -> Result<Vec<u8>, BoxError> {
        let (schema, kind) = (self.schema, &self.schema.types[nth]);
        let read = move |tx: &crate::db::Tx<'_>| schema.page(tx, kind, &after, PAGE);
        let page = self.snapshot.read(&self.ctx, read).await;
        let page = page.map_err(|error: DbError| StoreError::Db(error).boxed())?;
        self.next = match page.last() {
            Some((last, _)) if page.len() == PAGE => Next::Page { nth, after: last.clone() },
            _ => Next::Page { nth: nth + 1, after: String::new() },
        };
        let mut chunk = Vec::new();
        if !page.is_empty() {
            *self.counts.entry(kind.name.to_owned()).or_default() += page.len() as u64;
        }
        for (id, data) in page {
            let start = chunk.len();
            let Object { id, data, .. } = self.written(kind.name, id, data)?;
            let data = data.get();
            // The parts are canonical JSON, and the keys are in order, so the line is canonical.
            let (name, line) = (kind.name, &mut chunk);
            line.extend_from_slice(b"{\"data\":");
            line.extend_from_slice(data.as_bytes());
            line.extend_from_slice(format!(",\"id\":\"{id}\",\"type\":\"{name}\"}}\n").as_bytes());
            self.hashes.object(&chunk[start..]);
        }
        Ok(chunk)
    }

    /// An object in the version of the schema that the export is written in.
    fn written(&self, kind: &str, id: String, data: String) -> Result<Object, BoxError> {
        let object =
            schema::object(kind, id, data).map_err(|error| StoreError::Db(error).boxed())?;
        let lowered = self.schema.lower(&object, self.writes);
        let lowered = lowered.map_err(|error| StoreError::Version(error).boxed())?;
        Ok(lowered.unwrap_or(object))
    }
}

fn line<T: Serialize>(value: &T) -> Result<Vec<u8>, BoxError> {
    let mut line = canonical(value)?.get().as_bytes().to_vec();
    line.push(b'\n');
    Ok(line)
}
