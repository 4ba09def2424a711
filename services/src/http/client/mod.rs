//! The other side: a small HTTP/1 client over the network seam.
//!
//! Connections are kept for the next request and never shared by two. Every request has a connect
//! timeout and a deadline; a streamed one may not stand still instead.
//!
//! A client of several servers goes on to the next one where that cannot do harm: the request never
//! left, or was refused before anything was done with it, or may be made twice.
//!
//! Invariant: an error says whether the request may have been applied. Absent on purpose: redirects
//! and retries at the same server, but for a request of which not a byte has left on a kept
//! connection; only the caller knows what may be repeated.

mod call;
mod connections;
mod servers;

use std::time::Duration;

use bytes::Bytes;
use drydock_core::error::{BoxError, Kind, RemoteError};
use drydock_core::net::SharedNet;
use futures_util::stream::BoxStream;
use http::{HeaderMap, HeaderName, Method, StatusCode, header};
use secrecy::SecretString;

pub use call::Call;

use super::api::error_body::{ErrorBody, kind_of};
use super::api::headers::Trace;
use servers::Servers;

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
    servers: Servers,
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
        Client::of_any(net, vec![authority.into()])
    }

    /// Calls any of several servers, of which each knows what was done at the others.
    ///
    /// # Panics
    /// If there is none.
    pub fn of_any(net: SharedNet, authorities: Vec<String>) -> Client {
        Client {
            net,
            servers: Servers::new(authorities),
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

    /// The first of its servers.
    pub fn authority(&self) -> &str {
        self.servers.first()
    }

    /// A request to be filled in and sent. `path` includes the query.
    pub fn request(&self, method: Method, path: impl Into<String>) -> Call<'_> {
        Call::new(self, method, path.into())
    }
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
