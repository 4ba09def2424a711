//! A connection that counts the requests written to it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use drydock_core::net::BoxStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

pub struct Counted {
    stream: BoxStream,
    requests: Arc<AtomicUsize>,
}

impl Counted {
    pub fn new(stream: BoxStream, requests: Arc<AtomicUsize>) -> Counted {
        Counted { stream, requests }
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        let methods = ["GET /", "POST /", "PUT /", "DELETE /"];
        let begins = methods.iter().any(|method| bytes.starts_with(method.as_bytes()));
        // A client writes the beginning of a request at once.
        if begins && matches!(written, Poll::Ready(Ok(_))) {
            self.requests.fetch_add(1, Ordering::Relaxed);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}
