//! A network that counts the requests of a client, and holds one back.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use drydock_core::net::{BoxStream, Listener, Net};
use drydock_http::testing::duplex::DuplexNet;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

pub(crate) struct WatchedNet {
    pub(crate) net: DuplexNet,
    pub(crate) calls: Arc<Calls>,
}

/// The requests that were sent, on whatever connection.
#[derive(Default)]
pub(crate) struct Calls {
    made: AtomicUsize,
    /// The number of the request that waits, from 1; 0 for none.
    held: AtomicUsize,
    waiting: Mutex<Option<Waker>>,
}

impl Calls {
    /// How many there were; one that is held back is among them.
    pub(crate) fn made(&self) -> usize {
        self.made.load(Ordering::Relaxed)
    }

    /// Holds back the request with this number.
    pub(crate) fn hold(&self, number: usize) {
        self.held.store(number, Ordering::Relaxed);
    }

    pub(crate) fn release(&self) {
        self.hold(0);
        let waiting = self.waiting.lock().expect("no holder of this lock panics").take();
        waiting.into_iter().for_each(Waker::wake);
    }
}

#[async_trait]
impl Net for WatchedNet {
    async fn dial(&self, authority: &str) -> io::Result<BoxStream> {
        let stream = self.net.dial(authority).await?;
        let calls = Arc::clone(&self.calls);
        Ok(Box::new(Watched { stream, calls, counted: false }))
    }

    async fn listen(&self, address: &str) -> io::Result<Box<dyn Listener>> {
        self.net.listen(address).await
    }
}

struct Watched {
    stream: BoxStream,
    calls: Arc<Calls>,
    /// Whether what is to be written now was counted, and held back, before.
    counted: bool,
}

/// Whether a client writes the beginning of a request: it does so at once.
fn begins(bytes: &[u8]) -> bool {
    ["GET /", "POST /", "PUT /", "DELETE /"].iter().any(|it| bytes.starts_with(it.as_bytes()))
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if begins(bytes) && !self.counted {
            self.calls.made.fetch_add(1, Ordering::Relaxed);
            self.counted = true;
        }
        if self.counted && self.calls.held.load(Ordering::Relaxed) == self.calls.made() {
            let waker = cx.waker().clone();
            *self.calls.waiting.lock().expect("no holder of this lock panics") = Some(waker);
            return Poll::Pending;
        }
        self.counted = false;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}
