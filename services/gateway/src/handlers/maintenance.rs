use axum::extract::Request;
use axum::response::Response;
use drydock_api::admin::{MaintenanceStatus, REQUESTED_BY, SwitchOn, WaitQuery};
use drydock_core::error::ApiError;
use drydock_http::server::error::HttpError;
use drydock_http::server::extract::{Query, optional_body};
use drydock_http::server::reply;
use http::HeaderMap;

use crate::auth::Permit;
use crate::auth::permit::Stored;
use crate::auth::require::AdminToken;
use crate::errors::for_operators;

/// The requester of a switch, if the request names none.
const ADMIN: &str = "admin";

pub async fn status<S: Stored>(
    permit: Permit<AdminToken>,
) -> Result<axum::Json<MaintenanceStatus>, HttpError> {
    let status = permit.admin::<S>().status(&permit.ctx).await;
    Ok(axum::Json(status.map_err(for_operators)?))
}

pub async fn switch_on<S: Stored>(
    permit: Permit<AdminToken>,
    Query(query): Query<WaitQuery>,
    headers: HeaderMap,
    request: Request,
) -> Result<axum::Json<MaintenanceStatus>, HttpError> {
    let wait = query.wait().map_err(ApiError::from)?;
    let SwitchOn { reason } = optional_body(request).await?;
    let admin = permit.admin::<S>();
    let by = requested_by(&headers);
    let status = admin.switch_on(&permit.ctx, by, reason.as_deref(), wait).await;
    Ok(axum::Json(status.map_err(for_operators)?))
}

pub async fn switch_off<S: Stored>(
    permit: Permit<AdminToken>,
    Query(query): Query<WaitQuery>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let wait = query.wait().map_err(ApiError::from)?;
    let admin = permit.admin::<S>();
    let switched = admin.switch_off(&permit.ctx, requested_by(&headers), wait).await;
    switched.map_err(for_operators)?;
    Ok(reply::no_content())
}

fn requested_by(headers: &HeaderMap) -> &str {
    let given = headers.get(REQUESTED_BY).and_then(|value| value.to_str().ok());
    given.unwrap_or(ADMIN)
}
