//! Uploads of executors: bytes that arrive, and are stored if they are what the request says.

use std::sync::Arc;

use axum::body::BodyDataStream;
use drydock_core::objects::{ObjectError, Objects, Upload};
use drydock_core::store::Store;
use futures_util::StreamExt;
use object_store::path::Path;
use tokio::sync::Semaphore;

/// The uploads that one instance takes at once, each of which has a part in memory.
const MAX_UPLOADS: usize = 8;

/// The size of a body, and its BLAKE3 digest in hexadecimal.
pub type Expected<'a> = (u64, &'a str);

/// Why an upload is not taken.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    #[error("too many uploads are on their way")]
    Busy,
    #[error("the body has more bytes than `size` says, or less")]
    Size,
    #[error("the body has another digest than `blake3` says")]
    Digest,
    #[error("the body could not be read to its end")]
    Body(#[from] axum::Error),
    #[error(transparent)]
    Objects(#[from] ObjectError),
}

/// Takes the uploads of one instance. Clones count together.
#[derive(Clone)]
pub struct Uploads {
    objects: Objects,
    permits: Arc<Semaphore>,
}

impl Uploads {
    pub fn new(store: &Store) -> Uploads {
        let objects = store.objects().clone();
        Uploads { objects, permits: Arc::new(Semaphore::new(MAX_UPLOADS)) }
    }

    /// Stores the body as an object. If it is not what is expected, there is no object.
    pub async fn receive(
        &self,
        key: &Path,
        expected: Expected<'_>,
        body: BodyDataStream,
    ) -> Result<(), UploadError> {
        let _permit = self.permits.try_acquire().map_err(|_| UploadError::Busy)?;
        let mut upload = self.objects.upload(key);
        match fill(&mut upload, expected, body).await {
            Ok(()) => Ok(upload.finish().await?),
            Err(error) => {
                upload.abort().await;
                Err(error)
            }
        }
    }
}

async fn fill(
    upload: &mut Upload,
    (expected, blake3): Expected<'_>,
    mut body: BodyDataStream,
) -> Result<(), UploadError> {
    let (mut hasher, mut size) = (blake3::Hasher::new(), 0);
    while let Some(bytes) = body.next().await {
        let bytes = bytes?;
        size += bytes.len() as u64;
        if size > expected {
            return Err(UploadError::Size);
        }
        hasher.update(&bytes);
        upload.push(&bytes).await?;
    }
    match (size == expected, hasher.finalize().to_hex().as_str() == blake3) {
        (false, _) => Err(UploadError::Size),
        (true, false) => Err(UploadError::Digest),
        (true, true) => Ok(()),
    }
}
