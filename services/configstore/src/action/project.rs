use drydock_api::configstore::endpoints::project::{Create, Delete, Update};
use drydock_api::configstore::refusals::{
    ProjectAlreadyExists, ProjectNotExist, RemoteSourceNotExist,
};
use drydock_api::configstore::types::{ProjectView, Visibility};
use drydock_api::names::{Name, Ref, TreeRef};
use drydock_core::db::{DbError, Tx};
use drydock_core::error::ActionError;
use drydock_core::store::StoreTx;
use drydock_http::api::precondition::IfMatch;
use uuid::Uuid;

use super::{project_group, remote_source, subtree};
use crate::model;
use crate::record::{Project, Stored};
use crate::schema::PROJECTS;

/// The fields of a new project.
#[derive(Debug, Clone)]
pub struct New {
    pub name: Name,
    pub parent: TreeRef,
    pub visibility: Visibility,
    pub remote_source: Option<Ref>,
    pub repository_path: Option<String>,
    pub members_can_run: bool,
    pub pass_variables_to_forks: bool,
    pub default_branch: String,
}

/// The fields of a project that change; `None` leaves a field as it is, `Some(None)` removes it.
pub struct Change {
    pub name: Option<Name>,
    pub parent: Option<TreeRef>,
    pub visibility: Option<Visibility>,
    pub remote_source: Option<Option<Ref>>,
    pub repository_path: Option<Option<String>>,
    pub members_can_run: Option<bool>,
    pub pass_variables_to_forks: Option<bool>,
    pub default_branch: Option<String>,
}

pub fn create(
    tx: &mut StoreTx<'_>,
    new: &New,
) -> Result<(Project, ProjectView), ActionError<Create>> {
    let parent = project_group::find(tx, &new.parent)?;
    name_is_free(tx, parent.id, &new.name, None)?;
    let remote_source = new.remote_source.as_ref().map(|it| source_id(tx, it)).transpose()?;
    let now = tx.now();
    let project = Project {
        id: tx.new_id(),
        name: new.name.clone(),
        parent: parent.id,
        visibility: new.visibility,
        remote_source,
        repository_path: new.repository_path.clone(),
        members_can_run: new.members_can_run,
        pass_variables_to_forks: new.pass_variables_to_forks,
        default_branch: new.default_branch.clone(),
        revision: 1,
        created_at: now,
        updated_at: now,
    };
    tx.put(PROJECTS, project.id, &project)?;
    let view = view(tx, &project)?;
    Ok((project, view))
}

pub fn update(
    tx: &mut StoreTx<'_>,
    project: &TreeRef,
    change: &Change,
    if_match: &IfMatch,
) -> Result<(Project, ProjectView), ActionError<Update>> {
    let old = find(tx, project)?;
    if_match.check(Some(&old.etag()))?;
    let mut new = old.clone();
    if let Some(parent) = &change.parent {
        new.parent = project_group::find(tx, parent)?.id;
    }
    if let Some(name) = &change.name {
        new.name = name.clone();
    }
    if let Some(remote_source) = &change.remote_source {
        new.remote_source = remote_source.as_ref().map(|it| source_id(tx, it)).transpose()?;
    }
    if let Some(repository_path) = &change.repository_path {
        new.repository_path.clone_from(repository_path);
    }
    if let Some(default_branch) = &change.default_branch {
        new.default_branch.clone_from(default_branch);
    }
    new.visibility = change.visibility.unwrap_or(old.visibility);
    new.members_can_run = change.members_can_run.unwrap_or(old.members_can_run);
    new.pass_variables_to_forks =
        change.pass_variables_to_forks.unwrap_or(old.pass_variables_to_forks);
    if new != old {
        name_is_free(tx, new.parent, &new.name, Some(new.id))?;
        new.touch(tx.now());
        tx.put(PROJECTS, new.id, &new)?;
    }
    let view = view(tx, &new)?;
    Ok((new, view))
}

/// Deletes the project with its secrets and variables.
pub fn delete(
    tx: &mut StoreTx<'_>,
    project: &TreeRef,
    if_match: &IfMatch,
) -> Result<(), ActionError<Delete>> {
    let project = find(tx, project)?;
    if_match.check(Some(&project.etag()))?;
    Ok(subtree::delete_project(tx, &project)?)
}

pub fn find<F: From<ProjectNotExist>>(
    tx: &Tx<'_>,
    project: &TreeRef,
) -> Result<Project, ActionError<F>> {
    let found = model::project::find(tx, project)?;
    Ok(found.ok_or_else(|| ProjectNotExist(project.clone()))?)
}

/// The project as it is answered.
pub fn view(tx: &Tx<'_>, project: &Project) -> Result<ProjectView, DbError> {
    let parent = model::tree::placement(tx, project.parent)?;
    model::tree::project_view(tx, project, &parent)
}

fn source_id<F: From<RemoteSourceNotExist>>(
    tx: &StoreTx<'_>,
    source: &Ref,
) -> Result<Uuid, ActionError<F>> {
    Ok(remote_source::find(tx, source)?.id)
}

fn name_is_free<F: From<ProjectAlreadyExists>>(
    tx: &StoreTx<'_>,
    parent: Uuid,
    name: &Name,
    own: Option<Uuid>,
) -> Result<(), ActionError<F>> {
    match model::project::by_name(tx, parent, name)? {
        Some(holder) if Some(holder.id) != own => Err(ProjectAlreadyExists(name.clone()).into()),
        _ => Ok(()),
    }
}
