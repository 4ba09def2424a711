//! Changes that are forwarded to the instance that commits, so that the changes of all instances
//! are in its batches and no proposal is in another's way.
//!
//! Which instance that is, is a hint: a commit is safe whoever makes it. A request is forwarded
//! once, as it is, and answered with that instance's answer as soon as the read model here holds
//! what that answer was made from. If it was surely not begun there, it is handled here; if its
//! answer is lost, its outcome is unknown and is answered so.
//!
//! Invariants: a request is handled at one instance at most. The gate of the instance that was
//! asked counts a forwarded request until it is answered.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use drydock_core::context::Context;
use drydock_core::error::{ApiError, BoxError, Code, Kind};
use drydock_core::net::SharedNet;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use http_body_util::BodyExt;
use tokio::time::Instant;

use super::audit::Peer as ClientAddress;
use super::context::AppContext;
use super::error::{HttpError, LoggedError};
use super::extract::unreadable;
use crate::api::endpoint::Spec;
use crate::api::error_body::kind_of;
use crate::api::headers::{
    APPLIED, FORWARDED_FOR, FORWARDED_TO, NOT_BEGUN, REQUEST_ID, TIMEOUT_HEADER, Trace,
};
use crate::client::{ClientError, Peer, remote_error};

/// What an instance knows of the one that commits, and of its own state.
#[async_trait]
pub trait Leadership: Send + Sync + 'static {
    /// The instance to which changes are forwarded; `None`: they are made here.
    fn leader(&self) -> Option<Arc<Leader>>;

    /// The id under which others forward to this instance.
    fn id(&self) -> &str;

    /// Notes that a change is made here, on behalf of the instance that forwarded it, if one did.
    fn made_here(&self, forwarded_by: Option<&str>);

    /// The state that this instance's answers are made from now.
    fn applied(&self) -> String;

    /// Waits until this instance has the state that an answer of another was made from; `None`: it
    /// did not say.
    async fn catch_up(&self, ctx: &Context, applied: Option<&str>) -> Result<(), BoxError>;
}

/// How long the leader may answer none of the requests that wait for it: then changes are made here
/// until it answers again.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long changes are made here after the leader was not reached, or did not answer.
const AVOIDANCE: Duration = Duration::from_secs(2);
/// The same after it has refused a request.
const SHORT_AVOIDANCE: Duration = Duration::from_millis(250);

/// Headers that concern one connection only.
const OF_CONNECTION: [HeaderName; 5] =
    [header::CONNECTION, header::TRANSFER_ENCODING, header::TE, header::UPGRADE, header::EXPECT];

/// Another instance, which commits.
pub struct Leader {
    id: HeaderValue,
    /// The id of this instance.
    own: HeaderValue,
    peer: Peer,
    contact: Mutex<Contact>,
}

/// What was heard of the leader.
#[derive(Default)]
struct Contact {
    /// Requests that wait for its answer.
    waiting: usize,
    /// Since when one waits without any answer having come.
    silent_since: Option<Instant>,
    avoided_until: Option<Instant>,
}

impl Leader {
    /// The instance with this id at `authority`, to which `own` forwards.
    ///
    /// # Errors
    /// If an id is no text of a header.
    pub fn new(
        net: SharedNet,
        authority: String,
        id: &str,
        own: &str,
    ) -> Result<Leader, http::header::InvalidHeaderValue> {
        let (id, own) = (HeaderValue::from_str(id)?, HeaderValue::from_str(own)?);
        Ok(Leader { id, own, peer: Peer::new(net, authority), contact: Mutex::default() })
    }

    /// Whether it has answered of late, or was not asked.
    pub fn is_usable(&self) -> bool {
        let contact = self.contact();
        contact.avoided_until.is_none_or(|until| until <= Instant::now())
            && contact.silent_since.is_none_or(|since| since.elapsed() < PATIENCE)
    }

    /// Sends a request that changes nothing: whether this instance can speak to the leader at all.
    ///
    /// # Errors
    /// If there is no answer, for whatever reason: the address, the network, TLS.
    pub async fn greet(&self, ctx: &Context) -> Result<(), ClientError> {
        let mut request = http::Request::new(Bytes::new());
        *request.uri_mut() = http::Uri::from_static("/livez");
        if let Ok(host) = HeaderValue::from_str(self.peer.authority()) {
            request.headers_mut().insert(header::HOST, host);
        }
        self.peer.send(ctx, request).await.map(drop)
    }

