use drydock_runtime::encryption::Encrypted;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The stored answer of a creation with an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdempotencyRecord {
    /// The id that is derived from the key.
    pub id: Uuid,
    /// The time of the creation, in milliseconds since 1970.
    pub created_ms: i64,
    /// The digest of the request, and the answer.
    pub sealed: Encrypted,
}
