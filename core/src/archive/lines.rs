//! Splits a stream of chunks into lines of bounded length.

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};

use crate::error::BoxError;

/// Why the next line cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum LineError {
    #[error("the stream broke off")]
    Input(#[source] BoxError),
    #[error("a line is longer than `{limit}` bytes")]
    TooLong { limit: usize },
    #[error("the stream ends within a line")]
    Unfinished,
}

pub(super) struct Lines<S> {
    input: S,
    buffer: BytesMut,
    /// The first bytes of `buffer`, which are known to hold no line feed.
    searched: usize,
    limit: usize,
}

impl<S: Stream<Item = Result<Bytes, BoxError>> + Unpin> Lines<S> {
    pub(super) fn new(input: S, limit: usize) -> Lines<S> {
        Lines { input, buffer: BytesMut::new(), searched: 0, limit }
    }

    /// The next line with its line feed; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, LineError> {
        loop {
            if let Some(at) = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n') {
                let line = self.buffer.split_to(self.searched + at + 1);
                self.searched = 0;
                return Ok(Some(line.freeze()));
            }
            self.searched = self.buffer.len();
            if self.searched > self.limit {
                return Err(LineError::TooLong { limit: self.limit });
            }
            match self.input.next().await {
                Some(Ok(chunk)) => self.buffer.extend_from_slice(&chunk),
                Some(Err(error)) => return Err(LineError::Input(error)),
                None if self.buffer.is_empty() => return Ok(None),
                None => return Err(LineError::Unfinished),
            }
        }
    }
}
