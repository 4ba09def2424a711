use drydock_api::configstore::endpoints::project_group::{Create, Delete, Update};
use drydock_api::configstore::refusals::{
    ProjectGroupAlreadyExists, ProjectGroupCycle, ProjectGroupNotExist, ProjectGroupTooDeep,
    RootProjectGroup,
};
use drydock_api::configstore::types::{ProjectGroupView, Visibility};
use drydock_api::names::{Name, OwnerKind, TreeRef};
use drydock_core::db::{DbError, Tx};
use drydock_core::error::ActionError;
use drydock_core::read_model::StoreError;
use drydock_core::store::StoreTx;
use drydock_http::api::precondition::IfMatch;
use uuid::Uuid;

use super::subtree;
use crate::model;
use crate::record::{ProjectGroup, Stored};
use crate::schema::PROJECT_GROUPS;

/// The greatest depth of a tree, the root included: it bounds every look-up.
const MAX_DEPTH: usize = 32;

/// The fields of a new group.
#[derive(Debug, Clone)]
pub struct New {
    pub name: Name,
    pub parent: TreeRef,
    pub visibility: Visibility,
}

/// The fields of a group that change; `None` leaves a field as it is.
pub struct Change {
    pub name: Option<Name>,
    pub parent: Option<TreeRef>,
    pub visibility: Option<Visibility>,
}

/// Makes the root group of a new user or organization.
pub fn create_root(tx: &mut StoreTx<'_>, kind: OwnerKind, owner: Uuid) -> Result<(), StoreError> {
    let (user, org) = match kind {
        OwnerKind::User => (Some(owner), None),
        OwnerKind::Org => (None, Some(owner)),
    };
    let now = tx.now();
    let group = ProjectGroup {
        id: tx.new_id(),
        name: None,
        user,
        org,
        parent: None,
        deleted_at: None,
        visibility: Visibility::Public,
        revision: 1,
        created_at: now,
        updated_at: now,
    };
    tx.put(PROJECT_GROUPS, group.id, &group)
}

pub fn create(
    tx: &mut StoreTx<'_>,
    new: &New,
) -> Result<(ProjectGroup, ProjectGroupView), ActionError<Create>> {
    let parent = find(tx, &new.parent)?;
    name_is_free(tx, parent.id, &new.name, None)?;
    if model::project_group::up(tx, parent.id)?.len() >= MAX_DEPTH {
        return Err(ProjectGroupTooDeep(MAX_DEPTH).into());
    }
    let now = tx.now();
    let group = ProjectGroup {
        id: tx.new_id(),
        name: Some(new.name.clone()),
        user: None,
        org: None,
        parent: Some(parent.id),
        deleted_at: None,
        visibility: new.visibility,
        revision: 1,
        created_at: now,
        updated_at: now,
    };
    tx.put(PROJECT_GROUPS, group.id, &group)?;
    let view = view(tx, &group)?;
    Ok((group, view))
}

pub fn update(
    tx: &mut StoreTx<'_>,
    group: &TreeRef,
    change: &Change,
    if_match: &IfMatch,
) -> Result<(ProjectGroup, ProjectGroupView), ActionError<Update>> {
    let old = find(tx, group)?;
    if_match.check(Some(&old.etag()))?;
    let mut new = old.clone();
    if let Some(parent) = &change.parent {
        new.parent = Some(find(tx, parent)?.id);
    }
    if let Some(name) = &change.name {
        new.name = Some(name.clone());
    }
    new.visibility = change.visibility.unwrap_or(old.visibility);
    if new != old {
        check_place(tx, &old, &new)?;
        new.touch(tx.now());
        tx.put(PROJECT_GROUPS, new.id, &new)?;
    }
    let view = view(tx, &new)?;
    Ok((new, view))
}

/// Deletes the group with everything below it.
pub fn delete(
    tx: &mut StoreTx<'_>,
    group: &TreeRef,
    if_match: &IfMatch,
) -> Result<(), ActionError<Delete>> {
    let group = find(tx, group)?;
    if_match.check(Some(&group.etag()))?;
    if group.parent.is_none() {
        return Err(RootProjectGroup.into());
    }
    Ok(subtree::delete_group(tx, &group)?)
}

pub fn find<F: From<ProjectGroupNotExist>>(
    tx: &Tx<'_>,
    group: &TreeRef,
) -> Result<ProjectGroup, ActionError<F>> {
    let found = model::project_group::find(tx, group)?;
    Ok(found.ok_or_else(|| ProjectGroupNotExist(group.clone()))?)
}

/// Checks whether the changed group may have its new parent and name.
fn check_place(
    tx: &StoreTx<'_>,
    old: &ProjectGroup,
    new: &ProjectGroup,
) -> Result<(), ActionError<Update>> {
    if (&new.name, new.parent) == (&old.name, old.parent) {
        return Ok(());
    }
    let (Some(_), Some(parent), Some(name)) = (old.parent, new.parent, &new.name) else {
        return Err(RootProjectGroup.into());
    };
    name_is_free(tx, parent, name, Some(new.id))?;
    if new.parent == old.parent {
        return Ok(());
    }
    let above = model::project_group::up(tx, parent)?;
    if above.iter().any(|group| group.id == new.id) {
        return Err(ProjectGroupCycle.into());
    }
    let deepest = model::project_group::down(tx, new.id)?.first().map_or(0, |(_, level)| *level);
    if above.len() + deepest as usize >= MAX_DEPTH {
        return Err(ProjectGroupTooDeep(MAX_DEPTH).into());
    }
    Ok(())
}

fn name_is_free<F: From<ProjectGroupAlreadyExists>>(
    tx: &StoreTx<'_>,
    parent: Uuid,
    name: &Name,
    own: Option<Uuid>,
) -> Result<(), ActionError<F>> {
    match model::project_group::by_name(tx, parent, name)? {
        Some(holder) if Some(holder.id) != own => {
            Err(ProjectGroupAlreadyExists(name.clone()).into())
        }
        _ => Ok(()),
    }
}

fn view(tx: &StoreTx<'_>, group: &ProjectGroup) -> Result<ProjectGroupView, DbError> {
    Ok(model::tree::group_view(group, model::tree::placement(tx, group.id)?))
}
