//! Creations that may be repeated: the first answer is stored with the object, in one commit.
//!
//! Only successful answers are stored, for [`KEPT_MS`]: a refused creation may be tried again with
//! the same key. Stored answers are encrypted, because one may hold a token's value or the digest
//! of a secret.

use drydock_api::runservice::errors::{idempotency_key_reused, too_many_idempotency_keys};
use drydock_core::env::Env;
use drydock_core::error::{ApiError, BoxError};
use drydock_core::store::StoreTx;
use drydock_http::api::creation::Created;
use drydock_http::api::creation::Repeatable;
use drydock_runtime::encryption::{Bound, KeyRing};
use serde::{Deserialize, Serialize};

use crate::model::idempotency as model;
use crate::record::IdempotencyRecord;
use crate::schema::IDEMPOTENCY_KEYS;

/// How long an answer is kept: 24 hours.
pub const KEPT_MS: i64 = 24 * 60 * 60 * 1000;
/// The greatest number of stored answers.
const MAX_KEPT: u64 = 100_000;
/// The greatest number of expired answers that one creation deletes.
const SWEPT_AT_ONCE: u32 = 64;

/// Encrypts secrets and stored answers.
#[derive(Clone)]
pub struct Encryptor {
    pub env: Env,
    pub keys: KeyRing,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    digest: String,
    answer: Created,
}

/// Creates an object, unless the same request has created it before: then its answer is returned.
pub fn once(
    tx: &mut StoreTx<'_>,
    encryptor: &Encryptor,
    repeatable: Option<&Repeatable>,
    create: impl FnOnce(&mut StoreTx<'_>) -> Result<Created, BoxError>,
) -> Result<Created, BoxError> {
    let Some(Repeatable { id, digest }) = repeatable else { return create(tx) };
    let now = tx.now().as_millisecond();
    let bound = Bound { kind: IDEMPOTENCY_KEYS, id: *id };
    let before: Option<IdempotencyRecord> = tx.get(IDEMPOTENCY_KEYS, *id)?;
    if let Some(before) = before.filter(|before| now - before.created_ms < KEPT_MS) {
        let plain = encryptor.keys.decrypt(bound, &before.sealed).map_err(ApiError::from)?;
        let kept: Kept = serde_json::from_slice(&plain)?;
        return match kept.digest == *digest {
            true => Ok(kept.answer),
            false => Err(idempotency_key_reused().into()),
        };
    }
    for expired in model::created_before(tx, now - KEPT_MS, SWEPT_AT_ONCE)? {
        tx.delete(IDEMPOTENCY_KEYS, expired)?;
    }
    if model::count(tx)? >= MAX_KEPT {
        return Err(too_many_idempotency_keys().into());
    }
    let answer = create(tx)?;
    let kept = Kept { digest: digest.clone(), answer };
    let sealed = encryptor.keys.encrypt(&encryptor.env, bound, &serde_json::to_vec(&kept)?);
    tx.put(IDEMPOTENCY_KEYS, *id, &IdempotencyRecord { id: *id, created_ms: now, sealed })?;
    Ok(kept.answer)
}
