use axum::response::Response;
use drydock_api::configstore::endpoints::org as failures;
use drydock_api::configstore::types::{NewOrg, Org, OrgChange};
use drydock_api::configstore::validate;
use drydock_api::names::Ref;
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
use crate::action::org as action;
use crate::model;
use crate::record::Stored;

pub async fn list(
    reader: Reader<failures::List>,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Page<Org>>, OperationError<failures::List>> {
    let page = query.page_of("orgs")?;
    let read = reader.read_as(query.reads(), move |tx, caller| {
        let found = model::org::list(tx, caller.and_then(Caller::sees_as), &page)?;
        Ok(page.cut(found, |org| Cursor::new(org.name.as_str(), org.id)))
    });
    Ok(axum::Json(read.await?))
}

pub async fn create(
    writer: Writer<failures::Create>,
    creation: Creation<NewOrg>,
) -> Result<Response, OperationError<failures::Create>> {
    let NewOrg { name, visibility, owner } = creation.new;
    let name = validate::name(&name)?;
    let owner = validate::optional_ref("owner", owner.as_deref())?;
    let work = move |tx: &mut StoreTx<'_>| {
        let org = action::create(tx, &name, visibility, owner.as_ref())?;
        Ok(Created::new(format!("/api/v1/orgs/{}", org.id), org.etag(), &org)?)
    };
    writer.create(creation.repeatable, work).await
}

pub async fn get(
    reader: Reader<failures::Get>,
    Path(org): Path<Ref>,
    Query(query): Query<ReadQuery>,
) -> Result<Response, OperationError<failures::Get>> {
    let read = reader.read(query.reads(), move |tx| action::find(tx, &org));
    let org = read.await?;
    Ok(reply::ok(&org.etag(), &org))
}

pub async fn update(
    writer: Writer<failures::Update>,
    Path(org): Path<Ref>,
    if_match: IfMatch,
    Json(change): Json<OrgChange>,
) -> Result<Response, OperationError<failures::Update>> {
    let change = action::Change {
        name: validate::optional_name(change.name.as_deref())?,
        visibility: change.visibility,
    };
    let update = writer.transact(move |tx| action::update(tx, &org, &change, &if_match));
    let org = update.await?;
    Ok(reply::ok(&org.etag(), &org))
}

pub async fn delete(
    writer: Writer<failures::Delete>,
    Path(org): Path<Ref>,
    if_match: IfMatch,
) -> Result<Response, OperationError<failures::Delete>> {
    let delete = writer.transact(move |tx| action::delete(tx, &org, &if_match));
    delete.await?;
    Ok(reply::no_content())
}
