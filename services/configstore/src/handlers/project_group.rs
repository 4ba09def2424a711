use axum::extract::State;
use axum::response::Response;
use drydock_api::configstore::errors::project_group_not_exist;
use drydock_api::configstore::types::{
    ChildrenQuery, NewProjectGroup, ProjectGroupChange, ProjectGroupView, ProjectView,
};
use drydock_api::configstore::validate;
use drydock_api::names::TreeRef;
use drydock_core::error::BoxError;
use drydock_core::store::StoreTx;
use drydock_http::api::creation::Created;
use drydock_http::api::page::{Cursor, Page, ReadQuery};
use drydock_http::api::precondition::IfMatch;
use drydock_http::server::creation::Creation;
use drydock_http::server::error::HttpError;
use drydock_http::server::extract::{Ctx, Json, Path, Query};
use drydock_http::server::reply;

use super::creation::answer_creation;
use super::writer::Writer;
use crate::action::project_group as action;
use crate::model;
use crate::model::tree::{group_view, project_view, subgroup_view};
use crate::record::Stored;
use crate::state::App;

pub async fn create(
    writer: Writer,
    creation: Creation<NewProjectGroup>,
) -> Result<Response, HttpError> {
    let NewProjectGroup { name, parent, visibility } = creation.new;
    let name = validate::name(&name)?;
    let new = action::New { name, parent: validate::tree_ref("parent", &parent)?, visibility };
    let work = move |tx: &mut StoreTx<'_>| -> Result<Created, BoxError> {
        let (group, view) = action::create(tx, &new)?;
        let location = format!("/api/v1/project_groups/{}", group.id);
        Ok(Created::new(location, group.etag(), &view)?)
    };
    answer_creation(writer, creation.repeatable, work).await
}

pub async fn get(
    State(app): State<App>,
    Ctx(ctx): Ctx,
    Path(group): Path<TreeRef>,
    Query(query): Query<ReadQuery>,
) -> Result<Response, HttpError> {
    let read = app.service.store.read(&ctx, query.reads(), move |tx| {
        let found = model::project_group::find(tx, &group)?;
        let found = found.ok_or_else(|| project_group_not_exist(&group))?;
        let view = group_view(&found, action::standing(tx, found.id)?);
        Ok((found.etag(), view))
    });
    let (etag, view) = read.await?;
    Ok(reply::ok(&etag, &view))
}

pub async fn update(
    writer: Writer,
    Path(group): Path<TreeRef>,
    if_match: IfMatch,
    Json(change): Json<ProjectGroupChange>,
) -> Result<Response, HttpError> {
    let change = action::Change {
        name: validate::optional_name(change.name.as_deref())?,
        parent: validate::optional_tree_ref("parent", change.parent.as_deref())?,
        visibility: change.visibility,
    };
    let update = writer.transact(move |tx| action::update(tx, &group, &change, &if_match));
    let (group, view) = update.await?;
    Ok(reply::ok(&group.etag(), &view))
}

pub async fn delete(
    writer: Writer,
    Path(group): Path<TreeRef>,
    if_match: IfMatch,
) -> Result<Response, HttpError> {
    let delete = writer.transact(move |tx| action::delete(tx, &group, &if_match));
    delete.await?;
    Ok(reply::no_content())
}

pub async fn subgroups(
    State(app): State<App>,
    Ctx(ctx): Ctx,
    Path(group): Path<TreeRef>,
    Query(query): Query<ChildrenQuery>,
) -> Result<axum::Json<Page<ProjectGroupView>>, HttpError> {
    let (query, visibility) = query.split();
    let page = query.page()?;
    let read = app.service.store.read(&ctx, query.reads(), move |tx| {
        let found = model::project_group::find(tx, &group)?;
        let parent = found.ok_or_else(|| project_group_not_exist(&group))?;
        let standing = action::standing(tx, parent.id)?;
        let found = model::project_group::list(tx, parent.id, visibility, &page)?;
        let views = found.iter().map(|group| subgroup_view(group, &standing)).collect();
        Ok(page
            .cut(views, |view: &ProjectGroupView| Cursor { name: view.name.clone(), id: view.id }))
    });
    Ok(axum::Json(read.await?))
}

pub async fn projects(
    State(app): State<App>,
    Ctx(ctx): Ctx,
    Path(group): Path<TreeRef>,
    Query(query): Query<ChildrenQuery>,
) -> Result<axum::Json<Page<ProjectView>>, HttpError> {
    let (query, visibility) = query.split();
    let page = query.page()?;
    let read = app.service.store.read(&ctx, query.reads(), move |tx| {
        let found = model::project_group::find(tx, &group)?;
        let parent = found.ok_or_else(|| project_group_not_exist(&group))?;
        let standing = action::standing(tx, parent.id)?;
        let found = model::project::list(tx, parent.id, visibility, &page)?;
        let views = found.iter().map(|project| project_view(tx, project, &standing));
        let views: Vec<_> = views.collect::<Result<_, _>>()?;
        Ok(page.cut(views, |view| Cursor::new(view.name.as_str(), view.id)))
    });
    Ok(axum::Json(read.await?))
}
