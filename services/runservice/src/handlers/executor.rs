use axum::extract::State;
use axum::response::Response;
use drydock_api::configstore::types::TokenDigest;
use drydock_api::names::{Name, Ref};
use drydock_api::runservice::endpoints::executor as failures;
use drydock_api::runservice::types::{ExecutorChange, ExecutorView, NewExecutor, NewExecutorView};
use drydock_api::runservice::validate::few_labels;
use drydock_core::store::StoreTx;
use drydock_http::api::creation::Created;
use drydock_http::api::page::{Cursor, ListQuery, Page, ReadQuery};
use drydock_http::api::precondition::IfMatch;
use drydock_http::server::creation::Creation;
use drydock_http::server::error::OperationError;
use drydock_http::server::extract::{Json, Path, Query};
use drydock_http::server::reply;
use rand::RngExt;

use super::access::{Reader, Writer};
use super::creation::answer_creation;
use crate::action::executor as action;
use crate::action::view;
use crate::model;
use crate::record::Stored;
use crate::state::App;

/// The beginning of every executor's token, so that it is recognized for one anywhere.
const PREFIX: &str = "drydock_executor_";

pub async fn list(
    reader: Reader<failures::List>,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Page<ExecutorView>>, OperationError<failures::List>> {
    let page = query.page_of("executors")?;
    let read = reader.read(query.reads(), move |tx| {
        let found = model::executor::list(tx, &page)?;
        let page = page.cut(found, |it| Cursor::new(it.name.as_str(), it.id.0));
        let mut items = Vec::new();
        for executor in &page.items {
            items.push(view::executor(tx, executor)?);
        }
        Ok(Page { items, next_cursor: page.next_cursor })
    });
    Ok(axum::Json(read.await?))
}

pub async fn create(
    State(app): State<App>,
    writer: Writer<failures::Create>,
    creation: Creation<NewExecutor>,
) -> Result<Response, OperationError<failures::Create>> {
    let NewExecutor { name, labels } = creation.new;
    let name: Name = name.parse()?;
    few_labels(&labels)?;
    let random: [u8; 32] = app.context.env.rng("executor tokens").random();
    let token = format!("{PREFIX}{}", hex::encode(random));
    let hash = TokenDigest::of(&token);
    let work = move |tx: &mut StoreTx<'_>| {
        let executor = action::create(tx, &name, &labels, hash.as_str())?;
        let view =
            NewExecutorView { executor: view::executor(tx, &executor)?, token: token.clone() };
        let location = format!("/api/v1/executors/{}", executor.id);
        Ok(Created::new(location, executor.etag(), &view)?)
    };
    answer_creation(writer, creation.repeatable, work).await
}

pub async fn get(
    reader: Reader<failures::Get>,
    Path(executor): Path<Ref>,
    Query(query): Query<ReadQuery>,
) -> Result<Response, OperationError<failures::Get>> {
    let read = reader.read(query.reads(), move |tx| {
        let executor = action::find(tx, &executor)?;
        Ok((executor.etag(), view::executor(tx, &executor)?))
    });
    let (etag, view) = read.await?;
    Ok(reply::ok(&etag, &view))
}

pub async fn update(
    writer: Writer<failures::Update>,
    Path(executor): Path<Ref>,
    if_match: IfMatch,
    Json(change): Json<ExecutorChange>,
) -> Result<Response, OperationError<failures::Update>> {
    let change = action::Change { enabled: change.enabled, drain: change.drain };
    let update = writer.transact(move |tx| {
        let executor = action::update(tx, &executor, change, &if_match)?;
        Ok((executor.etag(), view::executor(tx, &executor)?))
    });
    let (etag, view) = update.await?;
    Ok(reply::ok(&etag, &view))
}

pub async fn delete(
    writer: Writer<failures::Delete>,
    Path(executor): Path<Ref>,
    if_match: IfMatch,
) -> Result<Response, OperationError<failures::Delete>> {
    let settings = writer.settings();
    let delete = writer.transact(move |tx| action::delete(tx, &settings, &executor, &if_match));
    delete.await?;
    Ok(reply::no_content())
}
