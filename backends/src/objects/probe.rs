//! Probes for features that not every store has.

use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, Result};

/// The effect of a write that must not overwrite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConditionalWrites {
    /// The write is refused if there is an object.
    Honoured,
    /// The write overwrites the object all the same, and succeeds.
    Ignored,
    /// The store does not support such writes.
    Unknown,
}

/// Tries such writes at `key`, which must not exist; the object is deleted afterwards.
pub async fn conditional_writes(store: &dyn ObjectStore, key: &Path) -> Result<ConditionalWrites> {
    let create = async || {
        let options = PutOptions::from(PutMode::Create);
        store.put_opts(key, PutPayload::from_static(b"probe"), options).await
    };
    let found = match create().await {
        Err(Error::NotImplemented { .. } | Error::NotSupported { .. }) => {
            return Ok(ConditionalWrites::Unknown);
        }
        Err(error) => return Err(error),
        Ok(_) => match create().await {
            Ok(_) => ConditionalWrites::Ignored,
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => {
                ConditionalWrites::Honoured
            }
            Err(error) => return Err(error),
        },
    };
    store.delete(key).await?;
    Ok(found)
}
