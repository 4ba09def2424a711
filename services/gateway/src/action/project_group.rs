use drydock_api::configstore::errors::{
    project_group_already_exists, project_group_cycle, project_group_not_exist, root_project_group,
};
use drydock_api::configstore::types::{
    ChildrenQuery, NewProjectGroup, ProjectGroupChange, ProjectGroupView, ProjectView,
};
use drydock_api::configstore::validate;
use drydock_api::names::TreeRef;
use drydock_core::error::{ApiError, Code};
use drydock_http::api::page::{ListQuery, Page};
use drydock_http::client::Answer;

use crate::auth::Permit;
use crate::auth::permit::At;
use crate::errors;
use crate::errors::own;

pub async fn create(
    permit: &mut Permit,
    new: NewProjectGroup,
    key: Option<&str>,
) -> Result<Answer<ProjectGroupView>, ApiError> {
    let parent = validate::tree_ref("parent", &new.parent)?;
    let id = permit.owned_group(&parent).await?;
    let name = validate::name(&new.name)?;
    let new = NewProjectGroup { parent: id.to_string(), ..new };
    let created = permit.configstore.create_project_group(&permit.ctx, &new, key).await;
    created.map_err(|error| {
        let taken = project_group_already_exists(&name);
        errors::of(error, [taken, project_group_not_exist(&parent), too_deep()])
    })
}

/// A change that moves the group needs the target's owner too.
pub async fn update(
    permit: &mut Permit,
    mut change: ProjectGroupChange,
    if_match: Option<&str>,
) -> Result<Answer<ProjectGroupView>, ApiError> {
    let target = validate::optional_tree_ref("parent", change.parent.as_deref())?;
    if let Some(target) = &target {
        change.parent = Some(permit.owned_group(target).await?.to_string());
    }
    let name = validate::optional_name(change.name.as_deref())?;
    let At { given, found } = permit.group();
    let id = TreeRef::Id(found.body.id);
    let updated =
        permit.configstore.update_project_group(&permit.ctx, &id, &change, if_match).await;
    updated.map_err(|error| {
        let taken = match &name {
            Some(name) => project_group_already_exists(name),
            None => name_taken_there(),
        };
        let gone = project_group_not_exist(given);
        let own = [taken, gone, too_deep(), project_group_cycle(), root_project_group()];
        errors::of(error, own)
    })
}

pub async fn delete(permit: &Permit, if_match: Option<&str>) -> Result<(), ApiError> {
    let At { given, found } = permit.group();
    let id = TreeRef::Id(found.body.id);
    let deleted = permit.configstore.delete_project_group(&permit.ctx, &id, if_match).await;
    deleted
        .map_err(|error| errors::of(error, [project_group_not_exist(given), root_project_group()]))
}

/// The groups below that the caller may see.
pub async fn subgroups(
    permit: &Permit,
    query: ListQuery,
) -> Result<Page<ProjectGroupView>, ApiError> {
    let query = ChildrenQuery::new(query, permit.visible_children().await?);
    let At { given, found } = permit.group();
    let id = TreeRef::Id(found.body.id);
    let listed = permit.configstore.subgroups(&permit.ctx, &id, &query).await;
    listed.map_err(|error| errors::of(error, [project_group_not_exist(given)]))
}

/// The projects of the group that the caller may see.
pub async fn projects(permit: &Permit, query: ListQuery) -> Result<Page<ProjectView>, ApiError> {
    let query = ChildrenQuery::new(query, permit.visible_children().await?);
    let At { given, found } = permit.group();
    let id = TreeRef::Id(found.body.id);
    let listed = permit.configstore.projects(&permit.ctx, &id, &query).await;
    listed.map_err(|error| errors::of(error, [project_group_not_exist(given)]))
}

fn too_deep() -> ApiError {
    own(Code::ProjectGroupTooDeep, "project groups would be nested too deep")
}

fn name_taken_there() -> ApiError {
    own(Code::ProjectGroupAlreadyExists, "the target already has a subgroup with this name")
}
