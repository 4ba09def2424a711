//! Slots for requests that are in work.
//!
//! A request whose client still sends the body is not in work: it gives its slot back while it
//! waits, so that slow bodies keep nobody out. Where none is free when more of the body has come,
//! the request is refused: nothing has been done for it, because handlers begin with a whole body.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// All slots are taken.
#[derive(Debug, thiserror::Error)]
#[error("all slots for requests are taken")]
pub(crate) struct NoSlot;

/// The slots of one server.
pub(crate) struct Slots(Arc<Semaphore>);

impl Slots {
    pub(crate) fn new(count: usize) -> Slots {
        Slots(Arc::new(Semaphore::new(count)))
    }

    pub(crate) fn take(&self) -> Result<Slot, NoSlot> {
        let slot = Slot { slots: Arc::clone(&self.0), held: Arc::default() };
        slot.take()?;
        Ok(slot)
    }
}

/// One request's slot, which it may not hold all the time.
#[derive(Clone)]
pub(crate) struct Slot {
    slots: Arc<Semaphore>,
    held: Arc<Mutex<Option<OwnedSemaphorePermit>>>,
}

impl Slot {
    fn take(&self) -> Result<(), NoSlot> {
        let mut held = self.held();
        if held.is_none() {
            *held = Some(Arc::clone(&self.slots).try_acquire_owned().map_err(|_| NoSlot)?);
        }
        Ok(())
    }

    fn give_back(&self) {
        *self.held() = None;
    }

    fn held(&self) -> MutexGuard<'_, Option<OwnedSemaphorePermit>> {
        self.held.lock().expect("no holder of this lock panics")
    }

    /// A body for which the slot is given back whenever it has to be waited for.
    pub(crate) fn waits_for(&self, body: Body) -> Body {
        Body::new(Arriving { body, slot: self.clone() })
    }
}

struct Arriving {
    body: Body,
    slot: Slot,
}

impl HttpBody for Arriving {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        if frame.is_pending() {
            self.slot.give_back();
        } else if let Err(none) = self.slot.take() {
            return Poll::Ready(Some(Err(axum::Error::new(none))));
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
