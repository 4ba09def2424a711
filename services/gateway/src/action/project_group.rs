use drydock_api::configstore::errors::{
    project_group_already_exists, project_group_cycle, project_group_not_exist, root_project_group,
};
use drydock_api::configstore::types::{
    ChildrenQuery, NewProjectGroup, ProjectGroupChange, ProjectGroupView, ProjectView,
};
use drydock_api::configstore::validate;
use drydock_core::error::{ApiError, Code};
use drydock_http::api::page::{Consistency, ListQuery, Page};
use drydock_http::client::Answer;

use crate::auth::require::{Owns, OwnsParent, OwnsWithTarget, ProjectGroup, Reads};
use crate::auth::{Look, Permit};
use crate::errors;
use crate::errors::own;

pub async fn create(
    permit: Permit<OwnsParent>,
    new: NewProjectGroup,
    key: Option<&str>,
) -> Result<Answer<ProjectGroupView>, ApiError> {
    let parent = validate::tree_ref("parent", &new.parent)?;
    let permit = permit.in_parent(parent);
    let name = permit.found(validate::name(&new.name)).await?;
    let created = permit.configstore().create_project_group(&permit.ctx, &new, key).await;
    created.map_err(|error| {
        let taken = project_group_already_exists(&name);
        errors::of(error, [taken, project_group_not_exist(&permit.given), too_deep()])
    })
}

pub async fn get(look: &Look<Reads<ProjectGroup>>) -> Result<Answer<ProjectGroupView>, ApiError> {
    let Look { ctx, given, configstore } = look;
    let found = configstore.project_group(ctx, given, Consistency::Linearizable).await;
    found.map_err(|error| errors::of(error, [project_group_not_exist(given)]))
}

/// A change that moves the group needs the target's owner too.
pub async fn update(
    permit: Permit<OwnsWithTarget<ProjectGroup>>,
    change: ProjectGroupChange,
    if_match: Option<&str>,
) -> Result<Answer<ProjectGroupView>, ApiError> {
    let target = validate::optional_tree_ref("parent", change.parent.as_deref())?;
    let permit = permit.with_target(target.as_ref());
    let name = permit.found(validate::optional_name(change.name.as_deref())).await?;
    let (ctx, given) = (&permit.ctx, &permit.given);
    let updated = permit.configstore().update_project_group(ctx, given, &change, if_match).await;
    updated.map_err(|error| {
        let taken = match &name {
            Some(name) => project_group_already_exists(name),
            None => name_taken_there(),
        };
        let gone = [given].into_iter().chain(&target).map(project_group_not_exist);
        let own = [taken, too_deep(), project_group_cycle(), root_project_group()];
        errors::of(error, gone.chain(own))
    })
}

pub async fn delete(
    permit: &Permit<Owns<ProjectGroup>>,
    if_match: Option<&str>,
) -> Result<(), ApiError> {
    let given = &permit.given;
    let deleted = permit.configstore().delete_project_group(&permit.ctx, given, if_match).await;
    deleted
        .map_err(|error| errors::of(error, [project_group_not_exist(given), root_project_group()]))
}

/// Configstore lists the groups below that the caller may see.
pub async fn subgroups(
    look: &Look<Reads<ProjectGroup>>,
    query: ListQuery,
) -> Result<Page<ProjectGroupView>, ApiError> {
    let query = ChildrenQuery::new(query, None);
    let Look { ctx, given, configstore } = look;
    let listed = configstore.subgroups(ctx, given, &query).await;
    listed.map_err(|error| errors::of(error, [project_group_not_exist(given)]))
}

/// Configstore lists the projects of the group that the caller may see.
pub async fn projects(
    look: &Look<Reads<ProjectGroup>>,
    query: ListQuery,
) -> Result<Page<ProjectView>, ApiError> {
    let query = ChildrenQuery::new(query, None);
    let Look { ctx, given, configstore } = look;
    let listed = configstore.projects(ctx, given, &query).await;
    listed.map_err(|error| errors::of(error, [project_group_not_exist(given)]))
}

fn too_deep() -> ApiError {
    own(Code::ProjectGroupTooDeep, "project groups would be nested too deep")
}

fn name_taken_there() -> ApiError {
    own(Code::ProjectGroupAlreadyExists, "the target already has a subgroup with this name")
}
