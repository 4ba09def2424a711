use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use drydock_api::configstore::errors::user_not_exist;
use drydock_api::configstore::types::{
    NewToken, NewTokenView, ResolveToken, ResolvedToken, TokenView,
};
use drydock_api::configstore::validate;
use drydock_api::names::Ref;
use drydock_core::error::{BoxError, Chain};
use drydock_core::store::{Reads, StoreTx};
use drydock_http::api::creation::Created;
use drydock_http::api::page::{Cursor, ListQuery, Page};
use drydock_http::api::precondition::IfMatch;
use drydock_http::server::creation::Creation;
use drydock_http::server::error::HttpError;
use drydock_http::server::extract::{Ctx, Json, Path, Query};
use drydock_http::server::reply;
use rand::RngExt;

use super::creation::answer_creation;
use super::writer::Writer;
use crate::action::token as action;
use crate::model;
use crate::record::Stored;
use crate::state::App;

/// What every token begins with, so that it is known for one wherever it turns up.
const PREFIX: &str = "drydock_";
/// How long an answer waits until a token's use is noted.
const NOTING: Duration = Duration::from_secs(2);

pub async fn list(
    State(app): State<App>,
    Ctx(ctx): Ctx,
    Path(user): Path<Ref>,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Page<TokenView>>, HttpError> {
    let page = query.page()?;
    let read = app.service.store.read(&ctx, query.reads(), move |tx| {
        let user = model::user::find(tx, &user)?.ok_or_else(|| user_not_exist(user))?;
        let found = model::token::list(tx, user.id, &page)?;
        Ok(page.cut(found, |token| Cursor::new(token.name.as_str(), token.id)))
    });
    Ok(axum::Json(read.await?.map(|token| token.view())))
}

pub async fn create(
    State(app): State<App>,
    writer: Writer,
    Path(user): Path<Ref>,
    creation: Creation<NewToken>,
) -> Result<Response, HttpError> {
    let name = validate::name(&creation.new.name)?;
    let random: [u8; 32] = app.shell.env.rng("tokens").random();
    let value = format!("{PREFIX}{}", hex::encode(random));
    let work = move |tx: &mut StoreTx<'_>| -> Result<Created, BoxError> {
        let token = action::create(tx, &user, &name, &value)?;
        let location = format!("/api/v1/users/{}/tokens/{}", token.user, token.name);
        let view = NewTokenView { token: token.view(), value: value.clone() };
        Ok(Created::new(location, token.etag(), &view)?)
    };
    answer_creation(writer, creation.repeatable, work).await
}

pub async fn delete(
    writer: Writer,
    Path((user, token)): Path<(Ref, Ref)>,
    if_match: IfMatch,
) -> Result<Response, HttpError> {
    let delete = writer.transact(move |tx| action::delete(tx, &user, &token, &if_match));
    delete.await?;
    Ok(reply::no_content())
}

pub async fn resolve(
    State(app): State<App>,
    Ctx(ctx): Ctx,
    Json(ResolveToken { value }): Json<ResolveToken>,
) -> Result<axum::Json<ResolvedToken>, HttpError> {
    let store = &app.service.store;
    let find = store.read(&ctx, Reads::Linearizable, move |tx| action::resolve(tx, &value));
    let (user, token) = find.await?;
    let now = app.shell.env.now();
    if action::is_to_be_noted(&token, now) {
        let id = token.id;
        let noting = ctx.timeout(NOTING);
        let noted = store.transact(&noting, move |tx| action::note_use(tx, id, now)).await;
        if let Err(error) = noted {
            // Whose token it is does not depend on it.
            let error = Chain(error.as_ref()).to_string();
            tracing::warn!(token = %id, error, "the use of a token is not noted");
        }
    }
    Ok(axum::Json(ResolvedToken { user, token: token.view() }))
}
