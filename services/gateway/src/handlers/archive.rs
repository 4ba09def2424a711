//! Exports and imports, which are passed on byte for byte, one piece at a time, and lineages.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use drydock_api::admin::{ImportQuery, ImportReport, Lineages, REPLACE_TIMEOUT, RestoreReport};
use drydock_core::error::Chain;
use drydock_http::server::error::HttpError;
use drydock_http::server::extract::{Path, Query, unreadable};
use futures_util::TryStreamExt;
use http::{HeaderMap, Method, header};
use uuid::Uuid;

use crate::auth::Permit;
use crate::auth::permit::Stored;
use crate::auth::require::AdminToken;
use crate::errors::for_operators;

pub async fn export<S: Stored>(
    permit: Permit<AdminToken>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let mut call = permit.raw::<S>().request(Method::GET, "/api/v1/export");
    for accepted in texts(&headers, &header::ACCEPT_ENCODING) {
        call = call.header(header::ACCEPT_ENCODING, accepted);
    }
    let export = call.send_streamed(&permit.ctx).await.map_err(for_operators)?;
    let (head, body) = (export.headers, export.body);
    // Too late for a status: the body ends without its last chunk, and the log says why.
    let body = body.inspect_err(|error| {
        tracing::error!(error = %Chain(error), "export ended with an error");
    });
    let mut response = Body::from_stream(body).into_response();
    for name in [header::CONTENT_TYPE, header::CONTENT_ENCODING, header::VARY] {
        if let Some(value) = head.get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    Ok(response)
}

pub async fn import<S: Stored>(
    permit: Permit<AdminToken>,
    Query(ImportQuery { dry_run }): Query<ImportQuery>,
    headers: HeaderMap,
    request: Request,
) -> Result<axum::Json<ImportReport>, HttpError> {
    let cut = Arc::new(AtomicBool::new(false));
    let noticed = Arc::clone(&cut);
    let body = request.into_body().into_data_stream();
    let body = body.map_err(unreadable);
    let body = body.inspect_err(move |_| noticed.store(true, Ordering::Relaxed));
    let path = format!("/api/v1/import?dry_run={dry_run}");
    let mut call = permit.raw::<S>().request(Method::POST, path).body(Body::from_stream(body));
    for name in [header::CONTENT_TYPE, header::CONTENT_ENCODING] {
        for value in texts(&headers, &name) {
            call = call.header(name.clone(), value);
        }
    }
    match call.timeout(REPLACE_TIMEOUT).send::<ImportReport>(&permit.ctx).await {
        Ok(report) => Ok(axum::Json(report.body)),
        // The caller's own connection broke, not the service's.
        Err(error) if cut.load(Ordering::Relaxed) => {
            Err(unreadable(axum::Error::new(error)).into())
        }
        Err(error) => Err(for_operators(error).into()),
    }
}

pub async fn lineages<S: Stored>(
    permit: Permit<AdminToken>,
) -> Result<axum::Json<Lineages>, HttpError> {
    let listed = permit.admin::<S>().lineages(&permit.ctx).await;
    Ok(axum::Json(listed.map_err(for_operators)?))
}

pub async fn restore<S: Stored>(
    permit: Permit<AdminToken>,
    Path(lineage): Path<Uuid>,
) -> Result<axum::Json<RestoreReport>, HttpError> {
    let restored = permit.admin::<S>().restore(&permit.ctx, lineage).await;
    Ok(axum::Json(restored.map_err(for_operators)?))
}

/// The values of a header as a client may send them: visible ASCII.
fn texts<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Vec<&'a str> {
    headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect()
}
