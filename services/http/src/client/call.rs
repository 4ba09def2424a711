//! One call: the request, the servers that are tried in order, and the answer.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use drydock_core::context::Context;
use drydock_core::error::{BoxError, Code, Kind};
use futures_util::StreamExt;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use secrecy::ExposeSecret;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::connections::{Connection, Sent};
use super::servers::Server;
use super::{Answer, AnswerStream, Client, ClientError, remote_error};
use crate::api::headers::TIMEOUT_HEADER;

/// A request to be filled in and sent.
pub struct Call<'a> {
    client: &'a Client,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Payload,
    repeatable: bool,
    timeout: Duration,
    /// The part of it for which a server is asked to wait.
    wait: Duration,
    /// How long a streamed answer may bring nothing.
    idle: Duration,
}

/// The request's body.
enum Payload {
    /// Can be sent as often as necessary.
    Whole(Bytes),
    /// Can be sent once; `None` afterwards.
    Streamed(Option<Body>),
}

impl Payload {
    fn take(&mut self) -> Option<Body> {
        match self {
            Payload::Whole(bytes) => Some(Body::from(bytes.clone())),
            Payload::Streamed(body) => body.take(),
        }
    }

    fn is_spent(&self) -> bool {
        matches!(self, Payload::Streamed(None))
    }
}

impl<'a> Call<'a> {
    pub(crate) fn new(client: &'a Client, method: Method, path: String) -> Call<'a> {
        let repeatable = method.is_safe();
        Call {
            client,
            method,
            path,
            headers: HeaderMap::new(),
            body: Payload::Whole(Bytes::new()),
            repeatable,
            timeout: client.settings.request_timeout,
            wait: Duration::ZERO,
            idle: client.settings.idle_timeout,
        }
    }

    /// # Panics
    /// If `value` holds characters that no header may.
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        let value = HeaderValue::from_str(value).expect("callers pass visible ASCII");
        self.headers.insert(name, value);
        self
    }

    pub fn json<T: Serialize>(mut self, body: &T) -> Self {
        let json = serde_json::to_vec(body).expect("requests are JSON");
        self.body = Payload::Whole(json.into());
        self.header(header::CONTENT_TYPE, "application/json")
    }

    /// A body that is sent as often as necessary.
    pub fn bytes(mut self, body: Bytes) -> Self {
        self.body = Payload::Whole(body);
        self
    }

    pub fn body(mut self, body: Body) -> Self {
        self.body = Payload::Streamed(Some(body));
        self
    }

    /// Allows this call to be sent twice: it has the same effect as once, although its method does
    /// not say so.
    pub fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// Replaces the client's request timeout.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Lengthens the timeout, by the time that the server is asked to wait.
    pub fn longer_by(mut self, more: Duration) -> Self {
        self.timeout += more;
        self.wait += more;
        self
    }

