use drydock_core::read_model::StoreError;
use drydock_core::store::StoreTx;
use drydock_runtime::encryption::{Bound, Encrypted};
use uuid::Uuid;

use crate::record::Secret;
use crate::schema::SECRETS;

/// Replaces the cipher text by one under the primary key, unless the secret has changed meanwhile.
/// No client sees a change.
pub fn reencrypt(
    tx: &mut StoreTx<'_>,
    id: Uuid,
    before: &Encrypted,
    after: &Encrypted,
) -> Result<(), StoreError> {
    let secret: Option<Secret> = tx.get(SECRETS, id)?;
    match secret.filter(|secret| secret.data == *before) {
        Some(secret) => tx.put(SECRETS, id, &Secret { data: after.clone(), ..secret }),
        None => Ok(()),
    }
}

pub fn bound(secret: Uuid) -> Bound {
    Bound { kind: SECRETS, id: secret }
}
