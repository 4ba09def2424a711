//! Exports the state at one position as a stream of lines, read page by page from a snapshot.

use std::collections::BTreeMap;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::{Stream, stream};
use serde::Serialize;

use super::format::{FORMAT, Hashes, Header, HeaderLine, Trailer, TrailerLine, VERSION};
use crate::context::Context;
use crate::db::{DbError, Snapshot};
use crate::error::BoxError;
use crate::log::format::{Head, canonical};
use crate::read_model::{Schema, StoreError, schema};
use crate::store::{Reads, Store};

/// Chunks of whole lines. A stream that ends with an error is no export.
pub type ExportStream = Pin<Box<dyn Stream<Item = Result<Bytes, BoxError>> + Send>>;

/// Objects read at a time.
const PAGE: usize = 500;

struct Progress {
    snapshot: Snapshot,
    schema: &'static Schema,
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
        let snapshot = self.snapshot(ctx, Reads::Linearizable).await?;
        let head = snapshot.read(ctx, schema::head).await;
        let head = head.map_err(|error: DbError| StoreError::Db(error).boxed())?;
        let schema = self.schema();
        let header = Header {
            format: FORMAT.to_owned(),
            version: VERSION,
            service: schema.service.to_owned(),
            schema: schema.version,
            lineage: head.lineage,
            position: head.position,
            time: self.inner.env.now(),
        };
        let progress = Progress {
            snapshot,
            schema,
            ctx: ctx.clone(),
            hashes: Hashes::default(),
            counts: schema.types.iter().map(|kind| (kind.name.to_owned(), 0)).collect(),
            next: Next::Header(header),
        };
        Ok((head, Box::pin(stream::try_unfold(progress, Progress::chunk))))
    }
}

impl Progress {
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
        for (id, data) in &page {
            let start = chunk.len();
            // The parts are canonical JSON, and the keys are in order, so the line is canonical.
            let (name, line) = (kind.name, &mut chunk);
            line.extend_from_slice(b"{\"data\":");
            line.extend_from_slice(data.as_bytes());
            line.extend_from_slice(format!(",\"id\":\"{id}\",\"type\":\"{name}\"}}\n").as_bytes());
            self.hashes.object(&chunk[start..]);
        }
        *self.counts.entry(kind.name.to_owned()).or_default() += page.len() as u64;
        Ok(chunk)
    }
}

fn line<T: Serialize>(value: &T) -> Result<Vec<u8>, BoxError> {
    let mut line = canonical(value)?.get().as_bytes().to_vec();
    line.push(b'\n');
    Ok(line)
}
