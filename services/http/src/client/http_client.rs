//! The client: its servers, token and settings, and the answers of its calls.

use std::time::Duration;

use bytes::Bytes;
use drydock_core::net::SharedNet;
use futures_util::stream::BoxStream;
use http::{HeaderMap, HeaderName, Method, StatusCode, header};
use secrecy::SecretString;

use super::call::Call;
use super::error::ClientError;
use super::servers::Servers;
use crate::api::headers::Trace;

/// The limits and timeouts of one client.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    pub connect_timeout: Duration,
    /// From the call to the whole answer, or to the head of a streamed one.
    pub request_timeout: Duration,
    /// How long a streamed answer may bring nothing.
    pub idle_timeout: Duration,
    /// The greatest size of an answer that is not streamed, in bytes.
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

/// Calls one server. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct Client {
    pub(super) net: SharedNet,
    pub(super) servers: Servers,
    /// What every path begins with: empty, or as `/drydock`.
    pub(super) prefix: String,
    pub(super) token: Option<SecretString>,
    pub(super) trace: Option<Trace>,
    pub(super) settings: ClientSettings,
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

    pub(super) fn map<U>(self, body: U) -> Answer<U> {
        Answer { status: self.status, headers: self.headers, body }
    }
}

impl Client {
    /// `authority` is `host:port`.
    pub fn new(net: SharedNet, authority: impl Into<String>) -> Client {
        Client::of_any(net, vec![authority.into()])
    }

    /// Calls any of several servers that share one store.
    ///
    /// # Panics
    /// If `authorities` is empty.
    pub fn of_any(net: SharedNet, authorities: Vec<String>) -> Client {
        Client {
            net,
            servers: Servers::new(authorities),
            prefix: String::new(),
            token: None,
            trace: None,
            settings: ClientSettings::default(),
        }
    }

    /// Puts this before every path, for a server behind a proxy that takes it off: `/drydock`.
    pub fn below(mut self, prefix: &str) -> Client {
        self.prefix = prefix.trim_end_matches('/').to_owned();
        self
    }

    pub fn with_token(mut self, token: SecretString) -> Client {
        self.token = Some(token);
        self
    }

    /// Passes on the id and the trace of this request, for which the calls are made.
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

    /// Begins a request, to be filled in and sent. `path` includes the query.
    pub fn request(&self, method: Method, path: impl Into<String>) -> Call<'_> {
        Call::new(self, method, self.prefix.clone() + &path.into())
    }
}
