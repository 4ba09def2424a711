//! Creations that may be repeated: the first answer is stored with the object, in one commit.
//!
//! Only successful answers are stored, for [`KEPT_MS`]: a refused creation may be tried again with
//! the same key. Stored answers are encrypted, because one may hold a token's value or the digest
//! of a secret.

use drydock_api::runservice::refusals::{IdempotencyKeyReused, NotRepeatable, TooManyKeys};
use drydock_core::error::ActionError;
use drydock_core::store::StoreTx;
use drydock_http::api::creation::Created;
use drydock_http::api::creation::Repeatable;
use drydock_runtime::encryption::Bound;
use serde::{Deserialize, Serialize};

use super::encryption::{Encryptor, decrypt};
use crate::model::idempotency as model;
use crate::record::IdempotencyRecord;
use crate::schema::IDEMPOTENCY_KEYS;

/// How long an answer is kept: 24 hours.
pub const KEPT_MS: i64 = 24 * 60 * 60 * 1000;
/// The greatest number of stored answers.
const MAX_KEPT: u64 = 100_000;
/// The greatest number of expired answers that one creation deletes.
const SWEPT_AT_ONCE: u32 = 64;

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
    let bound = Bound { kind: IDEMPOTENCY_KEYS, id: *id };
    let before: Option<IdempotencyRecord> = tx.get(IDEMPOTENCY_KEYS, *id)?;
    if let Some(before) = before.filter(|before| now - before.created_ms < KEPT_MS) {
        let plain = decrypt::<NotRepeatable>(&encryptor.keys, bound, &before.sealed);
        let plain = plain.map_err(ActionError::widen)?;
        let kept: Kept = serde_json::from_slice(&plain)?;
        return match kept.digest == *digest {
            true => Ok(kept.answer),
            false => Err(NotRepeatable::from(IdempotencyKeyReused).into()),
        };
    }
    for expired in model::created_before(tx, now - KEPT_MS, SWEPT_AT_ONCE)? {
        tx.delete(IDEMPOTENCY_KEYS, expired)?;
    }
    if model::count(tx)? >= MAX_KEPT {
        return Err(NotRepeatable::from(TooManyKeys).into());
    }
    let answer = create(tx)?;
    let kept = Kept { digest: digest.clone(), answer };
    let sealed = encryptor.encrypt(bound, &serde_json::to_vec(&kept)?);
    tx.put(IDEMPOTENCY_KEYS, *id, &IdempotencyRecord { id: *id, created_ms: now, sealed })?;
    Ok(kept.answer)
}
