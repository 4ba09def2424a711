//! An upload: bytes that arrive, and are stored if they are what the executor says.

use axum::body::BodyDataStream;
use drydock_api::runservice::types::{ArchiveReport, AttemptId, UploadQuery};
use drydock_core::objects::{ObjectError, Upload};
use futures_util::StreamExt;

use super::objects::{Archives, FOLDER, SUFFIX};

/// Why an upload is not taken.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    #[error("too many archives are on their way")]
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

impl Archives {
    /// Stores an archive under a new name.
    pub async fn receive(
        &self,
        (attempt, step): (AttemptId, u16),
        expected: &UploadQuery,
        body: BodyDataStream,
    ) -> Result<ArchiveReport, ReceiveError> {
        let _permit = self.uploads.try_acquire().map_err(|_| ReceiveError::Busy)?;
        let name = format!("{step}-{}{SUFFIX}", self.env.new_id().simple());
        let mut upload = self.objects.upload(&self.folder(attempt).join(name.as_str()));
        match fill(&mut upload, expected, body).await {
            Ok(()) => upload.finish().await?,
            Err(error) => {
                upload.abort().await;
                return Err(error);
            }
        }
        Ok(ArchiveReport {
            object: format!("{FOLDER}/{attempt}/{name}"),
            size: expected.size,
            blake3: expected.blake3.clone(),
        })
    }
}

async fn fill(
    upload: &mut Upload,
    expected: &UploadQuery,
    mut body: BodyDataStream,
) -> Result<(), ReceiveError> {
    let (mut hasher, mut size) = (blake3::Hasher::new(), 0);
    while let Some(bytes) = body.next().await {
        let bytes = bytes?;
        size += bytes.len() as u64;
        if size > expected.size {
            return Err(ReceiveError::Size);
        }
        hasher.update(&bytes);
        upload.push(&bytes).await?;
    }
    match (size == expected.size, hasher.finalize().to_hex().as_str() == expected.blake3) {
        (false, _) => Err(ReceiveError::Size),
        (true, false) => Err(ReceiveError::Digest),
        (true, true) => Ok(()),
    }
}
