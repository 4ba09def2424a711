use axum::extract::Request;
use axum::response::Response;
use drydock_api::admin::{MaintenanceStatus, REQUESTED_BY, SwitchOn, WaitQuery};
use drydock_http::server::error::HttpError;
use drydock_http::server::extract::{Query, optional_body};
use drydock_http::server::reply;
use http::HeaderMap;

use crate::auth::Permit;
use crate::errors::for_operators;

/// Who asked for a switch, if the request does not say.
const ADMIN: &str = "admin";

pub async fn status(permit: Permit) -> Result<axum::Json<MaintenanceStatus>, HttpError> {
    let status = permit.configstore.admin().status(&permit.ctx).await;
    Ok(axum::Json(status.map_err(for_operators)?))
}

pub async fn switch_on(
    permit: Permit,
    Query(query): Query<WaitQuery>,
    headers: HeaderMap,
    request: Request,
) -> Result<axum::Json<MaintenanceStatus>, HttpError> {
    let wait = query.wait()?;
    let SwitchOn { reason } = optional_body(request).await?;
    let admin = permit.configstore.admin();
    let by = requested_by(&headers);
    let status = admin.switch_on(&permit.ctx, by, reason.as_deref(), wait).await;
    Ok(axum::Json(status.map_err(for_operators)?))
}

pub async fn switch_off(
    permit: Permit,
    Query(query): Query<WaitQuery>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let wait = query.wait()?;
    let admin = permit.configstore.admin();
    let switched = admin.switch_off(&permit.ctx, requested_by(&headers), wait).await;
    switched.map_err(for_operators)?;
    Ok(reply::no_content())
}

fn requested_by(headers: &HeaderMap) -> &str {
    let given = headers.get(REQUESTED_BY).and_then(|value| value.to_str().ok());
    given.unwrap_or(ADMIN)
}
