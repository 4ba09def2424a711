//! Places for connections, and who gives one up when there is none.
//!
//! A connection that waits for a request is worth less than one that is about to make its first: at
//! the cap the one that has waited longest is cut, so that thousands of silent clients keep nobody
//! out. One with a request in work keeps its place; newcomers wait until one of them is done.
//!
//! Invariant: a connection that was chosen to be cut begins no request any more.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// The places of one server.
#[derive(Clone)]
pub(crate) struct Places {
    free: Arc<Semaphore>,
    silent: Arc<Mutex<Silent>>,
}

/// Connections that wait for a request, by when they began to.
#[derive(Default)]
struct Silent {
    turns: u64,
    waiting: BTreeMap<u64, CancellationToken>,
}

/// One connection's place.
pub(crate) struct Place {
    places: Places,
    /// Fires when somebody else is to have the place.
    cut: CancellationToken,
    state: Mutex<State>,
    _permit: OwnedSemaphorePermit,
}

enum State {
    /// For a request, since this turn.
    Waits(u64),
    /// Some requests are in work: hyper may begin the next before it lets go of an answer.
    Works(usize),
}

impl Places {
    pub(crate) fn new(count: usize) -> Places {
        Places { free: Arc::new(Semaphore::new(count)), silent: Arc::default() }
    }

    /// A place; if none is free, that of the connection that has waited for a request longest.
    pub(crate) async fn take(&self) -> Arc<Place> {
        let permit = match self.free.clone().try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                if let Some((_, cut)) = self.lock().waiting.pop_first() {
                    cut.cancel();
                }
                let freed = self.free.clone().acquire_owned().await;
                freed.expect("the semaphore is never closed")
            }
        };
        let cut = CancellationToken::new();
        let state = Mutex::new(State::Waits(self.wait(&cut)));
        Arc::new(Place { places: self.clone(), cut, state, _permit: permit })
    }

    fn wait(&self, cut: &CancellationToken) -> u64 {
        let mut silent = self.lock();
        silent.turns += 1;
        let turn = silent.turns;
        silent.waiting.insert(turn, cut.clone());
        turn
    }

    fn lock(&self) -> MutexGuard<'_, Silent> {
        self.silent.lock().expect("no holder of this lock panics")
    }
}

impl Place {
    /// Resolves when the connection is to end for the sake of another one.
    pub(crate) async fn cut(&self) {
        self.cut.cancelled().await;
    }

    /// A request has come. `None` if the connection is being cut.
    pub(crate) fn begin(self: &Arc<Place>) -> Option<Busy> {
        let mut state = self.state();
        let works = match *state {
            State::Waits(turn) => {
                self.places.lock().waiting.remove(&turn)?;
                0
            }
            State::Works(works) => works,
        };
        *state = State::Works(works + 1);
        Some(Busy(Arc::clone(self)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of this lock panics")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let State::Waits(turn) = *self.state() {
            self.places.lock().waiting.remove(&turn);
        }
    }
}

/// A request in work; afterwards its connection waits for the next one.
pub(crate) struct Busy(Arc<Place>);

impl Drop for Busy {
    fn drop(&mut self) {
        let mut state = self.0.state();
        *state = match *state {
            State::Works(works) if works > 1 => State::Works(works - 1),
            _ => State::Waits(self.0.places.wait(&self.0.cut)),
        };
    }
}

impl Busy {
    /// Until this body has been sent.
    pub(crate) fn with(self, body: Body) -> Body {
        Body::new(Sending { body, _busy: self })
    }
}

struct Sending {
    body: Body,
    _busy: Busy,
}

impl HttpBody for Sending {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn now<T>(future: impl Future<Output = T>) -> Option<T> {
        future.now_or_never()
    }

    #[test]
    fn the_one_that_has_waited_longest_gives_up_its_place() {
        let places = Places::new(2);
        let first = now(places.take()).unwrap();
        let second = now(places.take()).unwrap();
        let (one, two) = (first.begin().unwrap(), first.begin().unwrap());
        drop((one, two));
        let mut third = Box::pin(places.take());
        assert!(now(third.as_mut()).is_none(), "there is no place yet");
        assert!(now(second.cut()).is_some());
        assert!(now(first.cut()).is_none(), "it has had a request meanwhile");
        assert!(second.begin().is_none(), "it begins nothing any more");
        drop(second);
        assert!(now(third).is_some());
    }

    #[test]
    fn a_request_in_work_keeps_its_place() {
        let places = Places::new(1);
        let only = now(places.take()).unwrap();
        let busy = only.begin().unwrap();
        let mut next = Box::pin(places.take());
        assert!(now(next.as_mut()).is_none());
        assert!(now(only.cut()).is_none());
        drop(busy);
        drop(only);
        assert!(now(next).is_some());
    }

    #[test]
    fn a_connection_that_ends_is_not_asked_for_its_place() {
        let places = Places::new(1);
        drop(now(places.take()).unwrap());
        let second = now(places.take()).unwrap();
        assert_eq!(places.lock().waiting.len(), 1);
        assert!(now(second.cut()).is_none());
    }
}
