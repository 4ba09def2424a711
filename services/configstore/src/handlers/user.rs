use axum::extract::State;
use axum::response::Response;
use drydock_api::configstore::errors::user_not_exist;
use drydock_api::configstore::types::{NewUser, User, UserChange, UserOrg};
use drydock_api::configstore::validate;
use drydock_api::names::Ref;
use drydock_core::error::BoxError;
use drydock_core::store::StoreTx;
use drydock_http::api::creation::Created;
use drydock_http::api::page::{Cursor, ListQuery, Page, ReadQuery};
use drydock_http::api::precondition::IfMatch;
use drydock_http::server::creation::Creation;
use drydock_http::server::error::HttpError;
use drydock_http::server::extract::{Ctx, Json, Path, Query};
use drydock_http::server::reply;

use super::creation::answer_creation;
use super::writer::Writer;
use crate::action::user as action;
use crate::model;
use crate::record::Stored;
use crate::state::App;

pub async fn list(
    State(app): State<App>,
    Ctx(ctx): Ctx,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Page<User>>, HttpError> {
    let page = query.page()?;
    let read = app.service.store.read(&ctx, query.reads(), move |tx| {
        let found = model::user::list(tx, &page)?;
        Ok(page.cut(found, |user| Cursor::new(user.name.as_str(), user.id)))
    });
    Ok(axum::Json(read.await?))
}

pub async fn create(writer: Writer, creation: Creation<NewUser>) -> Result<Response, HttpError> {
    let NewUser { name, admin } = creation.new;
    let name = validate::name(&name)?;
    let work = move |tx: &mut StoreTx<'_>| -> Result<Created, BoxError> {
        let user = action::create(tx, &name, admin)?;
        Ok(Created::new(format!("/api/v1/users/{}", user.id), user.etag(), &user)?)
    };
    answer_creation(writer, creation.repeatable, work).await
}

pub async fn get(
    State(app): State<App>,
    Ctx(ctx): Ctx,
    Path(user): Path<Ref>,
    Query(query): Query<ReadQuery>,
) -> Result<Response, HttpError> {
    let read = app.service.store.read(&ctx, query.reads(), move |tx| {
        Ok(model::user::find(tx, &user)?.ok_or_else(|| user_not_exist(user))?)
    });
    let user = read.await?;
    Ok(reply::ok(&user.etag(), &user))
}

pub async fn update(
    writer: Writer,
    Path(user): Path<Ref>,
    if_match: IfMatch,
    Json(change): Json<UserChange>,
) -> Result<Response, HttpError> {
    let change = action::Change {
        name: validate::optional_name(change.name.as_deref())?,
        admin: change.admin,
    };
    let update = writer.transact(move |tx| action::update(tx, &user, &change, &if_match));
    let user = update.await?;
    Ok(reply::ok(&user.etag(), &user))
}

pub async fn delete(
    writer: Writer,
    Path(user): Path<Ref>,
    if_match: IfMatch,
) -> Result<Response, HttpError> {
    let delete = writer.transact(move |tx| action::delete(tx, &user, &if_match));
    delete.await?;
    Ok(reply::no_content())
}

pub async fn orgs(
    State(app): State<App>,
    Ctx(ctx): Ctx,
    Path(user): Path<Ref>,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Page<UserOrg>>, HttpError> {
    let page = query.page()?;
    let read = app.service.store.read(&ctx, query.reads(), move |tx| {
        let user = model::user::find(tx, &user)?.ok_or_else(|| user_not_exist(user))?;
        let found = model::org::of_user(tx, user.id, &page)?;
        Ok(page.cut(found, |(org, _)| Cursor::new(org.name.as_str(), org.id)))
    });
    let page = read.await?.map(|(org, member)| UserOrg { org, role: member.role });
    Ok(axum::Json(page))
}
