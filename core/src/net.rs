//! The seam for byte streams: production passes TCP, the simulator passes its network.
//!
//! Absent on purpose: TLS, HTTP and name resolution, which sit above or below.

use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::FutureExt;
use tokio::io::{AsyncRead, AsyncWrite};

/// A connected byte stream.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

pub type BoxStream = Box<dyn Stream>;

/// Opens and accepts byte streams. An authority is `host:port`.
#[async_trait]
pub trait Net: Send + Sync + 'static {
    /// Connects. The caller bounds the wait: a dial to an address that never answers takes for
    /// ever.
    async fn dial(&self, authority: &str) -> io::Result<BoxStream>;

    /// Listens; with port 0, on a free port.
    async fn listen(&self, address: &str) -> io::Result<Box<dyn Listener>>;
}

/// Accepts byte streams on one address.
#[async_trait]
pub trait Listener: Send {
    /// The next connection with its peer's address. An error concerns that connection only.
    async fn accept(&mut self) -> io::Result<(BoxStream, String)>;

    /// Stops listening, and hands out those who have connected and were not accepted yet: they may
    /// have sent something already.
    async fn close(mut self: Box<Self>) -> Vec<(BoxStream, String)> {
        let mut connected = Vec::new();
        while let Some(Ok(accepted)) = self.accept().now_or_never() {
            connected.push(accepted);
        }
        connected
    }

    /// The address bound, with the real port.
    fn local_addr(&self) -> String;
}

pub type SharedNet = Arc<dyn Net>;