    /// Replaces the time for which a streamed answer may bring nothing.
    pub fn silent_for(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    /// Sends, and reads the answer as JSON.
    pub async fn send<T: DeserializeOwned>(self, ctx: &Context) -> Result<Answer<T>, ClientError> {
        let authority = self.client.authority().to_owned();
        let answer = self.send_bytes(ctx).await?;
        let parsed = serde_json::from_slice(&answer.body);
        let body = parsed.map_err(|error| unknown(&authority, error))?;
        Ok(answer.map(body))
    }

    /// Sends, and reads the answer as bytes.
    pub async fn send_bytes(self, ctx: &Context) -> Result<Answer<Bytes>, ClientError> {
        let ctx = ctx.timeout(self.timeout);
        let client = self.client;
        let limit = client.settings.max_answer_bytes;
        let sent = self.exchange(&ctx, ctx.remaining()).await?;
        let (parts, body) = sent.response.into_parts();
        let server = client.servers.get(sent.at);
        let body = read_all(&ctx, &server.authority, limit, body).await?;
        server.idle.keep(sent.connection);
        Ok(Answer { status: parts.status, headers: parts.headers, body })
    }

    /// Sends, and hands the body on as it arrives. The body has no timeout of its own but the idle
    /// timeout; the caller's deadline ends it, too.
    pub async fn send_streamed(self, ctx: &Context) -> Result<Answer<AnswerStream>, ClientError> {
        let idle = self.idle;
        let servers = self.client.servers.clone();
        let head = ctx.timeout(self.timeout);
        let AnswerHead { response, connection, at } = self.exchange(&head, ctx.remaining()).await?;
        let authority = servers.get(at).authority.clone();
        let (parts, body) = response.into_parts();
        let (chunks, ctx) = (body.into_data_stream(), ctx.clone());
        let state = Some((chunks, connection));
        let stream = futures_util::stream::unfold(state, move |state| {
            let (authority, ctx) = (authority.clone(), ctx.clone());
            async move {
                let (mut chunks, connection) = state?;
                let chunk = ctx.timeout(idle).run(chunks.next()).await;
                match chunk.map_err(BoxError::from) {
                    Ok(None) => None,
                    Ok(Some(Ok(chunk))) => Some((Ok(chunk), Some((chunks, connection)))),
                    Ok(Some(Err(error))) => Some((Err(unknown(&authority, error)), None)),
                    Err(error) => Some((Err(unknown(&authority, error)), None)),
                }
            }
        });
        let body = stream.fuse().boxed();
        Ok(Answer { status: parts.status, headers: parts.headers, body })
    }

    /// Sends to one server after the other, as long as that cannot do harm, until one answers with
    /// success. The servers are told of the time that is `left` for the whole answer.
    async fn exchange(
        mut self,
        ctx: &Context,
        left: Option<Duration>,
    ) -> Result<AnswerHead, ClientError> {
        let servers = self.client.servers.clone();
        let mut order = servers.in_order();
        // The first error after which the request may have been applied.
        let mut uncertain = None;
        loop {
            let (at, server) = order.next().expect("the last server's error is returned");
            let others = order.len() > 0;
            // A server that hangs leaves half of the time for the next, if that may be tried. One
            // that waits as it was asked to does not hang.
            let patience = ctx.remaining().filter(|_| others && self.repeatable);
            let patience = patience.map(|left| self.wait + left.saturating_sub(self.wait) / 2);
            let ctx = patience.map_or_else(|| ctx.clone(), |patience| ctx.timeout(patience));
            match self.attempt(&ctx, (at, server), left).await {
                Ok(sent) => {
                    servers.prefer(at);
                    return Ok(sent);
                }
                Err(error) if others && self.may_try_next(&error) => {
                    tracing::debug!(authority = server.authority, %error, "asking the next");
                    uncertain = uncertain.or(Some(error).filter(ClientError::may_have_applied));
                }
                Err(error) => {
                    if error.remote().is_some() {
                        servers.prefer(at);
                    }
                    // This server has not applied the request, but an earlier one may have.
                    let not_here = was_not_applied(&error) && !self.method.is_safe();
                    return Err(uncertain.filter(|_| not_here).unwrap_or(error));
                }
            }
        }
    }

    /// Whether the next server may be tried after this error.
    fn may_try_next(&self, error: &ClientError) -> bool {
        let never_begun = match error {
            ClientError::NotSent { .. } => true,
            ClientError::Unknown { .. } => false,
            ClientError::Remote(remote) => remote.code == Code::NotReady.as_str(),
        };
        let elsewhere = match error {
            // All servers are in the same mode.
            ClientError::Remote(remote) => {
                remote.kind == Kind::Unavailable && remote.code != Code::Maintenance.as_str()
            }
            ClientError::NotSent { .. } | ClientError::Unknown { .. } => true,
        };
        !self.body.is_spent() && (never_begun || self.repeatable && elsewhere)
    }

    /// Sends to one server, and waits for the head of an answer that says success.
    async fn attempt(
        &mut self,
        ctx: &Context,
        (at, server): (usize, &Server),
        left: Option<Duration>,
    ) -> Result<AnswerHead, ClientError> {
        let (response, connection) = self.send_to(ctx, server, left).await?;
        if response.status().is_success() {
            return Ok(AnswerHead { response, connection, at });
        }
        let limit = self.client.settings.max_answer_bytes;
        let (parts, body) = response.into_parts();
        let body = read_all(ctx, &server.authority, limit, body).await;
        if body.is_ok() {
            server.idle.keep(connection);
        }
        // If the body ends in the middle, the status says enough.
        Err(remote_error(parts.status, &parts.headers, &body.unwrap_or_default()).into())
    }

    /// Sends on an idle connection if one takes the request, else on a new one.
    async fn send_to(
        &mut self,
        ctx: &Context,
        server: &Server,
        left: Option<Duration>,
    ) -> Result<(Response<Incoming>, Connection), ClientError> {
        let (client, authority) = (self.client, &*server.authority);
        let connect_ctx = ctx.timeout(client.settings.connect_timeout);
        let unknown = |error| unknown(authority, error);
        let mut unsent = None;
        while let Some(kept) = server.idle.take(&connect_ctx).await {
            let request = match unsent.take() {
                Some(request) => request,
                None => self.request(authority, left)?,
            };
            match kept.send(ctx, request).await.map_err(unknown)? {
                Sent::Answered(response, connection) => return Ok((response, connection)),
                Sent::Unsent(request, _) => unsent = Some(*request),
            }
        }
        let opened = connect_ctx.run(Connection::open(&*client.net, authority)).await;
        let opened = opened.map_err(BoxError::from).flatten();
        let opened = opened.map_err(|error| not_sent(authority, error))?;
        let request = match unsent {
            Some(request) => request,
            None => self.request(authority, left)?,
        };
        match opened.send(ctx, request).await.map_err(unknown)? {
            Sent::Answered(response, connection) => Ok((response, connection)),
            Sent::Unsent(_, error) => Err(not_sent(authority, error)),
        }
    }

    fn request(
        &mut self,
        authority: &str,
        left: Option<Duration>,
    ) -> Result<Request<Body>, ClientError> {
        self.build(authority, left).map_err(|error| not_sent(authority, error))
    }

    fn build(
        &mut self,
        authority: &str,
        left: Option<Duration>,
    ) -> Result<Request<Body>, BoxError> {
        let body = self.body.take().ok_or("the body was sent already")?;
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(&self.path)
            .header(header::HOST, authority)
            .body(body)?;
        let headers = request.headers_mut();
        headers.extend(self.headers.clone());
        if let Some(token) = &self.client.token {
            let value = format!("Bearer {}", token.expose_secret());
            let mut value = HeaderValue::from_str(&value)?;
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        if let Some(trace) = &self.client.trace {
            trace.add_to(headers);
        }
        if let Some(left) = left {
            let millis = left.as_millis().clamp(1, u32::MAX.into());
            let value = HeaderValue::from_str(&millis.to_string())?;
            headers.entry(TIMEOUT_HEADER).or_insert(value);
        }
        Ok(request)
    }
}

/// Whether the server was not reached, or refused because it is unavailable.
fn was_not_applied(error: &ClientError) -> bool {
    error.remote().is_none_or(|remote| remote.kind == Kind::Unavailable)
}

/// The head of a successful answer, its connection, and the index of the server.
struct AnswerHead {
    response: Response<Incoming>,
    connection: Connection,
    at: usize,
}

pub(super) async fn read_all(
    ctx: &Context,
    authority: &str,
    limit: usize,
    body: Incoming,
) -> Result<Bytes, ClientError> {
    let read = ctx.run(Limited::new(body, limit).collect()).await;
    let read = read.map_err(BoxError::from).flatten();
    Ok(read.map_err(|error| unknown(authority, error))?.to_bytes())
}

pub(super) fn not_sent(authority: &str, source: BoxError) -> ClientError {
    ClientError::NotSent { authority: authority.to_owned(), source }
}

pub(super) fn unknown(authority: &str, source: impl Into<BoxError>) -> ClientError {
    ClientError::Unknown { authority: authority.to_owned(), source: source.into() }
}
