//! The objects of attempts.

use axum::body::BodyDataStream;
use bytes::Bytes;
use drydock_api::runservice::types::{ArchiveReport, AttemptId, UploadQuery};
use drydock_core::env::Env;
use drydock_core::objects::{ObjectError, Objects};
use drydock_core::store::Store;
use futures_util::Stream;
use object_store::path::Path;

use crate::blobs::names::{ARCHIVE, ARCHIVES};
use crate::uploads::{UploadError, Uploads};

/// The archives in object storage, as one instance sees them. Cheap to clone.
#[derive(Clone)]
pub struct Archives {
    pub(super) env: Env,
    pub(super) objects: Objects,
    /// What the names of objects are below.
    root: Path,
    pub(super) uploads: Uploads,
}

impl Archives {
    pub fn new(env: Env, store: &Store, uploads: Uploads) -> Archives {
        let (objects, root) = (store.objects().clone(), store.object_keys().all());
        Archives { env, objects, root, uploads }
    }

    pub(super) fn all(&self) -> Path {
        self.root.clone().join(ARCHIVES)
    }

    pub(super) fn folder(&self, attempt: AttemptId) -> Path {
        self.all().join(attempt.to_string())
    }

    /// The key of an object by the name that an attempt gives it; `None`: it is no name of one of
    /// this attempt's.
    pub(super) fn key(&self, attempt: AttemptId, name: &str) -> Option<Path> {
        let own = name.strip_prefix(&format!("{ARCHIVES}/{attempt}/"))?;
        Some(self.folder(attempt).join(own))
    }

    /// Stores an archive under a new name.
    pub async fn receive(
        &self,
        (attempt, step): (AttemptId, u16),
        expected: &UploadQuery,
        body: BodyDataStream,
    ) -> Result<ArchiveReport, UploadError> {
        let UploadQuery { size, blake3 } = expected.clone();
        let name = format!("{step}-{}{ARCHIVE}", self.env.new_id().simple());
        let key = self.folder(attempt).join(name.as_str());
        self.uploads.receive(&key, (size, &blake3), body).await?;
        Ok(ArchiveReport { object: format!("{ARCHIVES}/{attempt}/{name}"), size, blake3 })
    }

    /// Whether an archive is stored, with the size that its report says.
    pub async fn is_stored(
        &self,
        attempt: AttemptId,
        archive: &ArchiveReport,
    ) -> Result<bool, ObjectError> {
        let Some(key) = self.key(attempt, &archive.object) else { return Ok(false) };
        match self.objects.size(&key).await {
            Ok(size) => Ok(size == archive.size),
            Err(ObjectError::NotExist(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The bytes of an archive, piece by piece.
    pub fn read(
        &self,
        attempt: AttemptId,
        archive: &ArchiveReport,
    ) -> impl Stream<Item = Result<Bytes, ObjectError>> + Send + use<> {
        let key = self.key(attempt, &archive.object);
        // A name of another attempt's is refused when it is reported.
        let key = key.unwrap_or_else(|| self.folder(attempt));
        self.objects.stream(&key, archive.size)
    }

    /// Deletes the objects of an attempt that are not among those that it names.
    pub async fn delete_others<'a>(
        &self,
        attempt: AttemptId,
        named: impl Iterator<Item = &'a ArchiveReport>,
    ) -> Result<(), ObjectError> {
        let named: Vec<Path> = named.filter_map(|it| self.key(attempt, &it.object)).collect();
        for key in self.list(&self.folder(attempt)).await? {
            if !named.contains(&key) {
                self.objects.delete(&key).await?;
            }
        }
        Ok(())
    }

    /// The attempts of which there are objects.
    pub(super) async fn attempts(&self) -> Result<Vec<AttemptId>, ObjectError> {
        let folders = match self.objects.list_folders(&self.all()).await {
            Err(ObjectError::NotExist(_)) => Vec::new(),
            found => found?,
        };
        Ok(folders.iter().filter_map(|folder| folder.filename()?.parse().ok()).collect())
    }

    pub(super) async fn list(&self, folder: &Path) -> Result<Vec<Path>, ObjectError> {
        match self.objects.list(folder).await {
            Err(ObjectError::NotExist(_)) => Ok(Vec::new()),
            found => found,
        }
    }
}
