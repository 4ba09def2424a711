//! Opens the connections that hyper asks for.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use drydock_core::net::{BoxStream, SharedNet};
use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;

use super::refused::handshake;
use super::tls::{self, TlsSettings};

/// Dials, and speaks TLS to hosts behind `https`.
#[derive(Clone)]
pub struct Dialler {
    pub net: SharedNet,
    pub timeout: Duration,
    pub tls_settings: TlsSettings,
    /// Made when it is first needed, because that reads certificates from files.
    pub tls: Arc<tokio::sync::OnceCell<TlsConnector>>,
}

impl Dialler {
    async fn dial(self, uri: Uri) -> io::Result<NetStream> {
        let bad = || io::Error::new(io::ErrorKind::InvalidInput, format!("`{uri}` has no host"));
        let secure = uri.scheme_str() == Some("https");
        let host = uri.host().ok_or_else(bad)?;
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let opened = tokio::time::timeout(self.timeout, self.open(host, port, secure)).await;
        let late = |_| {
            let message = format!("no connection to `{host}:{port}` in {:?}", self.timeout);
            io::Error::new(io::ErrorKind::TimedOut, message)
        };
        Ok(NetStream(TokioIo::new(opened.map_err(late)??)))
    }

    async fn open(&self, host: &str, port: u16, secure: bool) -> io::Result<BoxStream> {
        let stream = self.net.dial(&format!("{host}:{port}")).await?;
        if !secure {
            return Ok(stream);
        }
        let tls =
            self.tls.get_or_try_init(async || tls::connector(&self.tls_settings, &[])).await?;
        let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(bare).map_err(io::Error::other)?;
        Ok(Box::new(handshake(tls, name, stream).await?))
    }
}

impl tower_service::Service<Uri> for Dialler {
    type Response = NetStream;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<NetStream>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().dial(uri))
    }
}

/// Adapts a stream of the network to hyper's traits.
pub struct NetStream(TokioIo<BoxStream>);

impl Connection for NetStream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for NetStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl Write for NetStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
