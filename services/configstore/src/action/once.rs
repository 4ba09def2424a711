//! Creations that may be repeated: the first answer is kept with the object, in one commit.
//!
//! Only a success is kept, for [`KEPT_MS`]: what was refused may be tried again with the same key.
//! Kept answers are sealed, because one may hold a token's value and the digest of a secret.

use drydock_api::configstore::errors::{idempotency_key_reused, too_many_idempotency_keys};
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
/// Answers kept at most.
const MAX_KEPT: i64 = 100_000;
/// Answers past their time that a creation takes along.
const SWEPT_AT_ONCE: i64 = 64;

/// What a kept answer is sealed with.
#[derive(Clone)]
pub struct Sealer {
    pub env: Env,
    pub keys: KeyRing,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    digest: String,
    answer: Created,
}

/// Creates, unless this very request has created before: then that answer is given again.
pub fn once(
    tx: &mut StoreTx<'_>,
    sealer: &Sealer,
    repeatable: Option<&Repeatable>,
    create: impl FnOnce(&mut StoreTx<'_>) -> Result<Created, BoxError>,
) -> Result<Created, BoxError> {
    let Some(Repeatable { id, digest }) = repeatable else { return create(tx) };
    let now = tx.now().as_millisecond();
    let bound = Bound { kind: IDEMPOTENCY_KEYS, id: *id };
    let before: Option<IdempotencyRecord> = tx.get(IDEMPOTENCY_KEYS, *id)?;
    if let Some(before) = before.filter(|before| now - before.created_ms < KEPT_MS) {
        let plain = sealer.keys.open(bound, &before.sealed).map_err(ApiError::from)?;
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
    let sealed = sealer.keys.seal(&sealer.env, bound, &serde_json::to_vec(&kept)?);
    tx.put(IDEMPOTENCY_KEYS, *id, &IdempotencyRecord { id: *id, created_ms: now, sealed })?;
    Ok(kept.answer)
}
