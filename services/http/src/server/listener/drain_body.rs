//! Draining the request's body after an error answer.
//!
//! A client that is still sending when its connection closes gets a reset, and may never see the
//! answer that says why. So the rest of the body is read and thrown away, within bounds, before an
//! error answer. If the client waits for `100 Continue`, it has sent no body, and nothing is read.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http::{HeaderMap, header};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::time::timeout;

const MAX_TIME: Duration = Duration::from_secs(10);
/// A client that sends nothing for this long waits for the answer, or is gone.
const MAX_PAUSE: Duration = Duration::from_secs(2);

/// A request's body, shared by its handler and by the layer that drains the rest.
#[derive(Clone)]
pub(crate) struct SharedBody {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    body: Body,
    /// Whether the client sends the body: it needs no `100 Continue`, or has been sent one because
    /// the handler began to read.
    sending: bool,
}

impl SharedBody {
    pub(crate) fn new(headers: &HeaderMap, body: Body) -> SharedBody {
        let sending = !headers.contains_key(header::EXPECT);
        SharedBody { inner: Arc::new(Mutex::new(Inner { body, sending })) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("reading a body does not panic")
    }

    /// Reads the rest of the body and throws it away.
    pub(crate) async fn drain(mut self) {
        if !self.lock().sending {
            return;
        }
        let reading =
            async { while let Ok(Some(Ok(_))) = timeout(MAX_PAUSE, self.frame()).await {} };
        // After this time the answer is sent all the same: the client has had its chance.
        let _ = timeout(MAX_TIME, reading).await;
    }
}

impl HttpBody for SharedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut inner = self.lock();
        inner.sending = true;
        Pin::new(&mut inner.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.lock().body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.lock().body.size_hint()
    }
}
