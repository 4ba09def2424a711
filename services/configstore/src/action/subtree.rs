//! Deleting everything below a project group, in one commit: children first, so that no reference
//! ever leads nowhere.

use drydock_api::names::OwnerKind;
use drydock_core::error::BoxError;
use drydock_core::store::StoreTx;
use uuid::Uuid;

use crate::model;
use crate::schema::{PROJECT_GROUPS, PROJECTS, SECRETS, VARIABLES};

/// Deletes all that a user or an organization has in its tree, with the root group.
pub fn delete_of_owner(tx: &mut StoreTx<'_>, kind: OwnerKind, owner: Uuid) -> Result<(), BoxError> {
    match model::project_group::root_of(tx, kind, owner)? {
        Some(root) => delete_group(tx, root),
        None => Ok(()),
    }
}

/// Deletes the group with everything below it.
pub fn delete_group(tx: &mut StoreTx<'_>, group: Uuid) -> Result<(), BoxError> {
    for (group, _) in model::project_group::down(tx, group)? {
        for project in model::project::ids_in(tx, group)? {
            delete_project(tx, project)?;
        }
        delete_defined_at(tx, group)?;
        tx.delete(PROJECT_GROUPS, group)?;
    }
    Ok(())
}

/// Deletes the project with its secrets and variables.
pub fn delete_project(tx: &mut StoreTx<'_>, project: Uuid) -> Result<(), BoxError> {
    delete_defined_at(tx, project)?;
    tx.delete(PROJECTS, project)
}

fn delete_defined_at(tx: &mut StoreTx<'_>, place: Uuid) -> Result<(), BoxError> {
    for variable in model::variable::ids_at(tx, place)? {
        tx.delete(VARIABLES, variable)?;
    }
    for secret in model::secret::ids_at(tx, place)? {
        tx.delete(SECRETS, secret)?;
    }
    Ok(())
}
