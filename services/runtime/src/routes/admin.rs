//! The routes of maintenance, export, import and lineages.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::response::{IntoResponse, Response};
use drydock_api::admin::endpoints::{SwitchOffFailure, SwitchOnFailure};
use drydock_api::admin::refusals::InvalidRequestedBy;
use drydock_api::admin::{
    ImportQuery, ImportReport, Intent, Lineages, MAX_REASON_LENGTH, MAX_REQUESTED_BY_LENGTH,
    MaintenanceStatus, NDJSON, REQUESTED_BY, RestoreReport, SwitchOn, WaitQuery, endpoints,
};
use drydock_api::refusals::InvalidField;
use drydock_core::archive::refusals::{ImportFailure, RestoreFailure};
use drydock_core::context::Context;
use drydock_core::error::{BoxError, Chain};
use drydock_core::log::format::Mode;
use drydock_core::read_model::StoreError;
use drydock_http::server::context::{App, AppContext};
use drydock_http::server::error::OperationError;
use drydock_http::server::extract::{Ctx, Path, Query, optional_body, unreadable};
use drydock_http::server::reply;
use drydock_http::server::route::Route;
use futures_util::{StreamExt, TryStreamExt};
use http::{HeaderMap, HeaderValue, header};
use uuid::Uuid;

use super::{Admin, ModeChange, stream};

const INTERNAL: &str = "internal";

/// The routes of every service whose instances have an [`Admin`] among their extensions.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Vec<Route<S>> {
    vec![
        Route::typed(endpoints::status(), status),
        Route::typed(endpoints::switch_on(), switch_on::<S>),
        Route::typed(endpoints::switch_off(), switch_off::<S>),
        Route::typed(endpoints::export(), export),
        Route::typed(endpoints::import(), import),
        Route::typed(endpoints::lineages(), lineages),
        Route::typed(endpoints::restore(), restore),
    ]
}

/// The extension with the operations behind the routes.
type Operator = Extension<Arc<dyn Admin>>;

async fn status(
    Extension(admin): Operator,
    Ctx(ctx): Ctx,
) -> Result<axum::Json<MaintenanceStatus>, OperationError<Infallible>> {
    Ok(axum::Json(admin.status(&ctx).await?))
}

async fn switch_on<S>(
    State(app): State<App<S>>,
    Extension(admin): Operator,
    Ctx(ctx): Ctx,
    Query(query): Query<WaitQuery>,
    headers: HeaderMap,
    request: Request,
) -> Result<axum::Json<MaintenanceStatus>, OperationError<SwitchOnFailure>> {
    let body = optional_body(request).await;
    let body = body.map_err(|error| OperationError::at_boundary(error.0))?;
    let SwitchOn { reason } = body;
    if reason.as_ref().is_some_and(|it| it.chars().count() > MAX_REASON_LENGTH) {
        let why = format!("has more than {MAX_REASON_LENGTH} characters");
        return Err(InvalidField("reason", why).into());
    }
    if reason.as_ref().is_some_and(|it| it.chars().any(char::is_control)) {
        return Err(InvalidField("reason", "has a control character".to_owned()).into());
    }
    let wait = query.wait()?;
    let (mode, requested_by) = (Mode::Maintenance, requested_by(&headers)?);
    let change = ModeChange { mode, requested_by, reason, wait };
    let status = switch(&*admin, &app.context, &ctx, change).await?;
    Ok(axum::Json(status))
}

async fn switch_off<S>(
    State(app): State<App<S>>,
    Extension(admin): Operator,
    Ctx(ctx): Ctx,
    Query(query): Query<WaitQuery>,
    headers: HeaderMap,
) -> Result<Response, OperationError<SwitchOffFailure>> {
    let (wait, requested_by) = (query.wait()?, requested_by(&headers)?);
    let change = ModeChange { mode: Mode::Normal, requested_by, reason: None, wait };
    switch(&*admin, &app.context, &ctx, change).await?;
    Ok(reply::no_content())
}

async fn switch(
    admin: &dyn Admin,
    app: &AppContext,
    ctx: &Context,
    change: ModeChange,
) -> Result<MaintenanceStatus, StoreError> {
    let ctx = ctx.timeout(app.settings.request_timeout + change.wait.unwrap_or_default());
    ctx.run(admin.set_mode(&ctx, change)).await?
}

fn requested_by(headers: &HeaderMap) -> Result<String, InvalidRequestedBy> {
    let Some(value) = headers.get(REQUESTED_BY) else {
        return Ok(INTERNAL.to_owned());
    };
    match value.to_str() {
        // The rest that `to_str` lets through is tabs.
        Ok(text) if (1..=MAX_REQUESTED_BY_LENGTH).contains(&text.len()) && !text.contains('\t') => {
            Ok(text.to_owned())
        }
        _ => Err(InvalidRequestedBy),
    }
}

async fn export(
    Extension(admin): Operator,
    Ctx(ctx): Ctx,
    headers: HeaderMap,
) -> Result<Response, OperationError<Infallible>> {
    let plain = admin.export(&ctx).await?;
    // The status is sent already: the body ends without its last chunk, and the log has the error.
    let plain = plain
        .inspect_err(|error| {
            tracing::error!(error = %Chain(error.as_ref()), "export ended with an error");
        })
        .boxed();
    let zstd = stream::accepts_zstd(&headers);
    let body = if zstd { stream::compress(plain) } else { plain };
    let mut response = Body::from_stream(body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(NDJSON));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if zstd {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("zstd"));
    }
    Ok(response)
}

async fn import(
    Extension(admin): Operator,
    Ctx(ctx): Ctx,
    Query(query): Query<ImportQuery>,
    headers: HeaderMap,
    request: Request,
) -> Result<axum::Json<ImportReport>, OperationError<ImportFailure>> {
    let body = request.into_body().into_data_stream();
    let body = body.map_err(|error| BoxError::from(unreadable(error)));
    let plain = stream::plain(&headers, body.boxed()).await;
    let plain = plain.map_err(OperationError::at_boundary)?;
    let intent = match query.dry_run {
        true => Intent::DryRun,
        false => Intent::Apply,
    };
    let report = admin.import(&ctx, plain, intent).await?;
    Ok(axum::Json(report))
}

async fn lineages(
    Extension(admin): Operator,
    Ctx(ctx): Ctx,
) -> Result<axum::Json<Lineages>, OperationError<Infallible>> {
    Ok(axum::Json(Lineages { items: admin.lineages(&ctx).await? }))
}

async fn restore(
    Extension(admin): Operator,
    Ctx(ctx): Ctx,
    Path(lineage): Path<Uuid>,
) -> Result<axum::Json<RestoreReport>, OperationError<RestoreFailure>> {
    Ok(axum::Json(admin.restore(&ctx, lineage).await?))
}
