use axum::response::Response;
use drydock_api::configstore::endpoints::project_group as failures;
use drydock_api::configstore::types::{
    NewProjectGroup, Owner, ProjectGroupChange, ProjectGroupView, ProjectView, Visibility,
};
use drydock_api::configstore::validate;
use drydock_api::names::TreeRef;
use drydock_core::db::{DbError, Tx};
use drydock_core::store::StoreTx;
use drydock_http::api::creation::Created;
use drydock_http::api::page::{Cursor, ListQuery, Page, ReadQuery};
use drydock_http::api::precondition::IfMatch;
use drydock_http::server::creation::Creation;
use drydock_http::server::error::OperationError;
use drydock_http::server::extract::{Json, Path, Query};
use drydock_http::server::reply;

use super::reader::Reader;
use super::writer::Writer;
use crate::action::delegation::Caller;
use crate::action::project_group as action;
use crate::model;
use crate::model::tree::{group_view, placement, project_view, subgroup_view};
use crate::record::Stored;

pub async fn create(
    writer: Writer<failures::Create>,
    creation: Creation<NewProjectGroup>,
) -> Result<Response, OperationError<failures::Create>> {
    let NewProjectGroup { name, parent, visibility } = creation.new;
    let name = validate::name(&name)?;
    let new = action::New { name, parent: validate::tree_ref("parent", &parent)?, visibility };
    let work = move |tx: &mut StoreTx<'_>| {
        let (group, view) = action::create(tx, &new)?;
        let location = format!("/api/v1/project_groups/{}", group.id);
        Ok(Created::new(location, group.etag(), &view)?)
    };
    writer.create(creation.repeatable, work).await
}

pub async fn get(
    reader: Reader<failures::Get>,
    Path(group): Path<TreeRef>,
    Query(query): Query<ReadQuery>,
) -> Result<Response, OperationError<failures::Get>> {
    let read = reader.read(query.reads(), move |tx| {
        let found = action::find(tx, &group)?;
        let view = group_view(&found, placement(tx, found.id)?);
        Ok((found.etag(), view))
    });
    let (etag, view) = read.await?;
    Ok(reply::ok(&etag, &view))
}

pub async fn update(
    writer: Writer<failures::Update>,
    Path(group): Path<TreeRef>,
    if_match: IfMatch,
    Json(change): Json<ProjectGroupChange>,
) -> Result<Response, OperationError<failures::Update>> {
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
    writer: Writer<failures::Delete>,
    Path(group): Path<TreeRef>,
    if_match: IfMatch,
) -> Result<Response, OperationError<failures::Delete>> {
    let delete = writer.transact(move |tx| action::delete(tx, &group, &if_match));
    delete.await?;
    Ok(reply::no_content())
}

pub async fn subgroups(
    reader: Reader<failures::Subgroups>,
    Path(group): Path<TreeRef>,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Page<ProjectGroupView>>, OperationError<failures::Subgroups>> {
    let page = query.page_of(&format!("groups in {group}"))?;
    let read = reader.read_as(query.reads(), move |tx, caller| {
        let parent = action::find(tx, &group)?;
        let above = placement(tx, parent.id)?;
        let visibility = shown(tx, caller, &above.owner)?;
        let found = model::project_group::list(tx, parent.id, visibility, &page)?;
        let views = found.iter().map(|group| subgroup_view(group, &above)).collect();
        Ok(page
            .cut(views, |view: &ProjectGroupView| Cursor { name: view.name.clone(), id: view.id }))
    });
    Ok(axum::Json(read.await?))
}

pub async fn projects(
    reader: Reader<failures::Projects>,
    Path(group): Path<TreeRef>,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Page<ProjectView>>, OperationError<failures::Projects>> {
    let page = query.page_of(&format!("projects in {group}"))?;
    let read = reader.read_as(query.reads(), move |tx, caller| {
        let parent = action::find(tx, &group)?;
        let above = placement(tx, parent.id)?;
        let visibility = shown(tx, caller, &above.owner)?;
        let found = model::project::list(tx, parent.id, visibility, &page)?;
        let views = found.iter().map(|project| project_view(tx, project, &above));
        let views: Vec<_> = views.collect::<Result<_, _>>()?;
        Ok(page.cut(views, |view| Cursor::new(view.name.as_str(), view.id)))
    });
    Ok(axum::Json(read.await?))
}

/// The visibility to which the list of a group's children is limited.
fn shown(
    tx: &Tx<'_>,
    caller: Option<&Caller>,
    owner: &Owner,
) -> Result<Option<Visibility>, DbError> {
    Ok(caller.map(|caller| caller.sees_below(tx, owner)).transpose()?.flatten())
}
