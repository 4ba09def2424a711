//! Creations that may be repeated: the first answer is stored with the object, in one commit.
//!
//! Only successful answers are stored, for [`KEPT_MS`]: a refused creation may be tried again with
//! the same key. Stored answers are encrypted, because one may hold a token's value or the digest
//! of a secret. A service that uses this has [`IDEMPOTENCY_KEYS`] among its types of objects.

use drydock_api::refusals::{IdempotencyKeyReused, NotRepeatable, TooManyKeys};
use drydock_core::db::column::id;
use drydock_core::db::{DbError, Tx};
use drydock_core::error::ActionError;
use drydock_core::read_model::{ObjectType, parses};
use drydock_core::store::StoreTx;
use drydock_http::api::creation::{Created, Repeatable};
use rusqlite::params;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::encryption::{Bound, Encrypted};
use crate::encryptor::{Encryptor, decrypt};

/// How long an answer is kept: 24 hours.
pub const KEPT_MS: i64 = 24 * 60 * 60 * 1000;
/// The greatest number of stored answers.
const MAX_KEPT: i64 = 100_000;
/// The greatest number of expired answers that one creation deletes.
const SWEPT_AT_ONCE: i64 = 64;

/// The stored answers, as a type of objects of a service's schema.
pub const IDEMPOTENCY_KEYS: ObjectType = ObjectType {
    name: "idempotency_keys",
    table: "CREATE TABLE idempotency_keys (
        id TEXT PRIMARY KEY NOT NULL CHECK (id = data ->> '$.id'),
        data TEXT NOT NULL,
        created_ms INTEGER NOT NULL
            GENERATED ALWAYS AS (data ->> '$.created_ms') STORED
    ) STRICT;
    CREATE INDEX idempotency_keys_created ON idempotency_keys (created_ms);",
    check: parses::<IdempotencyRecord>,
    encrypted: |text| {
        let record: IdempotencyRecord = serde_json::from_str(text).ok()?;
        serde_json::to_string(&record.sealed).ok()
    },
};

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

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    digest: String,
    answer: Created,
}

/// Creates an object, unless the same request has created it before: then its answer is returned.
pub fn once<F: From<NotRepeatable>>(
    tx: &mut StoreTx<'_>,
    encryptor: &Encryptor,
    repeatable: Option<&Repeatable>,
    create: impl FnOnce(&mut StoreTx<'_>) -> Result<Created, ActionError<F>>,
) -> Result<Created, ActionError<F>> {
    let Some(Repeatable { id, digest }) = repeatable else { return create(tx) };
    let now = tx.now().as_millisecond();
    let kind = IDEMPOTENCY_KEYS.name;
    let bound = Bound { kind, id: *id };
    let before: Option<IdempotencyRecord> = tx.get(kind, *id)?;
    if let Some(before) = before.filter(|before| now - before.created_ms < KEPT_MS) {
        let plain = decrypt::<NotRepeatable>(&encryptor.keys, bound, &before.sealed);
        let plain = plain.map_err(ActionError::widen)?;
        let kept: Kept = serde_json::from_slice(&plain)?;
        return match kept.digest == *digest {
            true => Ok(kept.answer),
            false => Err(NotRepeatable::from(IdempotencyKeyReused).into()),
        };
    }
    for expired in created_before(tx, now - KEPT_MS)? {
        tx.delete(kind, expired)?;
    }
    if count(tx)? >= MAX_KEPT {
        return Err(NotRepeatable::from(TooManyKeys).into());
    }
    let answer = create(tx)?;
    let kept = Kept { digest: digest.clone(), answer };
    let sealed = encryptor.encrypt(bound, &serde_json::to_vec(&kept)?);
    tx.put(kind, *id, &IdempotencyRecord { id: *id, created_ms: now, sealed })?;
    Ok(kept.answer)
}

/// The ids of some answers that were made before this time, the oldest first.
fn created_before(tx: &Tx<'_>, moment_ms: i64) -> Result<Vec<Uuid>, DbError> {
    let sql = "SELECT id FROM idempotency_keys WHERE created_ms <= ?1
        ORDER BY created_ms, id LIMIT ?2";
    tx.query(sql, params![moment_ms, SWEPT_AT_ONCE], |row| id(row, 0))
}

fn count(tx: &Tx<'_>) -> Result<i64, DbError> {
    let count = tx.query_one("SELECT count(*) FROM idempotency_keys", [], |row| row.get(0))?;
    Ok(count.unwrap_or(0))
}
