//! What a store does that not every store does.

use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, Result};

/// What becomes of a write that must not overwrite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConditionalWrites {
    /// It is refused if there is an object.
    Honoured,
    /// It overwrites all the same, and says that all is well.
    Ignored,
    /// The store does not know them.
    Unknown,
}

/// Tries it out at `key`, where nothing else may be; nothing is left there.
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
