//! The routes of maintenance, export, import and lineages.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use drydock_core::context::Context;
use drydock_core::error::{ApiError, BoxError, Chain, Code, Kind};
use drydock_core::log::format::Mode;
use futures_util::{StreamExt, TryStreamExt};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{Administered, ModeChange, stream};
use crate::api::admin::{ImportReport, Intent, Lineages, MaintenanceStatus, RestoreReport};
use crate::http::server::context::App;
use crate::http::server::error::HttpError;
use crate::http::server::extract::{Ctx, Json, Path, Query, unreadable};
use crate::http::server::reply;
use crate::http::server::route::Route;

/// Who asks for a switch, if not just the bearer of the internal token.
pub const REQUESTED_BY: HeaderName = HeaderName::from_static("x-requested-by");
const INTERNAL: &str = "internal";
const MAX_REQUESTED_BY_LENGTH: usize = 128;
const MAX_REASON_LENGTH: usize = 1024;
const MAX_WAIT: Duration = Duration::from_secs(600);
/// The usual forms of what is shorter than that.
const WAIT_PATTERN: &str = "^([1-9][0-9]{0,2}ms|[1-5]?[0-9]{1,2}s|600s|[0-9]m)$";
const NDJSON: &str = "application/x-ndjson";

const IMPORT_REFUSALS: [Code; 13] = [
    Code::ImportConstraint,
    Code::ImportCorrupt,
    Code::ImportTruncated,
    Code::ImportUnknownKey,
    Code::ImportUnknownType,
    Code::ImportVersion,
    Code::ImportWrongService,
    Code::InvalidBody,
    Code::MaintenanceNotReady,
    Code::NotInMaintenance,
    Code::NotReady,
    Code::StorageUnavailable,
    Code::UnsupportedMediaType,
];

pub fn routes<S: Administered>() -> Vec<Route<S>> {
    vec![
        Route::get("/api/v1/maintenance", status::<S>)
            .always()
            .about("shows the mode and the instances")
            .answers::<MaintenanceStatus>(),
        Route::put("/api/v1/maintenance", switch_on::<S>)
            .always()
            .unbounded()
            .about("switches maintenance on")
            .query::<WaitQuery>()
            .takes_if_given::<SwitchOn>()
            .answers::<MaintenanceStatus>(),
        Route::delete("/api/v1/maintenance", switch_off::<S>)
            .always()
            .unbounded()
            .about("switches maintenance off")
            .query::<WaitQuery>(),
        Route::get("/api/v1/export", export::<S>)
            .always()
            .unbounded()
            .about("exports everything")
            .answers_media(NDJSON)
            .refuses(&[Code::NotReady, Code::StorageUnavailable]),
        Route::post("/api/v1/import", import::<S>)
            .always()
            .streamed()
            .unbounded()
            .about("replaces everything by an export")
            .query::<ImportQuery>()
            .takes_media(NDJSON)
            .answers::<ImportReport>()
            .refuses(&IMPORT_REFUSALS),
        Route::get("/api/v1/lineages", lineages::<S>)
            .always()
            .about("lists the lineages that are kept")
            .answers::<Lineages>()
            .refuses(&[Code::NotReady, Code::StorageUnavailable]),
        Route::post("/api/v1/lineages/{lineage}/restore", restore::<S>)
            .always()
            .bodiless()
            .unbounded()
            .about("goes back to a lineage")
            .answers::<RestoreReport>()
            .refuses(&[
                Code::LineageNotExist,
                Code::MaintenanceNotReady,
                Code::NotInMaintenance,
                Code::NotReady,
                Code::StorageUnavailable,
            ]),
    ]
}

