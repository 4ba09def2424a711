//! Reading on for a while after a refusal.
//!
//! A client that is still sending when its connection closes gets a reset, and may never see the
//! answer that says why. So after an error answer the rest of the body is read and thrown away,
//! within bounds. A client that waits for `100 Continue` has sent nothing, and is left waiting.

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
/// A client that sends nothing for this long is waiting for the answer, or gone.
const MAX_PAUSE: Duration = Duration::from_secs(2);

/// A request's body, shared by its handler and by whoever reads the rest.
#[derive(Clone)]
pub(crate) struct SharedBody {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    body: Body,
    /// Whether reading makes no client send what it would have kept.
    begun: bool,
}

impl SharedBody {
    pub(crate) fn new(headers: &HeaderMap, body: Body) -> SharedBody {
        let begun = !headers.contains_key(header::EXPECT);
        SharedBody { inner: Arc::new(Mutex::new(Inner { body, begun })) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("reading a body does not panic")
    }

    /// Reads and forgets what is left.
    pub(crate) async fn discard(mut self) {
        if !self.lock().begun {
            return;
        }
        let reading =
            async { while let Ok(Some(Ok(_))) = timeout(MAX_PAUSE, self.frame()).await {} };
        // Out of time is as good as at the end: the client has had its chance.
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
        inner.begun = true;
        Pin::new(&mut inner.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.lock().body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.lock().body.size_hint()
    }
}
