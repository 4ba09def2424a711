use drydock_api::configstore::errors::{
    project_group_already_exists, project_group_cycle, project_group_not_exist,
    project_group_too_deep, root_project_group,
};
use drydock_api::configstore::types::{ProjectGroupView, Visibility};
use drydock_api::names::{Name, OwnerKind, TreeRef};
use drydock_core::error::BoxError;
use drydock_core::store::StoreTx;
use drydock_http::api::precondition::IfMatch;
use uuid::Uuid;

use super::subtree;
use crate::model;
use crate::model::tree::Standing;
use crate::record::{ProjectGroup, Stored};
use crate::schema::PROJECT_GROUPS;

/// Groups above each other at most, the root among them: it bounds every look-up.
const MAX_DEPTH: usize = 32;

/// What a new group is to be.
#[derive(Debug, Clone)]
pub struct New {
    pub name: Name,
    pub parent: TreeRef,
    pub visibility: Visibility,
}

/// What a group is to be; `None`: as it was.
pub struct Change {
    pub name: Option<Name>,
    pub parent: Option<TreeRef>,
    pub visibility: Option<Visibility>,
}

/// Makes the root group of a new user or organization.
pub fn create_root(tx: &mut StoreTx<'_>, kind: OwnerKind, owner: Uuid) -> Result<(), BoxError> {
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
) -> Result<(ProjectGroup, ProjectGroupView), BoxError> {
    let parent = find(tx, &new.parent)?;
    name_is_free(tx, parent.id, &new.name, None)?;
    if model::project_group::up(tx, parent.id)?.len() >= MAX_DEPTH {
        return Err(project_group_too_deep(MAX_DEPTH).into());
    }
    let now = tx.now();
    let group = ProjectGroup {
        id: tx.new_id(),
        name: Some(new.name.clone()),
        user: None,
        org: None,
        parent: Some(parent.id),
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
) -> Result<(ProjectGroup, ProjectGroupView), BoxError> {
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
pub fn delete(tx: &mut StoreTx<'_>, group: &TreeRef, if_match: &IfMatch) -> Result<(), BoxError> {
    let group = find(tx, group)?;
    if_match.check(Some(&group.etag()))?;
    if group.parent.is_none() {
        return Err(root_project_group().into());
    }
    subtree::delete_group(tx, group.id)
}

pub fn find(tx: &StoreTx<'_>, group: &TreeRef) -> Result<ProjectGroup, BoxError> {
    let found = model::project_group::find(tx, group)?;
    Ok(found.ok_or_else(|| project_group_not_exist(group))?)
}

/// Where a group that exists stands.
pub fn standing(tx: &drydock_core::db::Tx<'_>, group: Uuid) -> Result<Standing, BoxError> {
    let standing = model::tree::standing(tx, group)?;
    Ok(standing.ok_or_else(|| project_group_not_exist(&TreeRef::Id(group)))?)
}

/// Whether the changed group may stand where it is to be, under that name.
fn check_place(tx: &StoreTx<'_>, old: &ProjectGroup, new: &ProjectGroup) -> Result<(), BoxError> {
    if (&new.name, new.parent) == (&old.name, old.parent) {
        return Ok(());
    }
    let (Some(_), Some(parent), Some(name)) = (old.parent, new.parent, &new.name) else {
        return Err(root_project_group().into());
    };
    name_is_free(tx, parent, name, Some(new.id))?;
    if new.parent == old.parent {
        return Ok(());
    }
    let above = model::project_group::up(tx, parent)?;
    if above.iter().any(|group| group.id == new.id) {
        return Err(project_group_cycle().into());
    }
    let deepest = model::project_group::down(tx, new.id)?.first().map_or(0, |(_, level)| *level);
    if above.len() + deepest as usize >= MAX_DEPTH {
        return Err(project_group_too_deep(MAX_DEPTH).into());
    }
    Ok(())
}

fn name_is_free(
    tx: &StoreTx<'_>,
    parent: Uuid,
    name: &Name,
    own: Option<Uuid>,
) -> Result<(), BoxError> {
    match model::project_group::by_name(tx, parent, name)? {
        Some(holder) if Some(holder.id) != own => Err(project_group_already_exists(name).into()),
        _ => Ok(()),
    }
}

fn view(tx: &StoreTx<'_>, group: &ProjectGroup) -> Result<ProjectGroupView, BoxError> {
    Ok(model::tree::group_view(group, standing(tx, group.id)?))
}
