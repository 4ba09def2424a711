use drydock_runtime::encryption::Sealed;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// That a creation with an idempotency key took place, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdempotencyRecord {
    /// Made of the key.
    pub id: Uuid,
    /// Milliseconds since 1970.
    pub created_ms: i64,
    /// What was asked for, and the answer, which may hold a token's value.
    pub sealed: Sealed,
}
