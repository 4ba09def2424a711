use drydock_api::configstore::endpoints::project_group as failures;
use drydock_api::configstore::refusals::{
    ProjectGroupAlreadyExists, ProjectGroupCycle, ProjectGroupNotExist, ProjectGroupTooDeep,
    RootProjectGroup,
};
use drydock_api::configstore::types::{
    NewProjectGroup, ProjectGroupChange, ProjectGroupView, ProjectView,
};
use drydock_api::configstore::validate;
use drydock_core::error::ActionError;
use drydock_http::api::page::{Consistency, ListQuery, Page};
use drydock_http::client::Answer;

use crate::auth::require::{Owns, OwnsParent, OwnsWithTarget, ProjectGroup, Reads};
use crate::auth::{Look, Permit};
use crate::errors;
use crate::errors::{Shown, in_words};

pub async fn create(
    permit: Permit<OwnsParent>,
    new: NewProjectGroup,
    key: Option<&str>,
) -> Result<Answer<ProjectGroupView>, ActionError<failures::Create>> {
    let parent = validate::tree_ref("parent", &new.parent)?;
    let permit = permit.in_parent(parent);
    let name = permit.found(validate::name(&new.name)).await?;
    let created = permit.configstore().create_project_group(&permit.ctx, &new, key).await;
    created.map_err(|error| {
        let taken = ProjectGroupAlreadyExists(name.clone()).into();
        errors::refused(
            error,
            [taken, ProjectGroupNotExist(permit.given.clone()).into(), too_deep()],
        )
    })
}

pub async fn get(
    look: &Look<Reads<ProjectGroup>>,
) -> Result<Answer<ProjectGroupView>, ActionError<failures::Get>> {
    let Look { ctx, given, configstore, .. } = look;
    let found = configstore.project_group(ctx, given, Consistency::Linearizable).await;
    found.map_err(|error| errors::refused(error, [ProjectGroupNotExist(given.clone()).into()]))
}

/// A change that moves the group needs the target's owner too.
pub async fn update(
    permit: Permit<OwnsWithTarget<ProjectGroup>>,
    change: ProjectGroupChange,
    if_match: Option<&str>,
) -> Result<Answer<ProjectGroupView>, ActionError<failures::Update>> {
    let target = validate::optional_tree_ref("parent", change.parent.as_deref())?;
    let permit = permit.with_target(target.as_ref());
    let name = permit.found(validate::optional_name(change.name.as_deref())).await?;
    let (ctx, given) = (&permit.ctx, &permit.given);
    let updated = permit.configstore().update_project_group(ctx, given, &change, if_match).await;
    updated.map_err(|error| {
        let taken = match &name {
            Some(name) => ProjectGroupAlreadyExists(name.clone()).into(),
            None => name_taken_there(),
        };
        let gone =
            [given].into_iter().chain(&target).map(|it| ProjectGroupNotExist(it.clone()).into());
        let own = [taken, too_deep(), ProjectGroupCycle.into(), RootProjectGroup.into()];
        errors::refused(error, gone.chain(own))
    })
}

pub async fn delete(
    permit: &Permit<Owns<ProjectGroup>>,
    if_match: Option<&str>,
) -> Result<(), ActionError<failures::Delete>> {
    let given = &permit.given;
    let deleted = permit.configstore().delete_project_group(&permit.ctx, given, if_match).await;
    deleted.map_err(|error| {
        errors::refused(
            error,
            [ProjectGroupNotExist(given.clone()).into(), RootProjectGroup.into()],
        )
    })
}

/// Configstore lists the groups below that the caller may see.
pub async fn subgroups(
    look: &Look<Reads<ProjectGroup>>,
    query: &ListQuery,
) -> Result<Page<ProjectGroupView>, ActionError<failures::Subgroups>> {
    let Look { ctx, given, configstore, .. } = look;
    let listed = configstore.subgroups(ctx, given, query).await;
    listed.map_err(|error| errors::refused(error, [ProjectGroupNotExist(given.clone()).into()]))
}

/// Configstore lists the projects of the group that the caller may see.
pub async fn projects(
    look: &Look<Reads<ProjectGroup>>,
    query: &ListQuery,
) -> Result<Page<ProjectView>, ActionError<failures::Projects>> {
    let Look { ctx, given, configstore, .. } = look;
    let listed = configstore.projects(ctx, given, query).await;
    listed.map_err(|error| errors::refused(error, [ProjectGroupNotExist(given.clone()).into()]))
}

fn too_deep<F: From<ProjectGroupTooDeep>>() -> Shown<F> {
    in_words::<ProjectGroupTooDeep, _>("project groups would be nested too deep")
}

fn name_taken_there() -> Shown<failures::Update> {
    in_words::<ProjectGroupAlreadyExists, _>("the target already has a subgroup with this name")
}
