use drydock_api::configstore::endpoints::project as failures;
use drydock_api::configstore::refusals::{
    ProjectAlreadyExists, ProjectGroupNotExist, ProjectNotExist, RemoteSourceNotExist,
};
use drydock_api::configstore::types::{NewProject, ProjectChange, ProjectView};
use drydock_api::configstore::validate;
use drydock_api::names::{Name, Ref};
use drydock_core::error::ActionError;
use drydock_http::api::page::Consistency;
use drydock_http::client::Answer;

use crate::auth::require::{Owns, OwnsParent, OwnsWithTarget, Project, Reads};
use crate::auth::{Look, Permit};
use crate::errors;
use crate::errors::{Shown, in_words};

pub async fn create(
    permit: Permit<OwnsParent>,
    new: NewProject,
    key: Option<&str>,
) -> Result<Answer<ProjectView>, ActionError<failures::Create>> {
    let parent = validate::tree_ref("parent", &new.parent)?;
    let permit = permit.in_parent(parent);
    let (new, name, source) = permit.found(checked(new)).await?;
    let created = permit.configstore().create_project(&permit.ctx, &new, key).await;
    created.map_err(|error| {
        let absent = source.iter().map(|it| RemoteSourceNotExist(it.clone()).into());
        let own = [
            ProjectAlreadyExists(name.clone()).into(),
            ProjectGroupNotExist(permit.given.clone()).into(),
        ];
        errors::refused(error, absent.chain(own))
    })
}

/// With what a refusal may be about.
fn checked(
    new: NewProject,
) -> Result<(NewProject, Name, Option<Ref>), ActionError<failures::Create>> {
    let name = validate::name(&new.name)?;
    let source = validate::optional_ref("remote_source", new.remote_source.as_deref())?;
    let new = NewProject {
        repository_path: validate::optional_text("repository_path", new.repository_path)?,
        default_branch: validate::optional_text("default_branch", new.default_branch)?,
        ..new
    };
    Ok((new, name, source))
}

pub async fn get(
    look: &Look<Reads<Project>>,
) -> Result<Answer<ProjectView>, ActionError<failures::Get>> {
    let Look { ctx, given, configstore, .. } = look;
    let found = configstore.project(ctx, given, Consistency::Linearizable).await;
    found.map_err(|error| errors::refused(error, [ProjectNotExist(given.clone()).into()]))
}

/// A change that moves the project needs the target's owner too.
pub async fn update(
    permit: Permit<OwnsWithTarget<Project>>,
    change: ProjectChange,
    if_match: Option<&str>,
) -> Result<Answer<ProjectView>, ActionError<failures::Update>> {
    let target = validate::optional_tree_ref("parent", change.parent.as_deref())?;
    let permit = permit.with_target(target.as_ref());
    let (change, name, source) = permit.found(checked_change(change)).await?;
    let (ctx, given) = (&permit.ctx, &permit.given);
    let updated = permit.configstore().update_project(ctx, given, &change, if_match).await;
    updated.map_err(|error| {
        let taken = match &name {
            Some(name) => ProjectAlreadyExists(name.clone()).into(),
            None => name_taken_there(),
        };
        let absent = source.iter().map(|it| RemoteSourceNotExist(it.clone()).into());
        let absent = absent.chain(target.iter().map(|it| ProjectGroupNotExist(it.clone()).into()));
        errors::refused(error, absent.chain([taken, ProjectNotExist(given.clone()).into()]))
    })
}

/// With what a refusal may be about.
fn checked_change(
    mut change: ProjectChange,
) -> Result<(ProjectChange, Option<Name>, Option<Ref>), ActionError<failures::Update>> {
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
) -> Result<(), ActionError<failures::Delete>> {
    let given = &permit.given;
    let deleted = permit.configstore().delete_project(&permit.ctx, given, if_match).await;
    deleted.map_err(|error| errors::refused(error, [ProjectNotExist(given.clone()).into()]))
}

fn name_taken_there() -> Shown<failures::Update> {
    in_words::<ProjectAlreadyExists, _>("the target already has a project with this name")
}
