use axum::response::Response;
use drydock_api::configstore::endpoints::user as failures;
use drydock_api::configstore::types::{NewUser, User, UserChange, UserOrg};
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
use crate::action::user as action;
use crate::model;
use crate::record::Stored;

pub async fn list(
    reader: Reader<failures::List>,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Page<User>>, OperationError<failures::List>> {
    let page = query.page_of("users")?;
    let read = reader.read(query.reads(), move |tx| {
        let found = model::user::list(tx, &page)?;
        Ok(page.cut(found, |user| Cursor::new(user.name.as_str(), user.id)))
    });
    Ok(axum::Json(read.await?))
}

pub async fn create(
    writer: Writer<failures::Create>,
    creation: Creation<NewUser>,
) -> Result<Response, OperationError<failures::Create>> {
    let NewUser { name, admin } = creation.new;
    let name = validate::name(&name)?;
    let work = move |tx: &mut StoreTx<'_>| {
        let user = action::create(tx, &name, admin)?;
        Ok(Created::new(format!("/api/v1/users/{}", user.id), user.etag(), &user)?)
    };
    writer.create(creation.repeatable, work).await
}

pub async fn get(
    reader: Reader<failures::Get>,
    Path(user): Path<Ref>,
    Query(query): Query<ReadQuery>,
) -> Result<Response, OperationError<failures::Get>> {
    let read = reader.read(query.reads(), move |tx| action::find(tx, &user));
    let user = read.await?;
    Ok(reply::ok(&user.etag(), &user))
}

pub async fn update(
    writer: Writer<failures::Update>,
    Path(user): Path<Ref>,
    if_match: IfMatch,
    Json(change): Json<UserChange>,
) -> Result<Response, OperationError<failures::Update>> {
    let change = action::Change {
        name: validate::optional_name(change.name.as_deref())?,
        admin: change.admin,
    };
    let update = writer.transact(move |tx| action::update(tx, &user, &change, &if_match));
    let user = update.await?;
    Ok(reply::ok(&user.etag(), &user))
}

pub async fn delete(
    writer: Writer<failures::Delete>,
    Path(user): Path<Ref>,
    if_match: IfMatch,
) -> Result<Response, OperationError<failures::Delete>> {
    let delete = writer.transact(move |tx| action::delete(tx, &user, &if_match));
    delete.await?;
    Ok(reply::no_content())
}

pub async fn orgs(
    reader: Reader<failures::Orgs>,
    Path(user): Path<Ref>,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Page<UserOrg>>, OperationError<failures::Orgs>> {
    let page = query.page_of(&format!("orgs of {user}"))?;
    let read = reader.read(query.reads(), move |tx| {
        let user = action::find(tx, &user)?;
        let found = model::org::of_user(tx, user.id, &page)?;
        Ok(page.cut(found, |(org, _)| Cursor::new(org.name.as_str(), org.id)))
    });
    let page = read.await?.map(|(org, member)| UserOrg { org, role: member.role });
    Ok(axum::Json(page))
}
