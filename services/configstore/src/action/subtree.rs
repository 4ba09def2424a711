//! The deletion of everything below a project group, in one commit: children first, so that every
//! reference names an existing object at any time.

use drydock_api::names::OwnerKind;
use drydock_core::read_model::StoreError;
use drydock_core::store::StoreTx;
use uuid::Uuid;

use crate::model;
use crate::record::{ScopedRecord, Secret, Variable};
use crate::schema::{PROJECT_GROUPS, PROJECTS};

/// Deletes the tree of a user or an organization, the root group included.
pub fn delete_of_owner(
    tx: &mut StoreTx<'_>,
    kind: OwnerKind,
    owner: Uuid,
) -> Result<(), StoreError> {
    match model::project_group::root_of(tx, kind, owner)? {
        Some(root) => delete_group(tx, root),
        None => Ok(()),
    }
}

/// Deletes the group with everything below it.
pub fn delete_group(tx: &mut StoreTx<'_>, group: Uuid) -> Result<(), StoreError> {
    for (group, _) in model::project_group::down(tx, group)? {
        for project in model::project::ids_in(tx, group)? {
            delete_project(tx, project)?;
        }
        delete_defined_in(tx, group)?;
        tx.delete(PROJECT_GROUPS, group)?;
    }
    Ok(())
}

/// Deletes the project with its secrets and variables.
pub fn delete_project(tx: &mut StoreTx<'_>, project: Uuid) -> Result<(), StoreError> {
    delete_defined_in(tx, project)?;
    tx.delete(PROJECTS, project)
}

fn delete_defined_in(tx: &mut StoreTx<'_>, scope: Uuid) -> Result<(), StoreError> {
    delete_objects::<Variable>(tx, scope)?;
    delete_objects::<Secret>(tx, scope)
}

fn delete_objects<R: ScopedRecord>(tx: &mut StoreTx<'_>, scope: Uuid) -> Result<(), StoreError> {
    let ids = model::scoped::ids_in::<R>(tx, scope)?;
    ids.into_iter().try_for_each(|id| tx.delete(R::TABLE, id))
}
