//! Where secrets and variables are defined: at a project or at a project group.

use drydock_api::configstore::errors::project_group_not_exist;
use drydock_api::configstore::types::{Scope, ScopeKind};
use drydock_api::names::TreeRef;
use drydock_core::db::Tx;
use drydock_core::error::BoxError;
use uuid::Uuid;

use super::project;
use crate::model;

/// What a route's path leads to.
pub trait PlaceKind: Send + Sync + 'static {
    /// The list in which the routes of this kind of place begin.
    const LIST: &'static str;

    /// The place, and those above it: nearest first, at least one.
    fn scopes(tx: &Tx<'_>, place: &TreeRef) -> Result<Vec<Scope>, BoxError>;
}

pub struct AtProject;
pub struct AtGroup;

impl PlaceKind for AtProject {
    const LIST: &'static str = "projects";

    fn scopes(tx: &Tx<'_>, place: &TreeRef) -> Result<Vec<Scope>, BoxError> {
        let project = project::find(tx, place)?;
        Ok(model::tree::scopes_of_project(tx, &project)?)
    }
}

impl PlaceKind for AtGroup {
    const LIST: &'static str = "project_groups";

    fn scopes(tx: &Tx<'_>, place: &TreeRef) -> Result<Vec<Scope>, BoxError> {
        let group = model::project_group::find(tx, place)?;
        let group = group.ok_or_else(|| project_group_not_exist(place))?;
        Ok(model::tree::scopes_of_group(tx, group.id)?)
    }
}

/// The place itself.
pub fn here<P: PlaceKind>(tx: &Tx<'_>, place: &TreeRef) -> Result<Scope, BoxError> {
    let nearest = P::scopes(tx, place)?.into_iter().next();
    // The schema keeps the tree whole.
    Ok(nearest.ok_or_else(|| project_group_not_exist(place))?)
}

/// The place as the columns `project` and `project_group`.
pub fn columns(scope: &Scope) -> (Option<Uuid>, Option<Uuid>) {
    match scope.kind {
        ScopeKind::Project => (Some(scope.id), None),
        ScopeKind::ProjectGroup => (None, Some(scope.id)),
    }
}
