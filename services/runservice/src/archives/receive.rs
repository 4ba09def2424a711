//! An upload of an archive.

use axum::body::BodyDataStream;
use drydock_api::runservice::types::{ArchiveReport, AttemptId, UploadQuery};

use super::objects::{Archives, FOLDER, SUFFIX};
use crate::uploads::UploadError;

impl Archives {
    /// Stores an archive under a new name.
    pub async fn receive(
        &self,
        (attempt, step): (AttemptId, u16),
        expected: &UploadQuery,
        body: BodyDataStream,
    ) -> Result<ArchiveReport, UploadError> {
        let UploadQuery { size, blake3 } = expected.clone();
        let name = format!("{step}-{}{SUFFIX}", self.env.new_id().simple());
        let key = self.folder(attempt).join(name.as_str());
        self.uploads.receive(&key, (size, &blake3), body).await?;
        Ok(ArchiveReport { object: format!("{FOLDER}/{attempt}/{name}"), size, blake3 })
    }
}
