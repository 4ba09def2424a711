//! Where connections come from: real TCP, a simulated network, or pipes of a test.

use std::io;

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;

/// A connected byte stream.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

pub type BoxStream = Box<dyn Stream>;

/// Hands out the connections of one member.
#[async_trait]
pub trait Accept: Send {
    /// The next connection with its peer's address. An error concerns that connection only.
    async fn accept(&mut self) -> io::Result<(BoxStream, String)>;
}

#[async_trait]
impl Accept for TcpListener {
    async fn accept(&mut self) -> io::Result<(BoxStream, String)> {
        let (stream, peer) = TcpListener::accept(self).await?;
        stream.set_nodelay(true)?;
        Ok((Box::new(stream), peer.to_string()))
    }
}
