//! The deletion of everything below a project group or a project.
//!
//! Invariant: a deletion is one commit of bounded size, after which nobody sees anything of the
//! subtree, and its names are free. If the subtree has more objects than one commit deletes, that
//! commit detaches it: its root group belongs to nobody, and has a time of deletion. The store's
//! task `purge` deletes the objects in later commits.

use drydock_api::configstore::types::Visibility;
use drydock_api::names::OwnerKind;
use drydock_core::read_model::{ObjectRef, StoreError};
use drydock_core::store::StoreTx;

use crate::model;
use crate::record::{Project, ProjectGroup, Stored};
use crate::schema::{PROJECT_GROUPS, PROJECTS, deleted};

/// Deletes the tree of a user or an organization, the root group included.
pub fn delete_of_owner(
    tx: &mut StoreTx<'_>,
    kind: OwnerKind,
    owner: uuid::Uuid,
) -> Result<(), StoreError> {
    match model::project_group::root_of(tx, kind, owner)? {
        Some(root) => delete_group(tx, &root),
        None => Ok(()),
    }
}

/// Deletes the group with everything below it.
pub fn delete_group(tx: &mut StoreTx<'_>, group: &ProjectGroup) -> Result<(), StoreError> {
    let limit = tx.deletion_objects();
    let objects = deleted::below_group(tx, group.id, limit.saturating_add(1))?;
    if objects.len() <= limit {
        return delete_all(tx, &objects);
    }
    let mut root = group.clone();
    (root.name, root.user, root.org, root.parent) = (None, None, None, None);
    root.deleted_at = Some(tx.now());
    root.touch(tx.now());
    tx.put(PROJECT_GROUPS, root.id, &root)
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
