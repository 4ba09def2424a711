//! What is left of a user or an organization that was deleted, while objects refer to it.

use drydock_core::read_model::parses;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Stored;

/// A deleted user or organization, as stored in its place. It has no name, and nobody sees it; the
/// store's task `purge` deletes it after the objects that refer to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeletedOwner {
    pub id: Uuid,
    pub deleted_at: Timestamp,
    pub revision: u64,
    pub updated_at: Timestamp,
}

impl DeletedOwner {
    /// What is left of an owner after one more change: its deletion.
    pub fn of(id: Uuid, owner: &impl Stored, now: Timestamp) -> DeletedOwner {
        let revision = owner.revision() + 1;
        DeletedOwner { id, deleted_at: now, revision, updated_at: now }
    }
}

/// Whether the text is an owner of this type, or what is left of one.
pub fn is_owner<T: DeserializeOwned>(text: &str) -> Result<(), String> {
    parses::<T>(text).or_else(|error| parses::<DeletedOwner>(text).map_err(|_| error))
}
