use drydock_api::configstore::errors::{
    project_already_exists, project_group_not_exist, project_not_exist, remote_source_not_exist,
};
use drydock_api::configstore::types::{NewProject, ProjectChange, ProjectView};
use drydock_api::configstore::validate;
use drydock_api::names::{Name, Ref};
use drydock_core::error::{ApiError, Code};
use drydock_http::api::page::Consistency;
use drydock_http::client::Answer;

use crate::auth::require::{Owns, OwnsParent, OwnsWithTarget, Project, Reads};
use crate::auth::{Look, Permit};
use crate::errors;
use crate::errors::own;

pub async fn create(
    permit: Permit<OwnsParent>,
    new: NewProject,
    key: Option<&str>,
) -> Result<Answer<ProjectView>, ApiError> {
    let parent = validate::tree_ref("parent", &new.parent)?;
    let permit = permit.in_parent(parent);
    let (new, name, source) = permit.found(checked(new)).await?;
    let created = permit.configstore().create_project(&permit.ctx, &new, key).await;
    created.map_err(|error| {
        let absent = source.iter().map(remote_source_not_exist);
        let own = [project_already_exists(&name), project_group_not_exist(&permit.given)];
        errors::of(error, absent.chain(own))
    })
}

/// With what a refusal may be about.
fn checked(new: NewProject) -> Result<(NewProject, Name, Option<Ref>), ApiError> {
    let name = validate::name(&new.name)?;
    let source = validate::optional_ref("remote_source", new.remote_source.as_deref())?;
    let new = NewProject {
        repository_path: validate::optional_text("repository_path", new.repository_path)?,
        default_branch: validate::optional_text("default_branch", new.default_branch)?,
        ..new
    };
    Ok((new, name, source))
}

pub async fn get(look: &Look<Reads<Project>>) -> Result<Answer<ProjectView>, ApiError> {
    let Look { ctx, given, configstore } = look;
    let found = configstore.project(ctx, given, Consistency::Linearizable).await;
    found.map_err(|error| errors::of(error, [project_not_exist(given)]))
}

/// A change that moves the project needs the target's owner too.
pub async fn update(
    permit: Permit<OwnsWithTarget<Project>>,
    change: ProjectChange,
    if_match: Option<&str>,
) -> Result<Answer<ProjectView>, ApiError> {
    let target = validate::optional_tree_ref("parent", change.parent.as_deref())?;
    let permit = permit.with_target(target.as_ref());
    let (change, name, source) = permit.found(checked_change(change)).await?;
    let (ctx, given) = (&permit.ctx, &permit.given);
    let updated = permit.configstore().update_project(ctx, given, &change, if_match).await;
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

/// With what a refusal may be about.
fn checked_change(
    mut change: ProjectChange,
) -> Result<(ProjectChange, Option<Name>, Option<Ref>), ApiError> {
    let name = validate::optional_name(change.name.as_deref())?;
    let source = change.remote_source.as_ref().and_then(|source| source.as_deref());
    let source = validate::optional_ref("remote_source", source)?;
    if let Some(path) = change.repository_path {
        change.repository_path = Some(validate::optional_text("repository_path", path)?);
    }
    change.default_branch = validate::optional_text("default_branch", change.default_branch)?;
    Ok((change, name, source))
}

pub async fn delete(
    permit: &Permit<Owns<Project>>,
    if_match: Option<&str>,
) -> Result<(), ApiError> {
    let given = &permit.given;
    let deleted = permit.configstore().delete_project(&permit.ctx, given, if_match).await;
    deleted.map_err(|error| errors::of(error, [project_not_exist(given)]))
}

fn name_taken_there() -> ApiError {
    own(Code::ProjectAlreadyExists, "the target already has a project with this name")
}
