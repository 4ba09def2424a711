//! Access to object storage, over `object_store::ObjectStore`.
//!
//! Invariants: retries are made here, bounded, with jitter from [`Env`]; every attempt has a
//! time-out; objects are written once under names that no other writer uses (or content-addressed),
//! so a write may be repeated until it is known to be done. Conditional writes are not relied upon.

use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt;
use futures_util::stream::{self, Stream};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};

use super::envelope::{self, Envelope, EnvelopeError};
use super::upload::Upload;
use crate::env::Env;
use crate::error::FailureClass;
use crate::retry::Backoff;

const ATTEMPTS: u32 = 6;
/// The bytes of an object that are read at a time.
const PIECE: u64 = 4 << 20;
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(20);

#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    #[error("object `{0}` does not exist")]
    NotExist(Path),
    #[error("object storage does not answer for `{key}`")]
    Unavailable { key: Path, source: Option<object_store::Error> },
    #[error(transparent)]
    Damaged(#[from] EnvelopeError),
}

impl ObjectError {
    pub fn class(&self) -> FailureClass {
        match self {
            ObjectError::Unavailable { .. } => FailureClass::ObjectsUnavailable,
            ObjectError::NotExist(_) | ObjectError::Damaged(_) => FailureClass::Other,
        }
    }
}

/// Object storage as one instance sees it. Cheap to clone.
#[derive(Clone)]
pub struct Objects {
    store: std::sync::Arc<dyn ObjectStore>,
    env: Env,
}

impl Objects {
    pub fn new(store: std::sync::Arc<dyn ObjectStore>, env: Env) -> Objects {
        Objects { store, env }
    }

    /// Writes an object whose name always has the same contents.
    pub async fn put(&self, key: &Path, bytes: Bytes) -> Result<(), ObjectError> {
        let put = || self.store.put(key, PutPayload::from_bytes(bytes.clone()));
        self.attempt(key, put).await.map(drop)
    }

    /// Begins an object whose bytes arrive piece by piece. No other writer may use its name.
    pub fn upload(&self, key: &Path) -> Upload {
        Upload::new(self.clone(), key.clone())
    }

    pub async fn get(&self, key: &Path) -> Result<Bytes, ObjectError> {
        self.attempt(key, async || self.store.get(key).await?.bytes().await).await
    }

    /// All keys below a prefix, in byte order.
    pub async fn list(&self, prefix: &Path) -> Result<Vec<Path>, ObjectError> {
        let list = || async {
            let found = self.store.list(Some(prefix)).map_ok(|meta| meta.location);
            found.try_collect::<Vec<_>>().await
        };
        let mut keys = self.attempt(prefix, list).await?;
        keys.sort_unstable();
        Ok(keys)
    }

    /// All keys below a prefix with their sizes, in byte order.
    pub async fn list_sizes(&self, prefix: &Path) -> Result<Vec<(Path, u64)>, ObjectError> {
        let list = || async {
            let found = self.store.list(Some(prefix)).map_ok(|meta| (meta.location, meta.size));
            found.try_collect::<Vec<_>>().await
        };
        let mut found = self.attempt(prefix, list).await?;
        found.sort_unstable();
        Ok(found)
    }

    /// The folders right below a prefix, in byte order.
    pub async fn list_folders(&self, prefix: &Path) -> Result<Vec<Path>, ObjectError> {
        let list = || self.store.list_with_delimiter(Some(prefix));
        let mut folders = self.attempt(prefix, list).await?.common_prefixes;
        folders.sort_unstable();
        Ok(folders)
    }

    /// A range of an object's bytes.
    pub async fn get_range(&self, key: &Path, range: Range<u64>) -> Result<Bytes, ObjectError> {
        let get = || self.store.get_range(key, range.clone());
        self.attempt(key, get).await
    }

    /// The bytes of an object of this size, piece by piece.
    pub fn stream(
        &self,
        key: &Path,
        size: u64,
    ) -> impl Stream<Item = Result<Bytes, ObjectError>> + Send + use<> {
        let (objects, key) = (self.clone(), key.clone());
        stream::try_unfold(0, move |offset: u64| {
            let (objects, key) = (objects.clone(), key.clone());
            async move {
                if offset >= size {
                    return Ok(None);
                }
                let end = size.min(offset + PIECE);
                Ok(Some((objects.get_range(&key, offset..end).await?, end)))
            }
        })
    }

    pub async fn size(&self, key: &Path) -> Result<u64, ObjectError> {
        Ok(self.attempt(key, || self.store.head(key)).await?.size)
    }

    /// Deletes an object, if it exists.
    pub async fn delete(&self, key: &Path) -> Result<(), ObjectError> {
        match self.attempt(key, || self.store.delete(key)).await {
            Err(ObjectError::NotExist(_)) => Ok(()),
            done => done,
        }
    }

    pub async fn put_envelope<T: Envelope>(&self, key: &Path, body: &T) -> Result<(), ObjectError> {
        self.put(key, envelope::encode(body).into()).await
    }

    pub async fn get_envelope<T: Envelope>(&self, key: &Path) -> Result<T, ObjectError> {
        Ok(envelope::decode(key.as_ref(), &self.get(key).await?)?)
    }

    pub(super) fn store(&self) -> &dyn ObjectStore {
        &*self.store
    }

    async fn attempt<T, F>(&self, key: &Path, call: impl Fn() -> F) -> Result<T, ObjectError>
    where
        F: Future<Output = object_store::Result<T>>,
    {
        let mut backoff = Backoff::new(&self.env, "objects");
        let mut last = None;
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                backoff.pause().await;
            }
            match tokio::time::timeout(ATTEMPT_TIMEOUT, call()).await {
                Ok(Ok(done)) => return Ok(done),
                Ok(Err(object_store::Error::NotFound { .. })) => {
                    return Err(ObjectError::NotExist(key.clone()));
                }
                Ok(Err(error)) => last = Some(error),
                Err(_elapsed) => last = None,
            }
        }
        Err(ObjectError::Unavailable { key: key.clone(), source: last })
    }
}
