//! The objects of entries.

use std::collections::BTreeSet;

use axum::body::BodyDataStream;
use bytes::Bytes;
use drydock_api::runservice::types::{AttemptId, SaveCacheQuery};
use drydock_core::env::Env;
use drydock_core::objects::{ObjectError, Objects};
use drydock_core::store::Store;
use futures_util::Stream;
use object_store::path::Path;

use super::notes::{Note, Notes};
use crate::blobs::names::{ARCHIVE, CACHES};
use crate::record::Cache;
use crate::uploads::{UploadError, Uploads};

/// The caches in object storage, as one instance sees them. Cheap to clone.
#[derive(Clone)]
pub struct Caches {
    pub(super) env: Env,
    objects: Objects,
    /// The path of this cluster's objects.
    root: Path,
    uploads: Uploads,
    pub(super) notes: Notes,
}

impl Caches {
    pub fn new(env: Env, store: &Store, uploads: Uploads) -> Caches {
        let (objects, root) = (store.objects().clone(), store.object_keys().all());
        Caches { env, objects, root, uploads, notes: Notes::default() }
    }

    /// Stores an object of an attempt under a new name, and answers that.
    pub async fn receive(
        &self,
        attempt: AttemptId,
        expected: &SaveCacheQuery,
        body: BodyDataStream,
    ) -> Result<String, UploadError> {
        let name = format!("{CACHES}/{attempt}/{}{ARCHIVE}", self.env.new_id().simple());
        let expected = (expected.size, expected.blake3.as_str());
        self.uploads.receive(&self.key(&name), expected, body).await?;
        Ok(name)
    }

    /// Whether the object of an entry is stored, with the entry's size. What that says of the entry
    /// is noted.
    pub async fn look(&self, entry: &Cache) -> Result<bool, ObjectError> {
        let is_stored = self.is_stored(entry).await?;
        self.notes.add(entry.id, if is_stored { Note::Used } else { Note::Missing });
        Ok(is_stored)
    }

    /// Whether the object of an entry is stored, with the entry's size.
    pub async fn is_stored(&self, entry: &Cache) -> Result<bool, ObjectError> {
        match self.objects.size(&self.key(&entry.object)).await {
            Ok(size) => Ok(size == entry.size),
            Err(ObjectError::NotExist(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The bytes of an entry's object, piece by piece.
    pub fn read(
        &self,
        entry: &Cache,
    ) -> impl Stream<Item = Result<Bytes, ObjectError>> + Send + use<> {
        self.objects.stream(&self.key(&entry.object), entry.size)
    }

    /// Deletes an object that no entry names any more.
    pub async fn delete(&self, name: &str) -> Result<(), ObjectError> {
        self.objects.delete(&self.key(name)).await
    }

    /// Deletes the objects of an attempt that are not among those with these names.
    pub(super) async fn delete_others(
        &self,
        attempt: AttemptId,
        named: &BTreeSet<String>,
    ) -> Result<(), ObjectError> {
        let named: BTreeSet<Path> = named.iter().map(|name| self.key(name)).collect();
        let listed = self.objects.list(&self.all().join(attempt.to_string())).await;
        for key in if_any(listed)? {
            if !named.contains(&key) {
                self.objects.delete(&key).await?;
            }
        }
        Ok(())
    }

    /// The attempts of which there are objects.
    pub(super) async fn attempts(&self) -> Result<Vec<AttemptId>, ObjectError> {
        let folders = if_any(self.objects.list_folders(&self.all()).await)?;
        Ok(folders.iter().filter_map(|folder| folder.filename()?.parse().ok()).collect())
    }

    fn all(&self) -> Path {
        self.root.clone().join(CACHES)
    }

    /// The key of an object by the name that an entry gives it.
    fn key(&self, name: &str) -> Path {
        name.split('/').fold(self.root.clone(), |path, part| path.join(part))
    }
}

/// What was listed; nothing if there is no such folder.
fn if_any(listed: Result<Vec<Path>, ObjectError>) -> Result<Vec<Path>, ObjectError> {
    match listed {
        Err(ObjectError::NotExist(_)) => Ok(Vec::new()),
        listed => listed,
    }
}

/// What the names of an attempt's objects begin with.
pub fn names_of(attempt: AttemptId) -> String {
    format!("{CACHES}/{attempt}/")
}
