use drydock_api::configstore::endpoints::org::{Create, Delete, Update};
use drydock_api::configstore::refusals::{OrgAlreadyExists, OrgNotExist};
use drydock_api::configstore::types::{Org, Role, Visibility};
use drydock_api::names::{Name, OwnerKind, Ref};
use drydock_core::db::Tx;
use drydock_core::error::ActionError;
use drydock_core::store::StoreTx;
use drydock_http::api::precondition::IfMatch;

use super::{member, project_group, subtree, user};
use crate::model;
use crate::record::Stored;
use crate::schema::ORGS;

/// The fields of an organization that change; `None` leaves a field as it is.
pub struct Change {
    pub name: Option<Name>,
    pub visibility: Option<Visibility>,
}

/// Creates an organization, with its first owner if one is named.
pub fn create(
    tx: &mut StoreTx<'_>,
    name: &Name,
    visibility: Visibility,
    owner: Option<&Ref>,
) -> Result<Org, ActionError<Create>> {
    if model::org::by_name(tx, name)?.is_some() {
        return Err(OrgAlreadyExists(name.clone()).into());
    }
    let now = tx.now();
    let org = Org {
        id: tx.new_id(),
        name: name.clone(),
        visibility,
        revision: 1,
        created_at: now,
        updated_at: now,
    };
    tx.put(ORGS, org.id, &org)?;
    project_group::create_root(tx, OwnerKind::Org, org.id)?;
    if let Some(owner) = owner {
        let owner = user::find(tx, owner)?;
        member::add(tx, org.id, owner.id, Role::Owner)?;
    }
    Ok(org)
}

pub fn update(
    tx: &mut StoreTx<'_>,
    org: &Ref,
    change: &Change,
    if_match: &IfMatch,
) -> Result<Org, ActionError<Update>> {
    let old = find(tx, org)?;
    if_match.check(Some(&old.etag()))?;
    let mut new = old.clone();
    if let Some(name) = &change.name {
        let holder = model::org::by_name(tx, name)?;
        if holder.is_some_and(|holder| holder.id != old.id) {
            return Err(OrgAlreadyExists(name.clone()).into());
        }
        new.name = name.clone();
    }
    new.visibility = change.visibility.unwrap_or(old.visibility);
    if new == old {
        return Ok(old);
    }
    new.touch(tx.now());
    tx.put(ORGS, new.id, &new)?;
    Ok(new)
}

/// Deletes the organization with its memberships and everything in its tree.
pub fn delete(
    tx: &mut StoreTx<'_>,
    org: &Ref,
    if_match: &IfMatch,
) -> Result<(), ActionError<Delete>> {
    let org = find(tx, org)?;
    if_match.check(Some(&org.etag()))?;
    Ok(subtree::delete_owner(tx, OwnerKind::Org, org.id, &org)?)
}

pub fn find<F: From<OrgNotExist>>(tx: &Tx<'_>, org: &Ref) -> Result<Org, ActionError<F>> {
    let found = model::org::find(tx, org)?;
    Ok(found.ok_or_else(|| OrgNotExist(org.clone()))?)
}
