use axum::response::Response;
use drydock_api::configstore::endpoints::remote_source as failures;
use drydock_api::configstore::types::{NewRemoteSource, RemoteSource, RemoteSourceChange};
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
use crate::action::remote_source as action;
use crate::model;
use crate::record::Stored;

pub async fn list(
    reader: Reader<failures::List>,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Page<RemoteSource>>, OperationError<failures::List>> {
    let page = query.page_of("remote sources")?;
    let read = reader.read(query.reads(), move |tx| {
        let found = model::remote_source::list(tx, &page)?;
        Ok(page.cut(found, |source| Cursor::new(source.name.as_str(), source.id)))
    });
    Ok(axum::Json(read.await?))
}

pub async fn create(
    writer: Writer<failures::Create>,
    creation: Creation<NewRemoteSource>,
) -> Result<Response, OperationError<failures::Create>> {
    let NewRemoteSource { name, api_url, kind, auth_kind } = creation.new;
    let (name, api_url) = (validate::name(&name)?, validate::url("api_url", api_url)?);
    let new = action::New { name, api_url, kind, auth_kind };
    let work = move |tx: &mut StoreTx<'_>| {
        let source = action::create(tx, &new)?;
        let location = format!("/api/v1/remote_sources/{}", source.id);
        Ok(Created::new(location, source.etag(), &source)?)
    };
    writer.create(creation.repeatable, work).await
}

pub async fn get(
    reader: Reader<failures::Get>,
    Path(source): Path<Ref>,
    Query(query): Query<ReadQuery>,
) -> Result<Response, OperationError<failures::Get>> {
    let read = reader.read(query.reads(), move |tx| action::find(tx, &source));
    let source = read.await?;
    Ok(reply::ok(&source.etag(), &source))
}

pub async fn update(
    writer: Writer<failures::Update>,
    Path(source): Path<Ref>,
    if_match: IfMatch,
    Json(change): Json<RemoteSourceChange>,
) -> Result<Response, OperationError<failures::Update>> {
    let change = action::Change {
        name: validate::optional_name(change.name.as_deref())?,
        api_url: change.api_url.map(|url| validate::url("api_url", url)).transpose()?,
        kind: change.kind,
        auth_kind: change.auth_kind,
    };
    let update = writer.transact(move |tx| action::update(tx, &source, &change, &if_match));
    let source = update.await?;
    Ok(reply::ok(&source.etag(), &source))
}

pub async fn delete(
    writer: Writer<failures::Delete>,
    Path(source): Path<Ref>,
    if_match: IfMatch,
) -> Result<Response, OperationError<failures::Delete>> {
    let delete = writer.transact(move |tx| action::delete(tx, &source, &if_match));
    delete.await?;
    Ok(reply::no_content())
}
