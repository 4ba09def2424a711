//! The other side: a small HTTP/1 client over the network seam.
//!
//! Connections are kept for the next request and never shared by two. Every request has a connect
//! timeout and a deadline; a streamed one may not stand still instead.
//!
//! Invariant: an error says whether the request may have been applied. Absent on purpose: redirects
//! and retries, but for a request of which not a byte has left on a kept connection; only the caller
//! knows what may be repeated.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use drydock_core::context::Context;
use drydock_core::error::{BoxError, Kind, RemoteError};
use drydock_core::net::SharedNet;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::connections::{Connection, Idle, Sent};
use super::error::{ErrorBody, kind_of};
use super::frame::Trace;
use super::guard::TIMEOUT_HEADER;

/// Bounds of one client.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    pub connect_timeout: Duration,
    /// From the call to the whole answer, or to the head of a streamed one.
    pub request_timeout: Duration,
    /// How long a streamed answer may stand still.
    pub idle_timeout: Duration,
    /// Bytes of an answer that is not streamed.
    pub max_answer_bytes: usize,
}

impl Default for ClientSettings {
    fn default() -> ClientSettings {
        ClientSettings {
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(35),
            idle_timeout: Duration::from_secs(60),
            max_answer_bytes: 8 * 1024 * 1024,
        }
    }
}

/// Why there is no answer that says success.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Answered, with a status that is not 2xx.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// Never reached the server: not applied.
    #[error("the request to `{authority}` was not sent")]
    NotSent {
        authority: String,
        #[source]
        source: BoxError,
    },
    /// Sent, but not fully answered: may have been applied, or still be.
    #[error("the request to `{authority}` was sent and not fully answered")]
    Unknown {
        authority: String,
        #[source]
        source: BoxError,
    },
}

impl ClientError {
    pub fn remote(&self) -> Option<&RemoteError> {
        match self {
            ClientError::Remote(remote) => Some(remote),
            ClientError::NotSent { .. } | ClientError::Unknown { .. } => None,
        }
    }

    /// Whether the request may have changed something. A server that gave up in the middle (500,
    /// 503 for what lies behind it, 504) does not know either.
    pub fn may_have_applied(&self) -> bool {
        match self {
            ClientError::NotSent { .. } => false,
            ClientError::Unknown { .. } => true,
            ClientError::Remote(remote) => match remote.kind {
                Kind::Internal | Kind::Timeout => true,
                Kind::Unavailable => !matches!(remote.code.as_str(), "maintenance" | "not_ready"),
                _ => false,
            },
        }
    }
}

/// Calls one server. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct Client {
    net: SharedNet,
    idle: Arc<Idle>,
    authority: String,
    token: Option<SecretString>,
    trace: Option<Trace>,
    settings: ClientSettings,
}

/// The body of an answer, as it arrives. An error ends it.
pub type AnswerStream = BoxStream<'static, Result<Bytes, ClientError>>;

/// A successful answer.
#[derive(Debug, Clone)]
pub struct Answer<T> {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: T,
}

impl<T> Answer<T> {
    pub fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub fn etag(&self) -> Option<&str> {
        self.header(header::ETAG)
    }

    fn map<U>(self, body: U) -> Answer<U> {
        Answer { status: self.status, headers: self.headers, body }
    }
}

impl Client {
    /// `authority` is `host:port`.
    pub fn new(net: SharedNet, authority: impl Into<String>) -> Client {
        Client {
            net,
            idle: Arc::default(),
            authority: authority.into(),
            token: None,
            trace: None,
            settings: ClientSettings::default(),
        }
    }

    pub fn with_token(mut self, token: SecretString) -> Client {
        self.token = Some(token);
        self
    }

    /// Calls on behalf of this request: passes on its id and its trace.
    pub fn on_behalf_of(mut self, trace: &Trace) -> Client {
        self.trace = Some(trace.clone());
        self
    }

    pub fn with_settings(mut self, settings: ClientSettings) -> Client {
        self.settings = settings;
        self
    }

    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// A request to be filled in and sent. `path` includes the query.
    pub fn request(&self, method: Method, path: impl Into<String>) -> Call<'_> {
        Call {
            client: self,
            method,
            path: path.into(),
            headers: HeaderMap::new(),
            body: Body::empty(),
            timeout: self.settings.request_timeout,
        }
    }
}

/// A request in the making.
pub struct Call<'a> {
    client: &'a Client,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Body,
    timeout: Duration,
}

