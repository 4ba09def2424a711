use drydock_api::configstore::endpoints::user::{Create, Delete, Update};
use drydock_api::configstore::refusals::{UserAlreadyExists, UserNotExist};
use drydock_api::configstore::types::User;
use drydock_api::names::{Name, OwnerKind, Ref};
use drydock_core::db::Tx;
use drydock_core::error::ActionError;
use drydock_core::store::StoreTx;
use drydock_http::api::precondition::IfMatch;

use super::{member, project_group, subtree};
use crate::model;
use crate::record::Stored;
use crate::schema::USERS;

/// The fields of a user that change; `None` leaves a field as it is.
pub struct Change {
    pub name: Option<Name>,
    pub admin: Option<bool>,
}

pub fn create(tx: &mut StoreTx<'_>, name: &Name, admin: bool) -> Result<User, ActionError<Create>> {
    if model::user::by_name(tx, name)?.is_some() {
        return Err(UserAlreadyExists(name.clone()).into());
    }
    let now = tx.now();
    let user = User {
        id: tx.new_id(),
        name: name.clone(),
        admin,
        revision: 1,
        created_at: now,
        updated_at: now,
    };
    tx.put(USERS, user.id, &user)?;
    project_group::create_root(tx, OwnerKind::User, user.id)?;
    Ok(user)
}

pub fn update(
    tx: &mut StoreTx<'_>,
    user: &Ref,
    change: &Change,
    if_match: &IfMatch,
) -> Result<User, ActionError<Update>> {
    let old = find(tx, user)?;
    if_match.check(Some(&old.etag()))?;
    let mut new = old.clone();
    if let Some(name) = &change.name {
        let holder = model::user::by_name(tx, name)?;
        if holder.is_some_and(|holder| holder.id != old.id) {
            return Err(UserAlreadyExists(name.clone()).into());
        }
        new.name = name.clone();
    }
    new.admin = change.admin.unwrap_or(old.admin);
    if new == old {
        return Ok(old);
    }
    new.touch(tx.now());
    tx.put(USERS, new.id, &new)?;
    Ok(new)
}

/// Deletes the user with all of its objects, unless an organization would lose its last owner.
pub fn delete(
    tx: &mut StoreTx<'_>,
    user: &Ref,
    if_match: &IfMatch,
) -> Result<(), ActionError<Delete>> {
    let user = find(tx, user)?;
    if_match.check(Some(&user.etag()))?;
    if let Some(org) = model::member::owned_alone(tx, user.id)? {
        return Err(member::last_owner(&org, &user).into());
    }
    Ok(subtree::delete_owner(tx, OwnerKind::User, user.id, &user)?)
}

pub fn find<F: From<UserNotExist>>(tx: &Tx<'_>, user: &Ref) -> Result<User, ActionError<F>> {
    let found = model::user::find(tx, user)?;
    Ok(found.ok_or_else(|| UserNotExist(user.clone()))?)
}
