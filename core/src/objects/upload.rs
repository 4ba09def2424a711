//! An object that is written piece by piece, as its bytes arrive.
//!
//! Invariants: the object appears whole or not at all; at most one part of it is in memory. If a
//! part cannot be stored, the upload fails, and its caller uploads all bytes again under another
//! name.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStoreExt, PutPayload};

use super::client::{ObjectError, Objects};

/// The bytes of a part. S3 takes 10,000 of them, each of 5 MiB at least.
const PART: usize = 8 << 20;
const PART_TIMEOUT: Duration = Duration::from_secs(60);

/// An object on its way into storage.
pub struct Upload {
    objects: Objects,
    key: Path,
    pending: BytesMut,
    /// Begun when the object has more than one part.
    parts: Option<Box<dyn MultipartUpload>>,
}

impl Upload {
    pub(super) fn new(objects: Objects, key: Path) -> Upload {
        Upload { objects, key, pending: BytesMut::new(), parts: None }
    }

    /// Adds bytes.
    pub async fn push(&mut self, bytes: &[u8]) -> Result<(), ObjectError> {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.pending.len() == PART {
                self.store_part().await?;
            }
            let (now, later) = rest.split_at((PART - self.pending.len()).min(rest.len()));
            self.pending.extend_from_slice(now);
            rest = later;
        }
        Ok(())
    }

    /// Makes the object appear.
    pub async fn finish(mut self) -> Result<(), ObjectError> {
        if self.parts.is_none() {
            let bytes = self.pending.split().freeze();
            return self.objects.put(&self.key, bytes).await;
        }
        let finished = match self.store_part().await {
            Ok(()) => self.complete().await,
            failed => failed,
        };
        if finished.is_err() {
            self.abort().await;
        }
        finished
    }

    /// Gives up what was stored so far. What this leaves behind is no object; a rule of the bucket
    /// removes it.
    pub async fn abort(mut self) {
        if let Some(parts) = &mut self.parts {
            let _left = tokio::time::timeout(PART_TIMEOUT, parts.abort()).await;
        }
    }

    async fn store_part(&mut self) -> Result<(), ObjectError> {
        let bytes: Bytes = self.pending.split().freeze();
        let key = self.key.clone();
        let parts = match &mut self.parts {
            Some(parts) => parts,
            None => {
                let begun = bounded(&key, self.objects.store().put_multipart(&key)).await?;
                self.parts.insert(begun)
            }
        };
        bounded(&key, parts.put_part(PutPayload::from_bytes(bytes))).await
    }

    async fn complete(&mut self) -> Result<(), ObjectError> {
        let parts = self.parts.as_mut().expect("the upload has parts");
        bounded(&self.key, parts.complete()).await.map(drop)
    }
}

async fn bounded<T>(
    key: &Path,
    call: impl Future<Output = object_store::Result<T>>,
) -> Result<T, ObjectError> {
    let unavailable = |source| ObjectError::Unavailable { key: key.clone(), source };
    match tokio::time::timeout(PART_TIMEOUT, call).await {
        Ok(done) => done.map_err(|error| unavailable(Some(error))),
        Err(_elapsed) => Err(unavailable(None)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::TryStreamExt;
    use object_store::ObjectStore;
    use object_store::memory::InMemory;

    use super::*;
    use crate::env::{Env, ManualClock, RngTree};

    fn objects() -> (Arc<InMemory>, Objects) {
        let clock = Arc::new(ManualClock::new(jiff::Timestamp::UNIX_EPOCH));
        let store = Arc::new(InMemory::new());
        let objects = Objects::new(store.clone(), Env::new(clock, RngTree::from_seed(1)));
        (store, objects)
    }

    fn bytes(size: usize) -> Vec<u8> {
        (0..size).map(|at| (at * at / 7) as u8).collect()
    }

    /// Sizes around those at which parts begin and end.
    #[tokio::test]
    async fn an_object_of_any_size_is_what_was_pushed() {
        for size in [0, 1, PART - 1, PART, PART + 1, 2 * PART, 2 * PART + 5] {
            let (_, objects) = objects();
            let (key, given) = (Path::from("a/b"), bytes(size));
            let mut upload = objects.upload(&key);
            for piece in given.chunks(3_000_001) {
                upload.push(piece).await.unwrap();
            }
            assert!(objects.list(&Path::from("a")).await.unwrap().is_empty(), "not before its end");
            upload.finish().await.unwrap();
            assert_eq!(objects.get(&key).await.unwrap(), given, "{size} bytes");
            let pieces = objects.stream(&key, size as u64);
            let read: Vec<Bytes> = pieces.try_collect().await.unwrap();
            assert_eq!(read.concat(), given, "{size} bytes, as a stream");
        }
    }

    #[tokio::test]
    async fn an_upload_that_is_given_up_leaves_no_object() {
        let (store, objects) = objects();
        let mut upload = objects.upload(&Path::from("a/b"));
        upload.push(&bytes(PART + 1)).await.unwrap();
        upload.abort().await;
        let left: Vec<_> = store.list(None).try_collect().await.unwrap();
        assert!(left.is_empty(), "{left:?}");
    }
}
