//! The routes of caches.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use drydock_api::runservice::endpoints::cache as failures;
use drydock_api::runservice::endpoints::own::{FindCache, SaveCache};
use drydock_api::runservice::refusals::{InvalidCacheKey, InvalidField};
use drydock_api::runservice::types::{
    ARCHIVE, AttemptId, CACHE_KEY, CACHE_SCOPE, CacheId, CacheView, FindCacheQuery,
    MAX_CACHE_BYTES, MAX_CACHE_KEYS, ProjectId, SaveCacheQuery, to_header,
};
use drydock_api::runservice::validate::text;
use drydock_core::db::Tx;
use drydock_core::error::{ActionError, Chain, Failure};
use drydock_core::objects::ObjectError;
use drydock_core::read_model::StoreError;
use drydock_core::store::Reads;
use drydock_http::api::page::{Cursor, ListQuery, Page};
use drydock_http::server::error::OperationError;
use drydock_http::server::extract::{Path, Query};
use drydock_http::server::idle::Idle;
use drydock_http::server::reply;
use futures_util::TryStreamExt;
use http::{HeaderName, HeaderValue, StatusCode, header};

use super::access::{Reader, Registered, Writer};
use super::upload::{check, refusal};
use crate::action::cache::{self as action, New, Saved};
use crate::model;
use crate::record::Cache;
use crate::state::App;

/// The entries without objects that one look-up passes over.
const MAX_PASSED: usize = 16;

pub async fn find(
    State(app): State<App>,
    Registered(executor): Registered,
    reader: Reader<FindCache>,
    Path(attempt): Path<AttemptId>,
    Query(query): Query<FindCacheQuery>,
) -> Result<Response, OperationError<FindCache>> {
    let keys = keys(&query.keys)?;
    let mut passed = BTreeSet::new();
    while passed.len() < MAX_PASSED {
        let (keys, over) = (keys.clone(), passed.clone());
        let find = move |tx: &Tx<'_>| action::find(tx, (executor, attempt), &keys, &over);
        let Some(entry) = reader.read(Reads::Linearizable, find).await? else { break };
        if app.service.caches.look(&entry).await.map_err(unstored::<FindCache>)? {
            return Ok(send(&app, &entry));
        }
        passed.insert(entry.id);
    }
    Ok(reply::no_content())
}

fn keys(lines: &str) -> Result<Vec<String>, InvalidCacheKey> {
    let keys: Vec<_> = lines.split('\n').collect();
    if keys.len() > MAX_CACHE_KEYS {
        return Err(InvalidCacheKey("keys", "has too many lines".to_owned()));
    }
    keys.into_iter().map(|line| key("keys", line)).collect()
}

fn key(parameter: &'static str, given: &str) -> Result<String, InvalidCacheKey> {
    let key = text(parameter, given.to_owned());
    key.map_err(|InvalidField(parameter, why)| InvalidCacheKey(parameter, why))
}

/// The answer with an entry, whose object is sent as it is read.
fn send(app: &App, entry: &Cache) -> Response {
    let id = entry.id;
    // The status is sent already: the body ends before its length, and the log has the error.
    let body = app.service.caches.read(entry).inspect_err(move |error| {
        tracing::warn!(entry = %id, error = %Chain(error), "a cache entry was read to no end");
    });
    let mut response = Body::from_stream(body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(ARCHIVE));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(entry.size));
    let mut set = |name: HeaderName, value: &str| {
        let value = HeaderValue::from_str(value).expect("digests and encoded texts are ASCII");
        headers.insert(name, value);
    };
    set(header::ETAG, &format!("\"{}\"", entry.blake3));
    set(CACHE_KEY, &to_header(&entry.key));
    set(CACHE_SCOPE, &to_header(&entry.scope));
    response
}

pub async fn save(
    State(app): State<App>,
    Registered(executor): Registered,
    writer: Writer<SaveCache>,
    idle: Idle,
    Path(attempt): Path<AttemptId>,
    Query(query): Query<SaveCacheQuery>,
    request: Request,
) -> Result<Response, OperationError<SaveCache>> {
    let (caches, by) = (&app.service.caches, (executor, attempt));
    let key = key("key", &query.key)?;
    let (reader, wanted) = (writer.reader(), key.clone());
    let known = reader.read(Reads::Linearizable, move |tx| action::may_save(tx, by, &wanted));
    let mut replaces = None;
    if let Some(entry) = known.await? {
        if caches.is_stored(&entry).await.map_err(unstored::<SaveCache>)? {
            return Ok(saved(StatusCode::OK, &entry));
        }
        replaces = Some(entry.id);
    }
    let limit = MAX_CACHE_BYTES.min(app.service.settings.cache_quota);
    check::<SaveCache>((query.size, &query.blake3), limit)?;
    let body = request.into_body().into_data_stream();
    // It may take long: the service does not wait for it to go into maintenance.
    let received = idle.wait(caches.receive(attempt, &query, body)).await;
    let received = received.map_err(OperationError::at_boundary)?;
    let object = received.map_err(refusal::<SaveCache>)?;
    let passed = app.context.env.point("cache.stored").await;
    passed.map_err(OperationError::at_boundary)?;
    let SaveCacheQuery { size, blake3, .. } = query;
    let new = New { key, object: object.clone(), size, blake3, replaces };
    match writer.transact(move |tx| action::save(tx, by, &new)).await? {
        Saved::Created(entry) => Ok(saved(StatusCode::CREATED, &entry)),
        Saved::Existed(entry) => {
            // If it stays, a sweep finds it.
            if let Err(error) = caches.delete(&object).await {
                tracing::debug!(object, error = %Chain(&error), "an upload could not be deleted");
            }
            Ok(saved(StatusCode::OK, &entry))
        }
    }
}

fn saved(status: StatusCode, entry: &Cache) -> Response {
    (status, axum::Json(action::view(entry))).into_response()
}

fn unstored<F: Failure>(error: ObjectError) -> OperationError<F> {
    OperationError::from(ActionError::<F>::from(StoreError::from(error)))
}

pub async fn list(
    reader: Reader<failures::List>,
    Path(project): Path<ProjectId>,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Page<CacheView>>, OperationError<failures::List>> {
    let page = query.page_of(&format!("caches {project}"))?;
    let read = reader.read(query.reads(), move |tx| {
        let found = model::cache::list(tx, project, &page)?;
        Ok(page.cut(found, |it| Cursor::new(&model::run::sort_key(it.place), it.id.0)))
    });
    Ok(axum::Json(read.await?.map(|entry| action::view(&entry))))
}

pub async fn delete(
    State(app): State<App>,
    writer: Writer<failures::Delete>,
    Path((project, entry)): Path<(ProjectId, CacheId)>,
) -> Result<Response, OperationError<failures::Delete>> {
    let gone = writer.transact(move |tx| action::delete(tx, project, entry)).await?;
    // If it stays, a sweep finds it.
    if let Err(error) = app.service.caches.delete(&gone.object).await {
        tracing::debug!(%entry, error = %Chain(&error), "an object could not be deleted");
    }
    Ok(reply::no_content())
}
