use axum::response::Response;
use drydock_api::configstore::endpoints::linked_account as failures;
use drydock_api::configstore::types::{LinkedAccountView, NewLinkedAccount};
use drydock_api::configstore::validate;
use drydock_api::names::Ref;
use drydock_core::store::StoreTx;
use drydock_http::api::creation::Created;
use drydock_http::api::page::{Cursor, ListQuery, Page};
use drydock_http::api::precondition::IfMatch;
use drydock_http::server::creation::Creation;
use drydock_http::server::error::OperationError;
use drydock_http::server::extract::{Path, Query};
use drydock_http::server::reply;
use uuid::Uuid;

use super::reader::Reader;
use super::writer::Writer;
use crate::action::linked_account as action;
use crate::action::user;
use crate::model;
use crate::record::Stored;

pub async fn list(
    reader: Reader<failures::List>,
    Path(user): Path<Ref>,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Page<LinkedAccountView>>, OperationError<failures::List>> {
    let page = query.page_of(&format!("linked accounts of {user}"))?;
    let read = reader.read(query.reads(), move |tx| {
        let user = user::find(tx, &user)?;
        let found = model::linked_account::list(tx, user.id, &page)?;
        Ok(page.cut(found, |(account, source)| Cursor::new(source.name.as_str(), account.id)))
    });
    let page = read.await?;
    Ok(axum::Json(page.map(|(account, source)| account.view(source.name))))
}

pub async fn create(
    writer: Writer<failures::Create>,
    Path(user): Path<Ref>,
    creation: Creation<NewLinkedAccount>,
) -> Result<Response, OperationError<failures::Create>> {
    let NewLinkedAccount { remote_source, remote_user_id, remote_user_name } = creation.new;
    let new = action::New {
        remote_source: validate::reference("remote_source", &remote_source)?,
        remote_user_id: validate::text("remote_user_id", remote_user_id)?,
        remote_user_name: validate::text("remote_user_name", remote_user_name)?,
    };
    let work = move |tx: &mut StoreTx<'_>| {
        let (account, source) = action::create(tx, &user, &new)?;
        let location = format!("/api/v1/users/{}/linked_accounts/{}", account.user, account.id);
        let etag = account.etag();
        Ok(Created::new(location, etag, &account.view(source))?)
    };
    writer.create(creation.repeatable, work).await
}

pub async fn delete(
    writer: Writer<failures::Delete>,
    Path((user, account)): Path<(Ref, Uuid)>,
    if_match: IfMatch,
) -> Result<Response, OperationError<failures::Delete>> {
    let delete = writer.transact(move |tx| action::delete(tx, &user, account, &if_match));
    delete.await?;
    Ok(reply::no_content())
}
