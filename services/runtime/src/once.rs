//! Creations that may be repeated: the first answer is stored with the object, in one commit.
//!
//! Only successful answers are stored, for [`KEPT_MS`]: a refused creation may be tried again with
//! the same key. Stored answers are encrypted, because one may hold a token's value or the digest
//! of a secret. A service that uses this has [`IDEMPOTENCY_KEYS`] among its types of objects.
//!
//! Invariant: the number of stored answers is bounded for each caller, so that no caller uses up
//! the keys of others. Each answer has a number in the order of its caller's answers, and they
//! expire in that order: the first and the last number say how many there are at most, at a cost
//! that does not depend on it.

use drydock_api::refusals::{IdempotencyKeyReused, NotRepeatable, TooManyKeys};
use drydock_core::db::column::id;
use drydock_core::db::{DbError, Tx};
use drydock_core::error::ActionError;
use drydock_core::read_model::{ObjectType, TypeStep, parses};
use drydock_core::store::StoreTx;
use drydock_http::api::creation::{Created, Repeatable};
use rusqlite::params;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::encryption::{Bound, Encrypted};
use crate::encryptor::{Encryptor, decrypt};

/// How long an answer is kept: 24 hours.
pub const KEPT_MS: i64 = 24 * 60 * 60 * 1000;
/// The greatest number of stored answers of one caller.
pub const MAX_KEPT: i64 = 100_000;
/// The greatest number of expired answers that one creation deletes.
const SWEPT_AT_ONCE: i64 = 64;

/// The stored answers, as a type of objects of a service's schema.
pub const IDEMPOTENCY_KEYS: ObjectType = ObjectType {
    name: "idempotency_keys",
    since: 1,
    table: "CREATE TABLE idempotency_keys (
        id TEXT PRIMARY KEY NOT NULL CHECK (id = data ->> '$.id'),
        data TEXT NOT NULL,
        created_ms INTEGER NOT NULL
            GENERATED ALWAYS AS (data ->> '$.created_ms') STORED,
        caller TEXT GENERATED ALWAYS AS (data ->> '$.caller') STORED,
        nth INTEGER GENERATED ALWAYS AS (data ->> '$.nth') STORED
    ) STRICT;
    CREATE INDEX idempotency_keys_created ON idempotency_keys (created_ms);
    CREATE INDEX idempotency_keys_caller ON idempotency_keys (caller, nth);",
    check: parses::<IdempotencyRecord>,
    encrypted: |text| {
        let record: IdempotencyRecord = serde_json::from_str(text).ok()?;
        serde_json::to_string(&record.sealed).ok()
    },
};

/// The change of the stored answers by which each got a caller and a number.
pub const NUMBERED_ANSWERS: TypeStep = TypeStep {
    name: IDEMPOTENCY_KEYS.name,
    up: |answer| {
        answer.entry("caller").or_insert_with(|| Uuid::nil().to_string().into());
        answer.entry("nth").or_insert_with(|| 0.into());
        Ok(())
    },
    down: |answer| {
        answer.remove("caller");
        answer.remove("nth");
        Ok(())
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
    /// The user on whose behalf the request was made; nil for a service that acts for itself.
    pub caller: Uuid,
    /// The number of this answer among its caller's. Answers of earlier versions have 0.
    pub nth: i64,
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
/// `caller`: the user on whose behalf the request is made.
pub fn once<F: From<NotRepeatable>>(
    tx: &mut StoreTx<'_>,
    encryptor: &Encryptor,
    caller: Option<Uuid>,
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
            true => Ok(kept.answer.repeated()),
            false => Err(NotRepeatable::from(IdempotencyKeyReused).into()),
        };
    }
    for expired in created_before(tx, now - KEPT_MS)? {
        tx.delete(kind, expired)?;
    }
    let caller = caller.unwrap_or_default();
    let (first, last) = numbers(tx, caller)?.unwrap_or((1, 0));
    if last - first + 1 >= MAX_KEPT {
        return Err(NotRepeatable::from(TooManyKeys).into());
    }
    let answer = create(tx)?;
    let kept = Kept { digest: digest.clone(), answer };
    let sealed = encryptor.encrypt(bound, &serde_json::to_vec(&kept)?);
    let nth = last + 1;
    tx.put(kind, *id, &IdempotencyRecord { id: *id, created_ms: now, caller, nth, sealed })?;
    Ok(kept.answer)
}

/// The ids of some answers that were made before this time, the oldest first.
fn created_before(tx: &Tx<'_>, moment_ms: i64) -> Result<Vec<Uuid>, DbError> {
    let sql = "SELECT id FROM idempotency_keys WHERE created_ms <= ?1
        ORDER BY created_ms, id LIMIT ?2";
    tx.query(sql, params![moment_ms, SWEPT_AT_ONCE], |row| id(row, 0))
}

/// The numbers of a caller's first and last answer.
fn numbers(tx: &Tx<'_>, caller: Uuid) -> Result<Option<(i64, i64)>, DbError> {
    // Each half is one look into the index.
    let sql = "SELECT (SELECT min(nth) FROM idempotency_keys WHERE caller = ?1),
        (SELECT max(nth) FROM idempotency_keys WHERE caller = ?1)";
    let found = tx.query_one(sql, [caller.to_string()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(found.and_then(|(first, last): (Option<i64>, Option<i64>)| first.zip(last)))
}
