use drydock_api::configstore::errors::{
    project_already_exists, project_group_not_exist, project_not_exist, remote_source_not_exist,
};
use drydock_api::configstore::types::{NewProject, ProjectChange, ProjectView};
use drydock_api::configstore::validate;
use drydock_api::names::TreeRef;
use drydock_core::error::{ApiError, Code};
use drydock_http::client::Answer;

use crate::auth::Permit;
use crate::auth::permit::At;
use crate::errors;
use crate::errors::own;

pub async fn create(
    permit: &mut Permit,
    new: NewProject,
    key: Option<&str>,
) -> Result<Answer<ProjectView>, ApiError> {
    let parent = validate::tree_ref("parent", &new.parent)?;
    let id = permit.owned_group(&parent).await?;
    let name = validate::name(&new.name)?;
    let source = validate::optional_ref("remote_source", new.remote_source.as_deref())?;
    let new = NewProject {
        parent: id.to_string(),
        repository_path: validate::optional_text("repository_path", new.repository_path)?,
        default_branch: validate::optional_text("default_branch", new.default_branch)?,
        ..new
    };
    let created = permit.configstore.create_project(&permit.ctx, &new, key).await;
    created.map_err(|error| {
        let absent = source.iter().map(remote_source_not_exist);
        let own = [project_already_exists(&name), project_group_not_exist(&parent)];
        errors::of(error, absent.chain(own))
    })
}

/// A change that moves the project needs the target's owner too.
pub async fn update(
    permit: &mut Permit,
    mut change: ProjectChange,
    if_match: Option<&str>,
) -> Result<Answer<ProjectView>, ApiError> {
    let target = validate::optional_tree_ref("parent", change.parent.as_deref())?;
    if let Some(target) = &target {
        change.parent = Some(permit.owned_group(target).await?.to_string());
    }
    let name = validate::optional_name(change.name.as_deref())?;
    let source = change.remote_source.as_ref().and_then(|source| source.as_deref());
    let source = validate::optional_ref("remote_source", source)?;
    if let Some(path) = change.repository_path {
        change.repository_path = Some(validate::optional_text("repository_path", path)?);
    }
    change.default_branch = validate::optional_text("default_branch", change.default_branch)?;
    let At { given, found } = permit.project();
    let id = TreeRef::Id(found.body.id);
    let updated = permit.configstore.update_project(&permit.ctx, &id, &change, if_match).await;
    updated.map_err(|error| {
        let taken = match &name {
            Some(name) => project_already_exists(name),
            None => name_taken_there(),
        };
        let absent = source.iter().map(remote_source_not_exist);
        let absent = absent.chain(target.iter().map(project_group_not_exist));
        errors::of(error, absent.chain([taken, project_not_exist(given)]))
    })
}

pub async fn delete(permit: &Permit, if_match: Option<&str>) -> Result<(), ApiError> {
    let At { given, found } = permit.project();
    let id = TreeRef::Id(found.body.id);
    let deleted = permit.configstore.delete_project(&permit.ctx, &id, if_match).await;
    deleted.map_err(|error| errors::of(error, [project_not_exist(given)]))
}

fn name_taken_there() -> ApiError {
    own(Code::ProjectAlreadyExists, "the target already has a project with this name")
}