impl Call<'_> {
    /// # Panics
    /// If `value` holds characters that no header may.
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        let value = HeaderValue::from_str(value).expect("callers pass visible ASCII");
        self.headers.insert(name, value);
        self
    }

    pub fn json<T: Serialize>(mut self, body: &T) -> Self {
        let json = serde_json::to_vec(body).expect("requests are JSON");
        self.body = Body::from(json);
        self.header(header::CONTENT_TYPE, "application/json")
    }

    pub fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    /// Replaces the client's request timeout.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Lengthens it, by what the server was asked to wait.
    pub fn longer_by(mut self, more: Duration) -> Self {
        self.timeout += more;
        self
    }

    /// Sends, and reads the answer as JSON.
    pub async fn send<T: DeserializeOwned>(self, ctx: &Context) -> Result<Answer<T>, ClientError> {
        let authority = self.client.authority.clone();
        let answer = self.send_bytes(ctx).await?;
        let parsed = serde_json::from_slice(&answer.body);
        let body = parsed.map_err(|error| unknown(&authority, error))?;
        Ok(answer.map(body))
    }

    /// Sends, and reads the answer as it is.
    pub async fn send_bytes(self, ctx: &Context) -> Result<Answer<Bytes>, ClientError> {
        let ctx = ctx.timeout(self.timeout);
        let client = self.client;
        let (response, connection) = self.exchange(&ctx, ctx.remaining()).await?;
        let (parts, body) = response.into_parts();
        let body = client.read_all(&ctx, body).await?;
        client.idle.keep(connection);
        Ok(Answer { status: parts.status, headers: parts.headers, body })
    }

    /// Sends, and hands the body on as it arrives. Only the caller's deadline ends that, or an
    /// answer that stands still.
    pub async fn send_streamed(self, ctx: &Context) -> Result<Answer<AnswerStream>, ClientError> {
        let client = self.client.clone();
        let head = ctx.timeout(self.timeout);
        let (response, connection) = self.exchange(&head, ctx.remaining()).await?;
        let (parts, body) = response.into_parts();
        let (chunks, ctx) = (body.into_data_stream(), ctx.clone());
        let state = Some((chunks, connection));
        let stream = futures_util::stream::unfold(state, move |state| {
            let (client, ctx) = (client.clone(), ctx.clone());
            async move {
                let (mut chunks, connection) = state?;
                let chunk = ctx.timeout(client.settings.idle_timeout).run(chunks.next()).await;
                match chunk.map_err(BoxError::from) {
                    Ok(None) => None,
                    Ok(Some(Ok(chunk))) => Some((Ok(chunk), Some((chunks, connection)))),
                    Ok(Some(Err(error))) => Some((Err(unknown(&client.authority, error)), None)),
                    Err(error) => Some((Err(unknown(&client.authority, error)), None)),
                }
            }
        });
        let body = stream.fuse().boxed();
        Ok(Answer { status: parts.status, headers: parts.headers, body })
    }

    /// Sends, and waits for the head of an answer that says success. The server learns of the time
    /// that is `left` for all of its answer.
    async fn exchange(
        self,
        ctx: &Context,
        left: Option<Duration>,
    ) -> Result<(Response<Incoming>, Connection), ClientError> {
        let client = self.client;
        let request = self.into_request(left).map_err(|e| client.not_sent(e))?;
        let (response, connection) = client.send(ctx, request).await?;
        if response.status().is_success() {
            return Ok((response, connection));
        }
        let status = response.status();
        let body = client.read_all(ctx, response.into_body()).await;
        if body.is_ok() {
            client.idle.keep(connection);
        }
        // An answer that ends in the middle is still an answer: the status says enough.
        Err(remote_error(status, &body.unwrap_or_default()).into())
    }

    fn into_request(self, left: Option<Duration>) -> Result<Request<Body>, BoxError> {
        let mut request = Request::builder()
            .method(self.method)
            .uri(self.path)
            .header(header::HOST, &self.client.authority)
            .body(self.body)?;
        *request.headers_mut() = {
            let mut headers = std::mem::take(request.headers_mut());
            headers.extend(self.headers);
            headers
        };
        if let Some(token) = &self.client.token {
            let value = format!("Bearer {}", token.expose_secret());
            let mut value = HeaderValue::from_str(&value)?;
            value.set_sensitive(true);
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
        if let Some(trace) = &self.client.trace {
            trace.add_to(request.headers_mut());
        }
        if let Some(left) = left {
            let millis = left.as_millis().clamp(1, u32::MAX.into());
            let value = HeaderValue::from_str(&millis.to_string())?;
            let headers = request.headers_mut();
            headers.entry(TIMEOUT_HEADER).or_insert(value);
        }
        Ok(request)
    }
}

impl Client {
    /// On a kept connection if there is one that takes the request, on a new one if not.
    async fn send(
        &self,
        ctx: &Context,
        mut request: Request<Body>,
    ) -> Result<(Response<Incoming>, Connection), ClientError> {
        let connect_ctx = ctx.timeout(self.settings.connect_timeout);
        let unknown = |error| unknown(&self.authority, error);
        while let Some(kept) = self.idle.take(&connect_ctx).await {
            match kept.send(ctx, request).await.map_err(unknown)? {
                Sent::Answered(response, connection) => return Ok((response, connection)),
                Sent::Unsent(unsent, _) => request = *unsent,
            }
        }
        let opened = connect_ctx.run(Connection::open(&*self.net, &self.authority)).await;
        let opened = opened.map_err(BoxError::from).flatten();
        let opened = opened.map_err(|error| self.not_sent(error))?;
        match opened.send(ctx, request).await.map_err(unknown)? {
            Sent::Answered(response, connection) => Ok((response, connection)),
            Sent::Unsent(_, error) => Err(self.not_sent(error)),
        }
    }

    async fn read_all(&self, ctx: &Context, body: Incoming) -> Result<Bytes, ClientError> {
        let limited = Limited::new(body, self.settings.max_answer_bytes);
        let read = ctx.run(limited.collect()).await;
        let read = read.map_err(BoxError::from).flatten();
        let read = read.map_err(|error| unknown(&self.authority, error))?;
        Ok(read.to_bytes())
    }

    fn not_sent(&self, source: BoxError) -> ClientError {
        ClientError::NotSent { authority: self.authority.clone(), source }
    }
}

fn unknown(authority: &str, source: impl Into<BoxError>) -> ClientError {
    ClientError::Unknown { authority: authority.to_owned(), source: source.into() }
}

/// What an answer that is not 2xx says; if the body is not ours, what its status says.
pub fn remote_error(status: StatusCode, body: &[u8]) -> RemoteError {
    let kind = kind_of(status);
    match serde_json::from_slice::<ErrorBody>(body) {
        Ok(body) => RemoteError { kind, code: body.code, message: body.message },
        Err(_) => RemoteError {
            kind,
            code: kind.default_code().to_owned(),
            message: format!("the server answered {status} without an explanation"),
        },
    }
}
