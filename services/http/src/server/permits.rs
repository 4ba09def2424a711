//! The limit on requests that are in work.
//!
//! A request whose client still sends the body is not in work: it gives its permit back while it
//! waits, so that slow bodies keep no other request out. If no permit is free when more of the body
//! has come, the request is refused: nothing has been done for it, because handlers begin with a
//! whole body. Neither is a request in work that waits for something to happen ([`Idle`]).
//!
//! [`Idle`]: super::idle::Idle

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// As many requests as may be are in work.
#[derive(Debug, thiserror::Error)]
#[error("the limit on concurrent requests is reached")]
pub(crate) struct NoPermit;

/// The limit of one server.
pub(crate) struct ConcurrencyLimit(Arc<Semaphore>);

impl ConcurrencyLimit {
    pub(crate) fn new(count: usize) -> ConcurrencyLimit {
        ConcurrencyLimit(Arc::new(Semaphore::new(count)))
    }

    pub(crate) fn acquire(&self) -> Result<ConcurrencyPermit, NoPermit> {
        let permit = ConcurrencyPermit { limit: Arc::clone(&self.0), held: Arc::default() };
        permit.acquire()?;
        Ok(permit)
    }
}

/// One request's permit, which it may not hold all the time.
#[derive(Clone)]
pub(crate) struct ConcurrencyPermit {
    limit: Arc<Semaphore>,
    held: Arc<Mutex<Option<OwnedSemaphorePermit>>>,
}

impl ConcurrencyPermit {
    pub(crate) fn acquire(&self) -> Result<(), NoPermit> {
        let mut held = self.held();
        if held.is_none() {
            *held = Some(Arc::clone(&self.limit).try_acquire_owned().map_err(|_| NoPermit)?);
        }
        Ok(())
    }

    pub(crate) fn release(&self) {
        *self.held() = None;
    }

    fn held(&self) -> MutexGuard<'_, Option<OwnedSemaphorePermit>> {
        self.held.lock().expect("no holder of this lock panics")
    }

    /// Wraps the request's body: the permit is released while more of the body is waited for.
    pub(crate) fn release_while_receiving(&self, body: Body) -> Body {
        Body::new(ReceivedBody { body, permit: self.clone() })
    }
}

struct ReceivedBody {
    body: Body,
    permit: ConcurrencyPermit,
}

impl HttpBody for ReceivedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        if frame.is_pending() {
            self.permit.release();
        } else if let Err(refused) = self.permit.acquire() {
            return Poll::Ready(Some(Err(axum::Error::new(refused))));
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
