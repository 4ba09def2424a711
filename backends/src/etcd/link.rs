//! One HTTP/2 connection with one member, as the channel of an etcd client.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use drydock_core::net::{BoxStream, SharedNet};
use etcd_client::{Channel, Client, ConnectOptions};
use http::{Request, Response, Uri};
use hyper::client::conn::http2::{self, SendRequest};
use hyper::rt::Executor;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::pki_types::ServerName;
use secrecy::ExposeSecret;
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tower::BoxError;
use tower::util::BoxCloneSyncService;

use super::settings::{Endpoint, EtcdSettings, EtcdUser};
use crate::connect::refused::handshake;

/// The bytes of one answer that a member may send before they are read. A watcher that does not
/// read blocks at most this much of the connection's window.
const STREAM_WINDOW_BYTES: u32 = 2 << 20;
/// Enough for many watchers that do not read; it is credit, not memory.
const CONNECTION_WINDOW_BYTES: u32 = 512 << 20;

/// etcd's text when authentication is off.
const AUTH_NOT_ENABLED: &str = "etcdserver: authentication is not enabled";

/// A client of one member, to be shared: cloning etcd's client is not cheap.
pub struct Link {
    pub client: Client,
    sender: SendRequest<Body>,
    tasks: Tasks,
}

/// The request was not sent: the connection did not take it.
#[derive(Debug, thiserror::Error)]
#[error("not sent")]
pub struct NotSent(#[source] pub hyper::Error);

impl Link {
    /// Connects and, if there are credentials, authenticates. The caller bounds the wait.
    pub async fn open(
        endpoint: &Endpoint,
        settings: &EtcdSettings,
        net: &SharedNet,
        tls: Option<&TlsConnector>,
    ) -> Result<Link, BoxError> {
        let stream = dial(endpoint, net, tls).await?;
        let tasks = Tasks { cut: CancellationToken::new() };
        let (sender, driver) = http2::Builder::new(tasks.clone())
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .keep_alive_interval(settings.keep_alive_interval)
            .keep_alive_timeout(settings.keep_alive_timeout)
            // etcd treats probes of a connection without requests as abuse.
            .keep_alive_while_idle(false)
            .handshake::<_, Body>(TokioIo::new(stream))
            .await?;
        tasks.execute(async move {
            if let Err(error) = driver.await {
                tracing::debug!(%error, "a connection with etcd ended");
            }
        });
        let sending = Sending { sender: sender.clone(), endpoint: endpoint.clone() };
        let channel = Channel::Custom(BoxCloneSyncService::new(sending));
        let options = ConnectOptions::new().with_require_leader(true);
        let client = Client::from_channel(channel, Some(options)).await?;
        let link = Link { client, sender, tasks };
        if let Some(user) = &settings.user
            && let Err(error) = link.authenticate(user).await
        {
            link.cut();
            return Err(error.into());
        }
        Ok(link)
    }

    /// Fetches a token for the requests that follow.
    pub async fn authenticate(&self, user: &EtcdUser) -> Result<(), etcd_client::Error> {
        let password = user.password.expose_secret().to_owned();
        // Clones share their token.
        let mut client = self.client.clone();
        match client.update_user(Some((user.name.clone(), password))).await {
            Err(etcd_client::Error::GRpcStatus(status)) if status.message() == AUTH_NOT_ENABLED => {
                Ok(())
            }
            done => done,
        }
    }

    pub fn is_open(&self) -> bool {
        !self.tasks.cut.is_cancelled() && !self.sender.is_closed()
    }

    /// Ends the connection, and all requests and watches on it, now.
    pub fn cut(&self) {
        self.tasks.cut.cancel();
    }
}

/// The tasks of a connection, each of which would keep it alive.
#[derive(Clone)]
struct Tasks {
    cut: CancellationToken,
}

impl<F> Executor<F> for Tasks
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, work: F) {
        let cut = self.cut.clone();
        tokio::spawn(async move {
            // `cut` ends the task in the middle of its work, on purpose.
            let _ = cut.run_until_cancelled_owned(work).await;
        });
    }
}

async fn dial(
    endpoint: &Endpoint,
    net: &SharedNet,
    tls: Option<&TlsConnector>,
) -> io::Result<BoxStream> {
    let stream = net.dial(endpoint.authority.as_str()).await?;
    let Some(tls) = tls.filter(|_| endpoint.is_secure()) else {
        return Ok(stream);
    };
    let name = ServerName::try_from(endpoint.host.clone()).map_err(io::Error::other)?;
    Ok(Box::new(handshake(tls, name, stream).await?))
}

/// Sends requests; an error tells whether the request was sent.
#[derive(Clone)]
struct Sending {
    sender: SendRequest<Body>,
    endpoint: Endpoint,
}

impl tower_service::Service<Request<Body>> for Sending {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let mut parts = std::mem::take(request.uri_mut()).into_parts();
        parts.scheme = Some(self.endpoint.scheme.clone());
        parts.authority = Some(self.endpoint.authority.clone());
        let uri = Uri::from_parts(parts);
        let mut sender = self.sender.clone();
        Box::pin(async move {
            *request.uri_mut() = uri?;
            match sender.try_send_request(request).await {
                Ok(response) => Ok(response.map(Body::new)),
                Err(mut failed) => Err(match failed.take_message() {
                    Some(_) => NotSent(failed.into_error()).into(),
                    None => failed.into_error().into(),
                }),
            }
        })
    }
}