    fn contact(&self) -> MutexGuard<'_, Contact> {
        self.contact.lock().expect("no holder of this lock panics")
    }

    fn avoid(&self, time: Duration) {
        self.contact().avoided_until = Some(Instant::now() + time);
    }
}

/// A request that waits for the leader. Dropped without an answer, it says that there was none.
struct Waiting<'a> {
    leader: &'a Leader,
    answered: bool,
}

impl<'a> Waiting<'a> {
    fn begin(leader: &'a Leader) -> Waiting<'a> {
        let mut contact = leader.contact();
        contact.waiting += 1;
        contact.silent_since.get_or_insert_with(Instant::now);
        Waiting { leader, answered: false }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut contact = self.leader.contact();
        contact.waiting -= 1;
        let silent = contact.silent_since.is_some_and(|since| since.elapsed() >= PATIENCE);
        if silent && !self.answered {
            contact.avoided_until = Some(Instant::now() + AVOIDANCE);
        }
        if contact.waiting == 0 {
            contact.silent_since = None;
        } else if self.answered {
            contact.silent_since = Some(Instant::now());
        }
    }
}

/// Where a request comes from.
#[derive(Clone)]
pub(crate) enum Source {
    Client,
    /// From another instance, to the one with the id `to`.
    Instance {
        to: HeaderValue,
        from: String,
    },
}

impl Source {
    pub(crate) fn of(request: &Request) -> Source {
        let Some(to) = request.headers().get(FORWARDED_TO) else { return Source::Client };
        let text = to.to_str().unwrap_or_default();
        let (to, from) = text.split_once(' ').unwrap_or((text, ""));
        match HeaderValue::from_str(to) {
            Ok(to) => Source::Instance { to, from: from.to_owned() },
            Err(_) => Source::Client,
        }
    }

    /// Refuses what was forwarded to another instance, which had this one's address before.
    pub(crate) fn check(&self, app: &AppContext) -> Result<(), ApiError> {
        let Source::Instance { to, .. } = self else { return Ok(()) };
        match &app.leadership {
            Some(own) if own.id().as_bytes() == to.as_bytes() => Ok(()),
            _ => {
                let message = "the request was forwarded to another instance";
                let error = ApiError::new(Kind::Unavailable).with_code(Code::NotReady);
                Err(error.with_message(message))
            }
        }
    }

    /// The answer to a request that did not pass the checks.
    pub(crate) fn refuse(&self, refused: ApiError) -> Result<Response, ApiError> {
        match self {
            Source::Client => Err(refused),
            Source::Instance { .. } => {
                let mut response = HttpError::from(refused).into_response();
                response.headers_mut().insert(NOT_BEGUN, HeaderValue::from_static("true"));
                Ok(response)
            }
        }
    }
}

/// The client of a forwarded request.
pub(crate) fn client_of(request: &Request) -> Option<ClientAddress> {
    let Source::Instance { .. } = Source::of(request) else { return None };
    let client = request.headers().get(FORWARDED_FOR)?.to_str().ok()?;
    Some(ClientAddress(client.into()))
}

/// Marks an answer that another instance has given, and noted.
#[derive(Clone)]
pub(crate) struct AnsweredElsewhere;

/// Handles a request that has passed the checks, here or at the instance that commits.
pub(crate) async fn handle(
    spec: &Spec,
    app: &AppContext,
    ctx: &Context,
    (request, source): (Request, Source),
    next: Next,
) -> Result<Response, ApiError> {
    let Some(leadership) = app.leadership.as_ref().filter(|_| spec.is_forwarded()) else {
        return Ok(next.run(request).await);
    };
    if let Source::Instance { from, .. } = source {
        leadership.made_here(Some(&from));
        let mut response = next.run(request).await;
        // A refusal has changed nothing: to lose that answer would be no test of anything.
        if response.status().is_success() {
            app.env.point("forward.handled").await.map_err(outcome_unknown)?;
        }
        let applied = HeaderValue::from_str(&leadership.applied());
        response.headers_mut().insert(APPLIED, applied.expect("a state is visible ASCII"));
        return Ok(response);
    }
    let request = match leadership.leader() {
        Some(leader) => match forward(app, (&leader, &**leadership), ctx, request).await? {
            Forwarded::Answered(response) => return Ok(response),
            Forwarded::NotBegun(request) => request,
        },
        None => request,
    };
    leadership.made_here(None);
    Ok(next.run(request).await)
}

enum Forwarded {
    Answered(Response),
    /// The request is as it was.
    NotBegun(Request),
}

async fn forward(
    app: &AppContext,
    (leader, leadership): (&Leader, &dyn Leadership),
    ctx: &Context,
    request: Request,
) -> Result<Forwarded, ApiError> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(unreadable)?.to_bytes();
    let asked = match app.env.point("forward.before_send").await {
        Ok(()) => ask(leader, ctx, &parts, body.clone()).await,
        Err(injected) => Err(leader.peer.not_sent(injected)),
    };
    let not_begun = || Forwarded::NotBegun(Request::from_parts(parts, Body::from(body)));
    let answer = match asked {
        Ok(answer) if answer.headers().contains_key(NOT_BEGUN) => {
            app.metrics.forwarded("not_begun");
            leader.avoid(SHORT_AVOIDANCE);
            return Ok(not_begun());
        }
        Ok(answer) => answer,
        Err(error @ ClientError::NotSent { .. }) => {
            tracing::debug!(%error, "the leader was not reached");
            app.metrics.forwarded("not_begun");
            leader.avoid(AVOIDANCE);
            return Ok(not_begun());
        }
        Err(error) => {
            app.metrics.forwarded("unknown");
            leader.avoid(AVOIDANCE);
            return Err(outcome_unknown(error));
        }
    };
    app.metrics.forwarded("answered");
    app.env.point("forward.answered").await.map_err(outcome_unknown)?;
    let applied = answer.headers().get(APPLIED).and_then(|value| value.to_str().ok());
    leadership.catch_up(ctx, applied).await.map_err(outcome_unknown)?;
    Ok(Forwarded::Answered(pass_back(leader, answer)))
}

