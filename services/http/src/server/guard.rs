//! The checks between the router and a handler: token, limit on concurrency, gate, deadline and
//! body, each as the route's [`Spec`] says.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use drydock_core::context::{Context, Interrupted};
use drydock_core::error::{ApiError, Code, Kind};
use futures_util::{StreamExt, stream};
use http::{HeaderMap, header};
use http_body_util::Limited;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::audit::AuditLine;
use super::context::AppContext;
use super::error::HttpError;
use super::extract::body_too_large;
use super::forward::{self, Source};
use super::gate::Pass;
use super::known::Known;
use super::permits::{ConcurrencyPermit, NoPermit};
use crate::api::endpoint::{Access, Availability, BodyRule, Deadline, Spec};
use crate::api::headers::TIMEOUT_HEADER;

pub(crate) async fn guard(
    State((spec, app)): State<(Arc<Spec>, Arc<AppContext>)>,
    mut request: Request,
    next: Next,
) -> Response {
    let audit = AuditLine::begin(&spec, app.service, &mut request);
    let response = match guarded(&spec, &app, request, next).await {
        Ok(response) => response,
        Err(error) => HttpError::from(error).into_response(),
    };
    if let Some(audit) = audit {
        audit.end(&response);
    }
    response
}

async fn guarded(
    spec: &Spec,
    app: &AppContext,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let known = Known::of(&request);
    let source = Source::of(&request);
    let admitted = match admit(spec, app, &source, request) {
        Ok(admitted) => admitted,
        Err(refused) => return source.refuse(refused),
    };
    let Admitted { request, context, pass, permit, abandoned } = admitted;
    // Whoever handles the request, this instance's gate waits for the answer.
    let handled = forward::handle(spec, app, &context, (request, source), next);
    let response = tokio::select! {
        response = context.run(handled) => response??,
        () = cut_off(pass.as_ref()) => return Err(Interrupted::Cancelled.into()),
    };
    // The body of an answer may outlive the handler and still needs the context.
    abandoned.disarm();
    drop((permit, pass));
    Ok(known.answer(response))
}

/// A request that passed the checks.
struct Admitted {
    request: Request,
    context: Context,
    pass: Option<Pass>,
    permit: Option<ConcurrencyPermit>,
    /// If the client goes away, the request's future is dropped and this with it: then the work
    /// stops.
    abandoned: DropGuard,
}

fn admit(
    spec: &Spec,
    app: &AppContext,
    source: &Source,
    mut request: Request,
) -> Result<Admitted, ApiError> {
    let mut permit = None;
    if spec.access == Access::Internal {
        authorize(app, request.headers())?;
    }
    source.check(app)?;
    if spec.access != Access::Open {
        // Health routes have no limit: an overloaded instance must still answer its probes.
        permit = Some(app.concurrency.acquire().map_err(too_many)?);
    }
    let pass = match spec.availability {
        Availability::Always => None,
        Availability::Serving => Some(app.gate.enter()?),
    };
    let cancelled = CancellationToken::new();
    let context = Context::with_token(cancelled.clone());
    let context = match timeout(spec, app, request.headers())? {
        Some(timeout) => context.timeout(timeout),
        None => context,
    };
    let abandoned = cancelled.drop_guard();
    request.extensions_mut().insert(context.clone());
    request.extensions_mut().insert(permit.clone());
    let request = limit_body(spec.body, app, permit.as_ref(), request)?;
    Ok(Admitted { request, context, pass, permit, abandoned })
}

async fn cut_off(pass: Option<&Pass>) {
    match pass {
        Some(pass) => pass.cut_off().await,
        None => std::future::pending().await,
    }
}

fn authorize(app: &AppContext, headers: &HeaderMap) -> Result<(), ApiError> {
    match bearer(headers) {
        Some(token) if app.is_internal_token(token) => Ok(()),
        _ => Err(ApiError::new(Kind::Unauthorized).with_code(Code::Unauthorized)),
    }
}

/// The bearer token that a request presents.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let given = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = given.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// Compares tokens in constant time, whatever their lengths.
pub fn is_token(expected: &SecretString, given: &str) -> bool {
    let digest = |token: &str| Sha256::digest(token.as_bytes());
    let expected = digest(expected.expose_secret());
    expected.as_slice().ct_eq(digest(given).as_slice()).into()
}

/// The error of a request that got no permit.
pub(crate) fn too_many(source: NoPermit) -> ApiError {
    let error = ApiError::new(Kind::TooManyRequests).with_code(Code::TooManyRequests);
    error.with_source(source)
}

fn timeout(
    spec: &Spec,
    app: &AppContext,
    headers: &HeaderMap,
) -> Result<Option<Duration>, ApiError> {
    let bound = match spec.deadline {
        Deadline::Bounded => Some(app.settings.request_timeout),
        Deadline::Unbounded => None,
    };
    let Some(value) = headers.get(TIMEOUT_HEADER) else {
        return Ok(bound);
    };
    let millis = value.to_str().ok().and_then(|text| text.parse::<u32>().ok());
    let Some(millis @ 1..) = millis else {
        let message = "`Drydock-Timeout-Ms` must be a whole number of milliseconds above 0";
        return Err(ApiError::new(Kind::BadRequest)
            .with_code(Code::InvalidHeader)
            .with_message(message));
    };
    let asked = Duration::from_millis(millis.into());
    Ok(Some(bound.map_or(asked, |bound| bound.min(asked))))
}

fn limit_body(
    rule: BodyRule,
    app: &AppContext,
    permit: Option<&ConcurrencyPermit>,
    request: Request,
) -> Result<Request, ApiError> {
    let limit = app.settings.max_body_bytes;
    let idle = app.settings.idle_timeout;
    match rule {
        BodyRule::None => Ok(request),
        BodyRule::Small | BodyRule::Octets => {
            let length = request.headers().get(header::CONTENT_LENGTH);
            let length = length.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
            if length.is_some_and(|length| length > limit as u64) {
                return Err(body_too_large());
            }
            Ok(request.map(|body| {
                let body = match permit {
                    Some(permit) => permit.release_while_receiving(body),
                    None => body,
                };
                Body::new(Limited::new(body, limit))
            }))
        }
        BodyRule::Stream => Ok(request.map(|body| never_idle(body, idle))),
    }
}

/// Ends the body with an error when it brings nothing for `idle`.
fn never_idle(body: Body, idle: Duration) -> Body {
    let chunks = body.into_data_stream();
    let bounded = stream::unfold(Some(chunks), move |chunks| async move {
        let mut chunks = chunks?;
        match tokio::time::timeout(idle, chunks.next()).await {
            Ok(Some(Ok(chunk))) => Some((Ok(chunk), Some(chunks))),
            Ok(Some(Err(error))) => Some((Err(error), None)),
            Ok(None) => None,
            Err(elapsed) => Some((Err(axum::Error::new(elapsed)), None)),
        }
    });
    Body::from_stream(bounded.fuse())
}
