//! Reads a log: from its sealed object, else from its parts, and their newest bytes from memory.

use bytes::Bytes;
use drydock_api::runservice::types::{AttemptId, LogStep};
use drydock_core::objects::ObjectError;

use super::part::{self, PartError};
use super::{Logs, Parts, Tails};
use crate::blobs::sealed::{FRAME, SealedError, Table, decompress};
use crate::record::SealedLog;

/// The frames of a sealed log that are read at a time.
const FRAMES: usize = 8;

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error(transparent)]
    Objects(#[from] ObjectError),
    #[error("a part of a log is damaged")]
    Part(#[from] PartError),
    #[error("a sealed log is damaged")]
    Sealed(#[from] SealedError),
}

/// Reads one log.
pub struct LogReader {
    logs: Logs,
    tails: Tails,
    attempt: AttemptId,
    step: LogStep,
    sealed: Option<(SealedLog, Option<Table>)>,
    parts: Parts,
}

impl LogReader {
    pub fn new(logs: Logs, tails: Tails, attempt: AttemptId, step: LogStep) -> LogReader {
        LogReader { logs, tails, attempt, step, sealed: None, parts: Parts::default() }
    }

    /// Goes on with the complete log.
    pub fn use_sealed(&mut self, sealed: SealedLog) {
        if self.sealed.is_none() {
            self.sealed = Some((sealed, None));
        }
    }

    /// Forgets which parts there are: they are listed again.
    pub fn list_again(&mut self) {
        self.parts = Parts::default();
    }

    /// The bytes that there are now.
    pub async fn size(&mut self) -> Result<u64, ReadError> {
        if let Some((sealed, _)) = &self.sealed {
            return Ok(sealed.size);
        }
        self.parts = self.logs.parts(self.attempt, self.step).await?;
        let received = self.tails.received(self.attempt, self.step);
        Ok(self.parts.end().max(received))
    }

    /// Some bytes from an offset on; `None`: there are no more now.
    pub async fn at(&mut self, offset: u64) -> Result<Option<Bytes>, ReadError> {
        if self.sealed.is_some() {
            return self.at_in_sealed(offset).await;
        }
        if let Some(bytes) = self.at_in_parts(offset).await? {
            return Ok(Some(bytes));
        }
        if let Some(bytes) = self.tails.read(self.attempt, self.step, offset).await {
            return Ok(Some(bytes));
        }
        // Maybe it was stored meanwhile, by this instance or by another.
        self.parts = self.logs.parts(self.attempt, self.step).await?;
        self.at_in_parts(offset).await
    }

    async fn at_in_parts(&self, offset: u64) -> Result<Option<Bytes>, ReadError> {
        let Some(found) = self.parts.at(offset) else { return Ok(None) };
        let whole = self.logs.objects.get(&found.key).await?;
        let bytes = part::decode(self.attempt, self.step, found.start, whole)?;
        let skipped = usize::try_from(offset - found.start).unwrap_or(usize::MAX);
        Ok((skipped < bytes.len()).then(|| bytes.slice(skipped..)))
    }

    async fn at_in_sealed(&mut self, offset: u64) -> Result<Option<Bytes>, ReadError> {
        let Some((sealed, table)) = &mut self.sealed else { return Ok(None) };
        let key = self.logs.keys.attempt(self.attempt).join(sealed.object.as_str());
        let table = match table {
            Some(table) => table,
            None => {
                let place = Table::place(sealed.stored, sealed.size);
                let read = self.logs.objects.get_range(&key, place).await?;
                table.insert(Table::parse(read)?)
            }
        };
        let Some((start, place)) = table.frames(offset, FRAMES) else { return Ok(None) };
        let frames = self.logs.objects.get_range(&key, place).await?;
        let bytes = decompress(&frames)?;
        debug_assert!(bytes.len() <= FRAMES * FRAME, "a frame has a bounded size");
        let skipped = usize::try_from(offset - start).unwrap_or(usize::MAX);
        Ok((skipped < bytes.len()).then(|| bytes.slice(skipped..)))
    }
}
