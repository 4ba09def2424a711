use std::collections::BTreeMap;

use drydock_api::configstore::errors::{secret_already_exists, secret_not_exist};
use drydock_api::configstore::types::Scope;
use drydock_api::names::{Name, Ref};
use drydock_core::error::BoxError;
use drydock_core::store::StoreTx;
use drydock_http::api::precondition::IfMatch;
use drydock_runtime::encryption::{Bound, Sealed};
use uuid::Uuid;

use super::once::Sealer;
use super::place::columns;
use crate::model;
use crate::record::{Secret, Stored};
use crate::schema::SECRETS;

/// A secret's data, by key.
pub type Data = BTreeMap<String, String>;

/// What a secret is to be; `None`: as it was.
pub struct Change {
    pub name: Option<Name>,
    pub data: Option<Data>,
}

pub fn create(
    tx: &mut StoreTx<'_>,
    sealer: &Sealer,
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
        data: seal(sealer, id, data)?,
        revision: 1,
        created_at: now,
        updated_at: now,
    };
    tx.put(SECRETS, id, &secret)?;
    Ok(secret)
}

pub fn update(
    tx: &mut StoreTx<'_>,
    sealer: &Sealer,
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
        secret.data = seal(sealer, secret.id, data)?;
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

/// Seals the data under the primary key, if it still is what it was. No change that anybody sees.
pub fn seal_anew(
    tx: &mut StoreTx<'_>,
    id: Uuid,
    before: &Sealed,
    after: &Sealed,
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

fn seal(sealer: &Sealer, id: Uuid, data: &Data) -> Result<Sealed, BoxError> {
    let plain = zeroize::Zeroizing::new(serde_json::to_vec(data)?);
    Ok(sealer.keys.seal(&sealer.env, bound(id), &plain))
}

fn find(tx: &StoreTx<'_>, place: &Scope, secret: &Ref) -> Result<Secret, BoxError> {
    let found = model::secret::find(tx, place.id, secret)?;
    Ok(found.ok_or_else(|| secret_not_exist(secret))?)
}
