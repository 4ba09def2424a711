use axum::extract::State;
use axum::response::Response;
use drydock_api::configstore::errors::secret_not_exist;
use drydock_api::configstore::types::{NewSecret, SecretChange, SecretView, TreeQuery};
use drydock_api::configstore::validate;
use drydock_api::names::{Ref, TreeRef};
use drydock_core::error::BoxError;
use drydock_core::store::StoreTx;
use drydock_http::api::creation::Created;
use drydock_http::api::page::{Page, ReadQuery};
use drydock_http::api::precondition::IfMatch;
use drydock_http::server::creation::Creation;
use drydock_http::server::error::HttpError;
use drydock_http::server::extract::{Ctx, Json, Path, Query};
use drydock_http::server::reply;

use super::creation::answer_creation;
use super::writer::Writer;
use crate::action::place::{PlaceKind, here};
use crate::action::secret as action;
use crate::model;
use crate::record::Stored;
use crate::state::App;

pub async fn list<P: PlaceKind>(
    State(app): State<App>,
    Ctx(ctx): Ctx,
    Path(place): Path<TreeRef>,
    Query(query): Query<TreeQuery>,
) -> Result<axum::Json<Page<SecretView>>, HttpError> {
    let (query, tree) = query.split();
    let page = query.page()?;
    let read = app.service.store.read(&ctx, query.reads(), move |tx| {
        let mut scopes = P::scopes(tx, &place)?;
        scopes.truncate(if tree { usize::MAX } else { 1 });
        let found = model::secret::list(tx, &scopes, &page)?;
        let placed = found.iter().filter_map(|secret| {
            let (level, scope) = model::tree::place(&scopes, secret.place())?;
            Some((level, secret.view(scope.clone())))
        });
        let placed = placed.collect();
        Ok(page.cut(placed, |(level, view)| model::tree::cursor(*level, &view.name, view.id)))
    });
    Ok(axum::Json(read.await?.map(|(_, view)| view)))
}

pub async fn create<P: PlaceKind>(
    writer: Writer,
    Path(place): Path<TreeRef>,
    creation: Creation<NewSecret>,
) -> Result<Response, HttpError> {
    let NewSecret { name, data } = creation.new;
    let name = validate::name(&name)?;
    validate::keys("data", data.keys())?;
    let sealer = writer.sealer();
    let work = move |tx: &mut StoreTx<'_>| -> Result<Created, BoxError> {
        let place = here::<P>(tx, &place)?;
        let secret = action::create(tx, &sealer, &place, &name, &data)?;
        let location = format!("/api/v1/{}/{}/secrets/{}", P::LIST, place.id, secret.name);
        let etag = secret.etag();
        Ok(Created::new(location, etag, &secret.view(place))?)
    };
    answer_creation(writer, creation.repeatable, work).await
}

pub async fn get<P: PlaceKind>(
    State(app): State<App>,
    Ctx(ctx): Ctx,
    Path((place, secret)): Path<(TreeRef, Ref)>,
    Query(query): Query<ReadQuery>,
) -> Result<Response, HttpError> {
    let read = app.service.store.read(&ctx, query.reads(), move |tx| {
        let place = here::<P>(tx, &place)?;
        let found = model::secret::find(tx, place.id, &secret)?;
        let found = found.ok_or_else(|| secret_not_exist(&secret))?;
        Ok((found.etag(), found.view(place)))
    });
    let (etag, view) = read.await?;
    Ok(reply::ok(&etag, &view))
}

pub async fn update<P: PlaceKind>(
    writer: Writer,
    Path((place, secret)): Path<(TreeRef, Ref)>,
    if_match: IfMatch,
    Json(SecretChange { name, data }): Json<SecretChange>,
) -> Result<Response, HttpError> {
    let change = action::Change { name: validate::optional_name(name.as_deref())?, data };
    if let Some(data) = &change.data {
        validate::keys("data", data.keys())?;
    }
    let sealer = writer.sealer();
    let update = writer.transact(move |tx| {
        let place = here::<P>(tx, &place)?;
        let secret = action::update(tx, &sealer, &place, &secret, &change, &if_match)?;
        Ok((secret.etag(), secret.view(place)))
    });
    let (etag, view) = update.await?;
    Ok(reply::ok(&etag, &view))
}

pub async fn delete<P: PlaceKind>(
    writer: Writer,
    Path((place, secret)): Path<(TreeRef, Ref)>,
    if_match: IfMatch,
) -> Result<Response, HttpError> {
    let delete = writer.transact(move |tx| {
        let place = here::<P>(tx, &place)?;
        action::delete(tx, &place, &secret, &if_match)
    });
    delete.await?;
    Ok(reply::no_content())
}
