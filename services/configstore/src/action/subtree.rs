//! The deletion of a user or an organization, a project group or a project, with everything below.
//!
//! Invariant: a deletion is one commit of bounded size, after which nobody sees anything of the
//! subtree, and its names are free. If the subtree has more objects than one commit deletes, that
//! commit detaches it: its root group belongs to nobody, and has a time of deletion. An owner to
//! which more objects refer loses its name instead. The store's task `purge` deletes the objects in
//! later commits.

use drydock_api::configstore::types::Visibility;
use drydock_api::names::OwnerKind;
use drydock_core::read_model::{ObjectRef, StoreError};
use drydock_core::store::StoreTx;
use uuid::Uuid;

use crate::model;
use crate::record::{DeletedOwner, Project, ProjectGroup, Stored};
use crate::schema::{PROJECT_GROUPS, PROJECTS, deleted};

/// Deletes a user or an organization with its tree, tokens, accounts and memberships.
pub fn delete_owner(
    tx: &mut StoreTx<'_>,
    kind: OwnerKind,
    id: Uuid,
    owner: &impl Stored,
) -> Result<(), StoreError> {
    let mut limit = tx.deletion_objects();
    if let Some(root) = model::project_group::root_of(tx, kind, id)? {
        limit = limit.saturating_sub(delete_tree(tx, &root)?);
    }
    let objects = deleted::below_owner(tx, kind, id, limit.saturating_add(1))?;
    if objects.len() <= limit {
        return delete_all(tx, &objects);
    }
    let left = DeletedOwner::of(id, owner, tx.now());
    tx.put(deleted::table_of(kind), id, &left)
}

/// Deletes the group with everything below it.
pub fn delete_group(tx: &mut StoreTx<'_>, group: &ProjectGroup) -> Result<(), StoreError> {
    delete_tree(tx, group).map(drop)
}

/// The same; answers the number of objects that it deleted or detached.
fn delete_tree(tx: &mut StoreTx<'_>, group: &ProjectGroup) -> Result<usize, StoreError> {
    let limit = tx.deletion_objects();
    let objects = deleted::below_group(tx, group.id, limit.saturating_add(1))?;
    if objects.len() <= limit {
        delete_all(tx, &objects)?;
        return Ok(objects.len());
    }
    let mut root = group.clone();
    (root.name, root.user, root.org, root.parent) = (None, None, None, None);
    root.deleted_at = Some(tx.now());
    root.touch(tx.now());
    tx.put(PROJECT_GROUPS, root.id, &root)?;
    Ok(1)
}

/// Deletes the project with its secrets and variables.
pub fn delete_project(tx: &mut StoreTx<'_>, project: &Project) -> Result<(), StoreError> {
    let limit = tx.deletion_objects();
    let objects = deleted::below_project(tx, project.id, limit.saturating_add(1))?;
    if objects.len() <= limit {
        return delete_all(tx, &objects);
    }
    let now = tx.now();
    let root = ProjectGroup {
        id: tx.new_id(),
        name: None,
        user: None,
        org: None,
        parent: None,
        deleted_at: Some(now),
        visibility: Visibility::Private,
        revision: 1,
        created_at: now,
        updated_at: now,
    };
    tx.put(PROJECT_GROUPS, root.id, &root)?;
    let mut project = project.clone();
    project.parent = root.id;
    project.touch(now);
    tx.put(PROJECTS, project.id, &project)
}

fn delete_all(tx: &mut StoreTx<'_>, objects: &[ObjectRef]) -> Result<(), StoreError> {
    objects.iter().try_for_each(|(kind, id)| tx.delete(kind, *id))
}