/// Sends the request to the leader.
async fn ask(
    leader: &Leader,
    ctx: &Context,
    parts: &Parts,
    body: Bytes,
) -> Result<http::Response<Bytes>, ClientError> {
    let mut request = http::Request::new(body);
    *request.method_mut() = parts.method.clone();
    *request.uri_mut() = parts.uri.clone();
    let headers = request.headers_mut();
    headers.clone_from(&parts.headers);
    without_connection(headers);
    if let Ok(host) = HeaderValue::from_str(leader.peer.authority()) {
        headers.insert(header::HOST, host);
    }
    let mark = [leader.id.as_bytes(), b" ", leader.own.as_bytes()].concat();
    if let Ok(mark) = HeaderValue::from_bytes(&mark) {
        headers.insert(FORWARDED_TO, mark);
    }
    headers.remove(FORWARDED_FOR);
    let client = parts.extensions.get::<ClientAddress>();
    if let Some(client) = client.and_then(|it| HeaderValue::from_str(&it.0).ok()) {
        headers.insert(FORWARDED_FOR, client);
    }
    if let Some(trace) = parts.extensions.get::<Trace>() {
        trace.add_to(headers);
    }
    if let Some(left) = ctx.remaining() {
        let millis = left.as_millis().clamp(1, u32::MAX.into()) as u64;
        headers.insert(TIMEOUT_HEADER, HeaderValue::from(millis));
    }
    let mut waiting = Waiting::begin(leader);
    let answer = leader.peer.send(ctx, request).await;
    waiting.answered = answer.is_ok();
    answer
}

fn without_connection(headers: &mut HeaderMap) {
    for name in OF_CONNECTION {
        headers.remove(name);
    }
}

/// The leader's answer as this instance's own.
fn pass_back(leader: &Leader, answer: http::Response<Bytes>) -> Response {
    let (mut parts, body) = answer.into_parts();
    without_connection(&mut parts.headers);
    parts.headers.remove(APPLIED);
    parts.headers.remove(REQUEST_ID);
    parts.extensions.clear();
    parts.extensions.insert(AnsweredElsewhere);
    if parts.status.is_client_error() || parts.status.is_server_error() {
        let error = remote_error(parts.status, &parts.headers, &body);
        let kind = kind_of(parts.status);
        let code = error.code.parse().map_or(kind.default_code(), Code::as_str);
        let error = format!("the instance at `{}` answered: {error}", leader.peer.authority());
        let error = Arc::new(error.into());
        parts.extensions.insert(LoggedError { kind, code, error });
    }
    Response::from_parts(parts, Body::from(body))
}

fn outcome_unknown(error: impl Into<BoxError>) -> ApiError {
    ApiError::new(Kind::Timeout)
        .with_code(Code::DeadlineExceeded)
        .with_message("whether the change took place is not known")
        .with_source(error)
}
