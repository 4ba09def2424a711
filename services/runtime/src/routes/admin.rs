//! The routes of maintenance, export, import and lineages.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::response::{IntoResponse, Response};
use drydock_api::admin::{
    ImportQuery, ImportReport, Intent, Lineages, MAX_REASON_LENGTH, MaintenanceStatus, NDJSON,
    REQUESTED_BY, RestoreReport, SwitchOn, WaitQuery, endpoints,
};
use drydock_core::context::Context;
use drydock_core::error::{ApiError, BoxError, Chain, Code, Kind};
use drydock_core::log::format::Mode;
use drydock_http::server::context::{App, AppContext};
use drydock_http::server::error::HttpError;
use drydock_http::server::extract::{Ctx, Path, Query, optional_body, unreadable};
use drydock_http::server::reply;
use drydock_http::server::route::Route;
use futures_util::{StreamExt, TryStreamExt};
use http::{HeaderMap, HeaderValue, header};
use uuid::Uuid;

use super::{Admin, ModeChange, stream};

const INTERNAL: &str = "internal";
const MAX_REQUESTED_BY_LENGTH: usize = 128;

/// The routes of every service whose instances have an [`Admin`] among their extensions.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Vec<Route<S>> {
    vec![
        Route::new(endpoints::status(), status),
        Route::new(endpoints::switch_on(), switch_on::<S>),
        Route::new(endpoints::switch_off(), switch_off::<S>),
        Route::new(endpoints::export(), export),
        Route::new(endpoints::import(), import),
        Route::new(endpoints::lineages(), lineages),
        Route::new(endpoints::restore(), restore),
    ]
}

/// The extension with the operations behind the routes.
type Operator = Extension<Arc<dyn Admin>>;

async fn status(
    Extension(admin): Operator,
    Ctx(ctx): Ctx,
) -> Result<axum::Json<MaintenanceStatus>, HttpError> {
    Ok(axum::Json(admin.status(&ctx).await?))
}

async fn switch_on<S>(
    State(app): State<App<S>>,
    Extension(admin): Operator,
    Ctx(ctx): Ctx,
    Query(query): Query<WaitQuery>,
    headers: HeaderMap,
    request: Request,
) -> Result<axum::Json<MaintenanceStatus>, HttpError> {
    let SwitchOn { reason } = optional_body(request).await?;
    if reason.as_ref().is_some_and(|it| it.chars().count() > MAX_REASON_LENGTH) {
        let message = format!("`reason` has more than {MAX_REASON_LENGTH} characters");
        return Err(bad(Code::InvalidBody, message).into());
    }
    if reason.as_ref().is_some_and(|it| it.chars().any(char::is_control)) {
        let message = "`reason` has a control character".to_owned();
        return Err(bad(Code::InvalidBody, message).into());
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
) -> Result<Response, HttpError> {
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
) -> Result<MaintenanceStatus, HttpError> {
    let ctx = ctx.timeout(app.settings.request_timeout + change.wait.unwrap_or_default());
    let switched = ctx.run(admin.set_mode(&ctx, change)).await;
    Ok(switched.map_err(ApiError::from)??)
}

fn requested_by(headers: &HeaderMap) -> Result<String, ApiError> {
    let Some(value) = headers.get(REQUESTED_BY) else {
        return Ok(INTERNAL.to_owned());
    };
    match value.to_str() {
        // The rest that `to_str` lets through is tabs.
        Ok(text) if (1..=MAX_REQUESTED_BY_LENGTH).contains(&text.len()) && !text.contains('\t') => {
            Ok(text.to_owned())
        }
        _ => Err(bad(
            Code::InvalidHeader,
            format!("`X-Requested-By` must be 1 to {MAX_REQUESTED_BY_LENGTH} ASCII characters"),
        )),
    }
}

async fn export(
    Extension(admin): Operator,
    Ctx(ctx): Ctx,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
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
) -> Result<axum::Json<ImportReport>, HttpError> {
    let body = request.into_body().into_data_stream();
    let body = body.map_err(|error| BoxError::from(unreadable(error)));
    let plain = stream::plain(&headers, body.boxed()).await?;
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
) -> Result<axum::Json<Lineages>, HttpError> {
    Ok(axum::Json(Lineages { items: admin.lineages(&ctx).await? }))
}

async fn restore(
    Extension(admin): Operator,
    Ctx(ctx): Ctx,
    Path(lineage): Path<Uuid>,
) -> Result<axum::Json<RestoreReport>, HttpError> {
    Ok(axum::Json(admin.restore(&ctx, lineage).await?))
}

fn bad(code: Code, message: impl Into<String>) -> ApiError {
    ApiError::new(Kind::BadRequest).with_code(code).with_message(message)
}
