use axum::extract::State;
use axum::response::Response;
use drydock_api::configstore::endpoints::token as failures;
use drydock_api::configstore::types::{
    NewToken, NewTokenView, ResolveToken, ResolvedToken, TokenView,
};
use drydock_api::configstore::validate;
use drydock_api::names::Ref;
use drydock_core::store::{Reads, StoreTx};
use drydock_http::api::creation::Created;
use drydock_http::api::page::{Cursor, ListQuery, Page};
use drydock_http::api::precondition::IfMatch;
use drydock_http::server::creation::Creation;
use drydock_http::server::error::OperationError;
use drydock_http::server::extract::{Json, Path, Query};
use drydock_http::server::reply;
use rand::RngExt;

use super::reader::Reader;
use super::writer::Writer;
use crate::action::token as action;
use crate::action::user;
use crate::model;
use crate::record::Stored;
use crate::state::App;

/// What every token begins with, so that it is known for one wherever it turns up.
const PREFIX: &str = "drydock_";

pub async fn list(
    reader: Reader<failures::List>,
    Path(user): Path<Ref>,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Page<TokenView>>, OperationError<failures::List>> {
    let page = query.page_of(&format!("tokens of {user}"))?;
    let read = reader.read(query.reads(), move |tx| {
        let user = user::find(tx, &user)?;
        let found = model::token::list(tx, user.id, &page)?;
        Ok(page.cut(found, |token| Cursor::new(token.name.as_str(), token.id)))
    });
    Ok(axum::Json(read.await?.map(|token| token.view())))
}

pub async fn create(
    State(app): State<App>,
    writer: Writer<failures::Create>,
    Path(user): Path<Ref>,
    creation: Creation<NewToken>,
) -> Result<Response, OperationError<failures::Create>> {
    let name = validate::name(&creation.new.name)?;
    let random: [u8; 32] = app.context.env.rng("tokens").random();
    let value = format!("{PREFIX}{}", hex::encode(random));
    let work = move |tx: &mut StoreTx<'_>| {
        let token = action::create(tx, &user, &name, &value)?;
        let location = format!("/api/v1/users/{}/tokens/{}", token.user, token.name);
        let view = NewTokenView { token: token.view(), value: value.clone() };
        Ok(Created::new(location, token.etag(), &view)?)
    };
    writer.create(creation.repeatable, work).await
}

pub async fn delete(
    writer: Writer<failures::Delete>,
    Path((user, token)): Path<(Ref, Ref)>,
    if_match: IfMatch,
) -> Result<Response, OperationError<failures::Delete>> {
    let delete = writer.transact(move |tx| action::delete(tx, &user, &token, &if_match));
    delete.await?;
    Ok(reply::no_content())
}

/// Answers with the entity tag of the user.
pub async fn resolve(
    reader: Reader<failures::Resolve>,
    Json(ResolveToken { value }): Json<ResolveToken>,
) -> Result<Response, OperationError<failures::Resolve>> {
    let used = reader.used();
    let find = reader.read(Reads::Linearizable, move |tx| {
        let (user, token) = action::resolve(tx, &value)?;
        used.set(&token);
        Ok((user, token))
    });
    let (user, token) = find.await?;
    let etag = user.etag();
    Ok(reply::ok(&etag, &ResolvedToken { user, token: token.view() }))
}