async fn status<S: Administered>(
    State(app): State<App<S>>,
    Ctx(ctx): Ctx,
) -> Result<axum::Json<MaintenanceStatus>, HttpError> {
    Ok(axum::Json(app.service.admin().status(&ctx).await?))
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SwitchOn {
    #[schemars(length(max = MAX_REASON_LENGTH))]
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WaitQuery {
    #[schemars(regex(pattern = WAIT_PATTERN))]
    wait: Option<String>,
}

async fn switch_on<S: Administered>(
    State(app): State<App<S>>,
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
    let mode = Mode::Maintenance;
    let status = switch(&app, &ctx, &query, &headers, mode, reason).await?;
    Ok(axum::Json(status))
}

async fn switch_off<S: Administered>(
    State(app): State<App<S>>,
    Ctx(ctx): Ctx,
    Query(query): Query<WaitQuery>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let mode = Mode::Normal;
    switch(&app, &ctx, &query, &headers, mode, None).await?;
    Ok(reply::no_content())
}

/// The body may be left out altogether, as `curl -X PUT` does.
pub(crate) async fn optional_body(request: Request) -> Result<SwitchOn, HttpError> {
    use axum::extract::FromRequest;
    if !request.headers().contains_key(header::CONTENT_TYPE) {
        let (parts, body) = request.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await;
        let bytes = bytes.map_err(unreadable)?;
        if bytes.is_empty() {
            return Ok(SwitchOn::default());
        }
        let request = Request::from_parts(parts, Body::from(bytes));
        return Ok(Json::from_request(request, &()).await?.0);
    }
    Ok(Json::from_request(request, &()).await?.0)
}

async fn switch<S: Administered>(
    app: &App<S>,
    ctx: &Context,
    query: &WaitQuery,
    headers: &HeaderMap,
    mode: Mode,
    reason: Option<String>,
) -> Result<MaintenanceStatus, HttpError> {
    let wait = query.wait.as_deref().map(parse_wait).transpose()?;
    let bound = app.shell.settings.request_timeout + wait.unwrap_or_default();
    let change = ModeChange { mode, requested_by: requested_by(headers)?, reason, wait };
    let ctx = ctx.timeout(bound);
    let switched = ctx.run(app.service.admin().set_mode(&ctx, change)).await;
    Ok(switched.map_err(ApiError::from)??)
}

pub(crate) fn parse_wait(text: &str) -> Result<Duration, ApiError> {
    let parsed = text.parse::<jiff::SignedDuration>();
    match parsed.map(Duration::try_from) {
        Ok(Ok(wait)) if wait <= MAX_WAIT => Ok(wait),
        _ => {
            let message =
                format!("`wait` must be a duration such as `30s`, up to {}s", MAX_WAIT.as_secs());
            Err(bad(Code::InvalidQuery, message))
        }
    }
}

fn requested_by(headers: &HeaderMap) -> Result<String, ApiError> {
    let Some(value) = headers.get(REQUESTED_BY) else {
        return Ok(INTERNAL.to_owned());
    };
    match value.to_str() {
        Ok(text) if (1..=MAX_REQUESTED_BY_LENGTH).contains(&text.len()) => Ok(text.to_owned()),
        _ => Err(bad(
            Code::InvalidHeader,
            format!("`X-Requested-By` must be 1 to {MAX_REQUESTED_BY_LENGTH} ASCII characters"),
        )),
    }
}

async fn export<S: Administered>(
    State(app): State<App<S>>,
    Ctx(ctx): Ctx,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let plain = app.service.admin().export(&ctx).await?;
    // Too late for a status: the body ends without its last chunk, and the log says why.
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

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ImportQuery {
    #[serde(default)]
    dry_run: bool,
}

async fn import<S: Administered>(
    State(app): State<App<S>>,
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
    let report = app.service.admin().import(&ctx, plain, intent).await?;
    Ok(axum::Json(report))
}

async fn lineages<S: Administered>(
    State(app): State<App<S>>,
    Ctx(ctx): Ctx,
) -> Result<axum::Json<Lineages>, HttpError> {
    Ok(axum::Json(Lineages { items: app.service.admin().lineages(&ctx).await? }))
}

async fn restore<S: Administered>(
    State(app): State<App<S>>,
    Ctx(ctx): Ctx,
    Path(lineage): Path<Uuid>,
) -> Result<axum::Json<RestoreReport>, HttpError> {
    Ok(axum::Json(app.service.admin().restore(&ctx, lineage).await?))
}

fn bad(code: Code, message: impl Into<String>) -> ApiError {
    ApiError::new(Kind::BadRequest).with_code(code).with_message(message)
}
