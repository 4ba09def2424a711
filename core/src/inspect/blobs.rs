//! Compares the blobs that the state names with those in object storage, and says what becomes of
//! the blobs that the state does not name.

use std::collections::BTreeMap;

use futures_util::TryStreamExt;
use object_store::path::Path;
use serde::{Deserialize, Serialize};

use super::objects::Inventory;
use super::verify::Verifier;
use crate::context::Context;
use crate::db::{Db, DbError, Tx};
use crate::objects::ObjectError;
use crate::read_model::{Blob, BlobDigest, Fate, ObjectType, OtherLineages, StoreError};

/// A blob that the state does not name. That is no problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnnamedBlob {
    /// The name of the object.
    pub place: String,
    pub bytes: u64,
    pub fate: Fate,
}

/// The objects of the state, and the blobs, that are looked at in one read.
const PAGE: usize = 1000;

/// Checks the blobs of the state that is in force.
pub(super) async fn check(
    verifier: &mut Verifier<'_>,
    db: &Db,
    inventory: &Inventory,
) -> Result<(), StoreError> {
    let mut unnamed = inventory.blobs.clone();
    for kind in verifier.inner.schema.types {
        let mut after = String::new();
        while let Some((last, blobs)) = page(verifier, db, kind, after).await? {
            after = last;
            for blob in blobs {
                let key = key(verifier, &blob.name);
                let stored = unnamed.remove(&key);
                verifier.checked.blobs += 1;
                named(verifier, &key, stored, &blob).await?;
            }
        }
    }
    fates(verifier, db, unnamed, OtherLineages::of(inventory.lineages.len())).await
}

fn key(verifier: &Verifier<'_>, name: &str) -> Path {
    name.split('/').fold(verifier.inner.object_keys.all(), Path::join)
}

/// The blobs that one page of the objects of a type names, and the last id in it.
async fn page(
    verifier: &Verifier<'_>,
    db: &Db,
    kind: &'static ObjectType,
    after: String,
) -> Result<Option<(String, Vec<Blob>)>, StoreError> {
    let schema = verifier.inner.schema;
    if schema.blobs.folders.is_empty() {
        return Ok(None);
    }
    let read = move |tx: &Tx<'_>| {
        let objects = schema.page(tx, kind, &after, PAGE)?;
        let Some((last, _)) = objects.last() else { return Ok(None) };
        let mut blobs = Vec::new();
        for (_, data) in &objects {
            blobs.extend((schema.blobs.named)(tx, kind.name, data)?);
        }
        Ok(Some((last.clone(), blobs)))
    };
    Ok(db.read::<_, DbError>(&Context::background(), read).await?)
}

/// Checks a blob that the state names; `stored` has the bytes of the one that was listed.
async fn named(
    verifier: &mut Verifier<'_>,
    key: &Path,
    stored: Option<u64>,
    blob: &Blob,
) -> Result<(), StoreError> {
    let size = match stored {
        Some(size) => Some(size),
        // A service that runs may have stored it since.
        None => match verifier.inner.objects.size(key).await {
            Err(ObjectError::NotExist(_)) => None,
            found => Some(found?),
        },
    };
    let (title, meaning) = (&blob.title, blob.meaning);
    match size {
        None => verifier.report(key, format!("{title} does not exist"), meaning),
        Some(size) if size != blob.size => {
            let problem = format!("{title} has {size} bytes, the state says {}", blob.size);
            verifier.report(key, problem, meaning);
        }
        Some(_) => {
            let matches = matches(verifier, key, blob).await;
            if verifier.check(key, meaning, matches)? == Some(false) {
                let problem = format!("{title} is damaged: its digest is not that of the state");
                verifier.report(key, problem, meaning);
            }
        }
    }
    Ok(())
}

/// Whether an object has the digest that the state says.
async fn matches(verifier: &Verifier<'_>, key: &Path, blob: &Blob) -> Result<bool, ObjectError> {
    let objects = &verifier.inner.objects;
    match &blob.digest {
        BlobDigest::OfObject(digest) => {
            let mut hasher = blake3::Hasher::new();
            let mut pieces = Box::pin(objects.stream(key, blob.size));
            while let Some(piece) = pieces.try_next().await? {
                hasher.update(&piece);
            }
            Ok(hasher.finalize().to_hex().as_str() == digest)
        }
        BlobDigest::OfContent { digest, size, read } => {
            let found = read(&objects.get(key).await?, *size);
            Ok(found.is_some_and(|found| found.to_hex().as_str() == digest))
        }
    }
}

/// Notes what becomes of the blobs that the state does not name.
async fn fates(
    verifier: &mut Verifier<'_>,
    db: &Db,
    unnamed: BTreeMap<Path, u64>,
    others: OtherLineages,
) -> Result<(), StoreError> {
    let (fate_of, root) = (verifier.inner.schema.blobs.unnamed, verifier.inner.object_keys.all());
    let unnamed: Vec<(Path, u64)> = unnamed.into_iter().collect();
    for page in unnamed.chunks(PAGE) {
        let names: Vec<String> = page.iter().map(|(key, _)| name(&root, key)).collect();
        let read = move |tx: &Tx<'_>| {
            let fates = names.iter().map(|name| fate_of(tx, name, others));
            fates.collect::<Result<Vec<_>, _>>()
        };
        let fates = db.read::<_, DbError>(&Context::background(), read).await?;
        for ((key, bytes), fate) in page.iter().zip(fates) {
            match fate {
                Some(fate) => {
                    let (place, bytes) = (key.to_string(), *bytes);
                    verifier.unnamed.push(UnnamedBlob { place, bytes, fate });
                }
                None => verifier.unknown_object(key),
            }
        }
    }
    Ok(())
}

/// The name of a blob, below the folder of the service.
fn name(root: &Path, key: &Path) -> String {
    let parts = key.prefix_match(root).into_iter().flatten();
    parts.map(|part| part.as_ref().to_owned()).collect::<Vec<_>>().join("/")
}
