use axum::extract::State;
use axum::response::Response;
use drydock_api::configstore::errors::variable_not_exist;
use drydock_api::configstore::types::{NewVariable, TreeQuery, VariableChange, VariableView};
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
use crate::action::variable as action;
use crate::model;
use crate::record::Stored;
use crate::state::App;

pub async fn list<P: PlaceKind>(
    State(app): State<App>,
    Ctx(ctx): Ctx,
    Path(place): Path<TreeRef>,
    Query(query): Query<TreeQuery>,
) -> Result<axum::Json<Page<VariableView>>, HttpError> {
    let (query, tree) = query.split();
    let page = query.page()?;
    let read = app.service.store.read(&ctx, query.reads(), move |tx| {
        let mut scopes = P::scopes(tx, &place)?;
        scopes.truncate(if tree { usize::MAX } else { 1 });
        let found = model::variable::list(tx, &scopes, &page)?;
        let placed = found.iter().filter_map(|variable| {
            let (level, scope) = model::tree::place(&scopes, variable.place())?;
            Some((level, variable.view(scope.clone())))
        });
        let placed = placed.collect();
        Ok(page.cut(placed, |(level, view)| model::tree::cursor(*level, &view.name, view.id)))
    });
    Ok(axum::Json(read.await?.map(|(_, view)| view)))
}

pub async fn create<P: PlaceKind>(
    writer: Writer,
    Path(place): Path<TreeRef>,
    creation: Creation<NewVariable>,
) -> Result<Response, HttpError> {
    let NewVariable { name, values } = creation.new;
    let name = validate::name(&name)?;
    validate::values(&values)?;
    let work = move |tx: &mut StoreTx<'_>| -> Result<Created, BoxError> {
        let place = here::<P>(tx, &place)?;
        let variable = action::create(tx, &place, &name, &values)?;
        let location = format!("/api/v1/{}/{}/variables/{}", P::LIST, place.id, variable.name);
        let etag = variable.etag();
        Ok(Created::new(location, etag, &variable.view(place))?)
    };
    answer_creation(writer, creation.repeatable, work).await
}

pub async fn get<P: PlaceKind>(
    State(app): State<App>,
    Ctx(ctx): Ctx,
    Path((place, variable)): Path<(TreeRef, Ref)>,
    Query(query): Query<ReadQuery>,
) -> Result<Response, HttpError> {
    let read = app.service.store.read(&ctx, query.reads(), move |tx| {
        let place = here::<P>(tx, &place)?;
        let found = model::variable::find(tx, place.id, &variable)?;
        let found = found.ok_or_else(|| variable_not_exist(&variable))?;
        Ok((found.etag(), found.view(place)))
    });
    let (etag, view) = read.await?;
    Ok(reply::ok(&etag, &view))
}

pub async fn update<P: PlaceKind>(
    writer: Writer,
    Path((place, variable)): Path<(TreeRef, Ref)>,
    if_match: IfMatch,
    Json(VariableChange { name, values }): Json<VariableChange>,
) -> Result<Response, HttpError> {
    let change = action::Change { name: validate::optional_name(name.as_deref())?, values };
    validate::values(change.values.as_deref().unwrap_or_default())?;
    let update = writer.transact(move |tx| {
        let place = here::<P>(tx, &place)?;
        let variable = action::update(tx, &place, &variable, &change, &if_match)?;
        Ok((variable.etag(), variable.view(place)))
    });
    let (etag, view) = update.await?;
    Ok(reply::ok(&etag, &view))
}

pub async fn delete<P: PlaceKind>(
    writer: Writer,
    Path((place, variable)): Path<(TreeRef, Ref)>,
    if_match: IfMatch,
) -> Result<Response, HttpError> {
    let delete = writer.transact(move |tx| {
        let place = here::<P>(tx, &place)?;
        action::delete(tx, &place, &variable, &if_match)
    });
    delete.await?;
    Ok(reply::no_content())
}
