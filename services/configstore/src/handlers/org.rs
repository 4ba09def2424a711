use axum::extract::State;
use axum::response::Response;
use drydock_api::configstore::errors::org_not_exist;
use drydock_api::configstore::types::{NewOrg, Org, OrgChange, OrgsQuery};
use drydock_api::configstore::validate;
use drydock_api::names::Ref;
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
use crate::action::org as action;
use crate::model;
use crate::record::Stored;
use crate::state::App;

pub async fn list(
    State(app): State<App>,
    Ctx(ctx): Ctx,
    Query(query): Query<OrgsQuery>,
) -> Result<axum::Json<Page<Org>>, HttpError> {
    let (query, visible_to) = query.split();
    let page = query.page()?;
    let read = app.service.store.read(&ctx, query.reads(), move |tx| {
        let found = model::org::list(tx, visible_to, &page)?;
        Ok(page.cut(found, |org| Cursor::new(org.name.as_str(), org.id)))
    });
    Ok(axum::Json(read.await?))
}

pub async fn create(writer: Writer, creation: Creation<NewOrg>) -> Result<Response, HttpError> {
    let NewOrg { name, visibility, owner } = creation.new;
    let name = validate::name(&name)?;
    let owner = validate::optional_ref("owner", owner.as_deref())?;
    let work = move |tx: &mut StoreTx<'_>| -> Result<Created, BoxError> {
        let org = action::create(tx, &name, visibility, owner.as_ref())?;
        Ok(Created::new(format!("/api/v1/orgs/{}", org.id), org.etag(), &org)?)
    };
    answer_creation(writer, creation.repeatable, work).await
}

pub async fn get(
    State(app): State<App>,
    Ctx(ctx): Ctx,
    Path(org): Path<Ref>,
    Query(query): Query<ReadQuery>,
) -> Result<Response, HttpError> {
    let read = app.service.store.read(&ctx, query.reads(), move |tx| {
        Ok(model::org::find(tx, &org)?.ok_or_else(|| org_not_exist(&org))?)
    });
    let org = read.await?;
    Ok(reply::ok(&org.etag(), &org))
}

pub async fn update(
    writer: Writer,
    Path(org): Path<Ref>,
    if_match: IfMatch,
    Json(change): Json<OrgChange>,
) -> Result<Response, HttpError> {
    let change = action::Change {
        name: validate::optional_name(change.name.as_deref())?,
        visibility: change.visibility,
    };
    let update = writer.transact(move |tx| action::update(tx, &org, &change, &if_match));
    let org = update.await?;
    Ok(reply::ok(&org.etag(), &org))
}

pub async fn delete(
    writer: Writer,
    Path(org): Path<Ref>,
    if_match: IfMatch,
) -> Result<Response, HttpError> {
    let delete = writer.transact(move |tx| action::delete(tx, &org, &if_match));
    delete.await?;
    Ok(reply::no_content())
}
