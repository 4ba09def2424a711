use std::collections::BTreeMap;

use drydock_api::configstore::errors::{secret_already_exists, secret_not_exist};
use drydock_api::configstore::types::Scope;
use drydock_api::names::{Name, Ref};
use drydock_core::error::BoxError;
use drydock_core::store::StoreTx;
use drydock_http::api::precondition::IfMatch;
use drydock_runtime::encryption::{Bound, Encrypted};
use uuid::Uuid;

use super::once::Encryptor;
use super::place::columns;
use crate::model;
use crate::record::{Secret, Stored};
use crate::schema::SECRETS;

/// A secret's data, by key.
pub type Data = BTreeMap<String, String>;

/// The fields of a secret that change; `None` leaves a field as it is.
pub struct Change {
    pub name: Option<Name>,
    pub data: Option<Data>,
}

pub fn create(
    tx: &mut StoreTx<'_>,
    encryptor: &Encryptor,
    place: &Scope,
    name: &Name,
    data: &Data,
) -> Result<Secret, BoxError> {
    if model::secret::by_name(tx, place.id, name)?.is_some() {
        return Err(secret_already_exists(name).into());
    }
    let (now, id) = (tx.now(), tx.new_id());
    let (project, project_group) = columns(place);
    let secret = Secret {
        id,
        name: name.clone(),
        project,
        project_group,
        data: encrypt(encryptor, id, data)?,
        revision: 1,
        created_at: now,
        updated_at: now,
    };
    tx.put(SECRETS, id, &secret)?;
    Ok(secret)
}

pub fn update(
    tx: &mut StoreTx<'_>,
    encryptor: &Encryptor,
    place: &Scope,
    secret: &Ref,
    change: &Change,
    if_match: &IfMatch,
) -> Result<Secret, BoxError> {
    let mut secret = find(tx, place, secret)?;
    if_match.check(Some(&secret.etag()))?;
    let renamed = change.name.as_ref().filter(|name| **name != secret.name);
    if let Some(name) = renamed {
        if model::secret::by_name(tx, place.id, name)?.is_some() {
            return Err(secret_already_exists(name).into());
        }
        secret.name = name.clone();
    }
    if let Some(data) = &change.data {
        secret.data = encrypt(encryptor, secret.id, data)?;
    }
    if renamed.is_some() || change.data.is_some() {
        secret.touch(tx.now());
        tx.put(SECRETS, secret.id, &secret)?;
    }
    Ok(secret)
}

pub fn delete(
    tx: &mut StoreTx<'_>,
    place: &Scope,
    secret: &Ref,
    if_match: &IfMatch,
) -> Result<(), BoxError> {
    let secret = find(tx, place, secret)?;
    if_match.check(Some(&secret.etag()))?;
    tx.delete(SECRETS, secret.id)
}

/// Replaces the cipher text by one under the primary key, unless the secret has changed meanwhile.
/// No client sees a change.
pub fn reencrypt(
    tx: &mut StoreTx<'_>,
    id: Uuid,
    before: &Encrypted,
    after: &Encrypted,
) -> Result<(), BoxError> {
    let secret: Option<Secret> = tx.get(SECRETS, id)?;
    match secret.filter(|secret| secret.data == *before) {
        Some(secret) => tx.put(SECRETS, id, &Secret { data: after.clone(), ..secret }),
        None => Ok(()),
    }
}

pub fn bound(secret: Uuid) -> Bound {
    Bound { kind: SECRETS, id: secret }
}

fn encrypt(encryptor: &Encryptor, id: Uuid, data: &Data) -> Result<Encrypted, BoxError> {
    let plain = zeroize::Zeroizing::new(serde_json::to_vec(data)?);
    Ok(encryptor.keys.encrypt(&encryptor.env, bound(id), &plain))
}

fn find(tx: &StoreTx<'_>, place: &Scope, secret: &Ref) -> Result<Secret, BoxError> {
    let found = model::secret::find(tx, place.id, secret)?;
    Ok(found.ok_or_else(|| secret_not_exist(secret))?)
}
