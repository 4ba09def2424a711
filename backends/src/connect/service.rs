//! object_store's client over hyper.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use drydock_core::net::SharedNet;
use hyper::body::{Body, Frame, Incoming};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpRequestBody, HttpResponse,
    HttpResponseBody, HttpService,
};

use super::error::{classify, kind, timed_out};
use super::stream::Dialler;
use super::tls::TlsSettings;

/// The TLS settings and bounds of a client.
#[derive(Debug, Clone)]
pub struct ConnectSettings {
    /// For hosts behind `https`.
    pub tls: TlsSettings,
    /// The limit from dialling to a connection, TLS included.
    pub connect_timeout: Duration,
    /// The limit from the call to the head of the answer, uploading included.
    pub answer_timeout: Duration,
    /// The limit on a pause within the body of an answer.
    pub idle_timeout: Duration,
    /// How long an unused connection is kept.
    pub pool_idle_timeout: Duration,
    /// The most unused connections that are kept for each host.
    pub pool_idle_per_host: usize,
}

impl Default for ConnectSettings {
    fn default() -> ConnectSettings {
        ConnectSettings {
            tls: TlsSettings::default(),
            connect_timeout: Duration::from_secs(5),
            answer_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(10),
            pool_idle_timeout: Duration::from_secs(20),
            pool_idle_per_host: 32,
        }
    }
}

/// Makes object_store's clients. It ignores object_store's options, which are for its own client.
#[derive(Clone)]
pub struct NetConnector {
    net: SharedNet,
    settings: ConnectSettings,
}

impl NetConnector {
    pub fn new(net: SharedNet, settings: ConnectSettings) -> NetConnector {
        NetConnector { net, settings }
    }
}

impl fmt::Debug for NetConnector {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("NetConnector").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl HttpConnector for NetConnector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let dialler = Dialler {
            net: self.net.clone(),
            timeout: self.settings.connect_timeout,
            tls_settings: self.settings.tls.clone(),
            tls: Arc::default(),
        };
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(self.settings.pool_idle_timeout)
            .pool_max_idle_per_host(self.settings.pool_idle_per_host)
            .build(dialler);
        Ok(HttpClient::new(Service { client, settings: self.settings.clone() }))
    }
}

#[derive(Debug)]
struct Service {
    client: Client<Dialler, HttpRequestBody>,
    settings: ConnectSettings,
}

#[async_trait]
impl HttpService for Service {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let answered = self.client.request(request);
        let answered = tokio::time::timeout(self.settings.answer_timeout, answered).await;
        let response = answered.map_err(|_| timed_out("answer"))?.map_err(classify)?;
        let (parts, body) = response.into_parts();
        let body = AnswerBody::new(body, self.settings.idle_timeout);
        Ok(HttpResponse::from_parts(parts, HttpResponseBody::new(body)))
    }
}

/// The body of an answer; a pause that is too long is an error.
struct AnswerBody {
    inner: Incoming,
    idle_timeout: Duration,
    deadline: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl AnswerBody {
    fn new(inner: Incoming, idle_timeout: Duration) -> AnswerBody {
        AnswerBody { inner, idle_timeout, deadline: None }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(context) {
            this.deadline = None;
            let classified = |error: hyper::Error| HttpError::new(kind(&error), error);
            return Poll::Ready(frame.map(|frame| frame.map_err(classified)));
        }
        let idle_timeout = this.idle_timeout;
        let sleep = || Box::pin(tokio::time::sleep(idle_timeout));
        let deadline = this.deadline.get_or_insert_with(sleep);
        deadline.as_mut().poll(context).map(|()| Some(Err(timed_out("part of the answer"))))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.inner.size_hint()
    }
}
