use axum::response::Response;
use drydock_api::configstore::endpoints::member as failures;
use drydock_api::configstore::types::{MemberRole, MemberView};
use drydock_api::names::Ref;
use drydock_http::api::page::{Cursor, ListQuery, Page, ReadQuery};
use drydock_http::api::precondition::IfMatch;
use drydock_http::server::error::OperationError;
use drydock_http::server::extract::{Json, Path, Query};
use drydock_http::server::reply;

use super::reader::Reader;
use super::writer::Writer;
use crate::action::member as action;
use crate::action::org;
use crate::model;
use crate::record::Stored;

pub async fn list(
    reader: Reader<failures::List>,
    Path(org): Path<Ref>,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Page<MemberView>>, OperationError<failures::List>> {
    let page = query.page_of(&format!("members of {org}"))?;
    let read = reader.read(query.reads(), move |tx| {
        let org = org::find(tx, &org)?;
        let found = model::member::list(tx, org.id, &page)?;
        Ok(page.cut(found, |(_, user)| Cursor::new(user.name.as_str(), user.id)))
    });
    let page = read.await?;
    let page = page.map(|(member, user)| member.view(user.name));
    Ok(axum::Json(page))
}

pub async fn get(
    reader: Reader<failures::Get>,
    Path((org, user)): Path<(Ref, Ref)>,
    Query(query): Query<ReadQuery>,
) -> Result<Response, OperationError<failures::Get>> {
    let read = reader.read(query.reads(), move |tx| action::get(tx, &org, &user));
    let (member, user) = read.await?;
    Ok(reply::ok(&member.etag(), &member.view(user)))
}

pub async fn put(
    writer: Writer<failures::Put>,
    Path((org, user)): Path<(Ref, Ref)>,
    if_match: IfMatch,
    Json(MemberRole { role }): Json<MemberRole>,
) -> Result<Response, OperationError<failures::Put>> {
    let at = org.clone();
    let put = writer.transact(move |tx| action::put(tx, &org, &user, role, &if_match));
    Ok(match put.await? {
        action::Put::Created(member, name) => {
            let view = member.view(name);
            let location = format!("/api/v1/orgs/{at}/members/{}", member.user);
            reply::created(&location, &member.etag(), &view)
        }
        action::Put::Kept(member, name) => {
            let view = member.view(name);
            reply::ok(&member.etag(), &view)
        }
    })
}

pub async fn delete(
    writer: Writer<failures::Delete>,
    Path((org, user)): Path<(Ref, Ref)>,
    if_match: IfMatch,
) -> Result<Response, OperationError<failures::Delete>> {
    let delete = writer.transact(move |tx| action::delete(tx, &org, &user, &if_match));
    delete.await?;
    Ok(reply::no_content())
}
