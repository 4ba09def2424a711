//! TLS on the connections between Drydock's own programs.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use async_trait::async_trait;
use drydock_core::net::{BoxStream, Listener, Net, SharedNet};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{Accept, TlsAcceptor, TlsConnector};

use super::refused::handshake;
use super::tls::{self, TlsError, TlsSettings};

/// Dials with TLS. It does not listen: that is for [`TlsListener`].
pub struct TlsNet {
    net: SharedNet,
    connector: TlsConnector,
}

impl TlsNet {
    /// # Errors
    /// If a file of the settings cannot be used.
    pub fn new(net: SharedNet, settings: &TlsSettings) -> Result<TlsNet, TlsError> {
        Ok(TlsNet { net, connector: tls::connector(settings, &[])? })
    }
}

#[async_trait]
impl Net for TlsNet {
    async fn dial(&self, authority: &str) -> io::Result<BoxStream> {
        let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(host).map_err(io::Error::other)?;
        let stream = self.net.dial(authority).await?;
        Ok(Box::new(handshake(&self.connector, name, stream).await?))
    }

    async fn listen(&self, _: &str) -> io::Result<Box<dyn Listener>> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "this network only dials"))
    }
}

/// Speaks TLS on what another listener accepts.
pub struct TlsListener {
    listener: Box<dyn Listener>,
    acceptor: TlsAcceptor,
}

impl TlsListener {
    pub fn new(listener: Box<dyn Listener>, acceptor: TlsAcceptor) -> TlsListener {
        TlsListener { listener, acceptor }
    }
}

#[async_trait]
impl Listener for TlsListener {
    async fn accept(&mut self) -> io::Result<(BoxStream, String)> {
        let (stream, peer) = self.listener.accept().await?;
        Ok((begin(&self.acceptor, stream), peer))
    }

    async fn close(self: Box<Self>) -> Vec<(BoxStream, String)> {
        let TlsListener { listener, acceptor } = *self;
        let connected = listener.close().await.into_iter();
        connected.map(|(stream, peer)| (begin(&acceptor, stream), peer)).collect()
    }

    fn local_addr(&self) -> String {
        self.listener.local_addr()
    }
}

fn begin(acceptor: &TlsAcceptor, stream: BoxStream) -> BoxStream {
    Box::new(Accepted::Handshake(acceptor.accept(stream)))
}

/// An accepted connection. Its handshake is done by the first read or write, so that a slow client
/// holds up no other one.
enum Accepted {
    Handshake(Accept<BoxStream>),
    Open(TlsStream<BoxStream>),
}

impl Accepted {
    fn poll_open(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<Pin<&mut TlsStream<BoxStream>>>> {
        if let Accepted::Handshake(handshake) = self {
            *self = Accepted::Open(ready!(Pin::new(handshake).poll(context))?);
        }
        match self {
            Accepted::Open(stream) => Poll::Ready(Ok(Pin::new(stream))),
            Accepted::Handshake(_) => Poll::Pending,
        }
    }
}

impl AsyncRead for Accepted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_open(context))?.poll_read(context, buffer)
    }
}

impl AsyncWrite for Accepted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_open(context))?.poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_open(context))?.poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Accepted::Open(stream) => Pin::new(stream).poll_shutdown(context),
            // Nothing was said yet.
            Accepted::Handshake(_) => Poll::Ready(Ok(())),
        }
    }
}
