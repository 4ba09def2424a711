//! The limit on open connections, and which connection is closed for a new one.
//!
//! A connection that waits for a request is worth less than one that is about to make its first: at
//! the limit the connection that has been idle longest is closed, so that thousands of silent
//! clients keep no other client out. A connection with a request in work keeps its permit; new
//! connections wait until one of these requests is done.
//!
//! Invariant: a connection that was chosen to be closed begins no further request.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// The limit of one server. Clones share it.
#[derive(Clone)]
pub(crate) struct ConnectionLimit {
    free: Arc<Semaphore>,
    idle: Arc<Mutex<IdleConnections>>,
}

/// Connections that wait for a request, by when they began to wait.
#[derive(Default)]
struct IdleConnections {
    last_turn: u64,
    by_turn: BTreeMap<u64, CancellationToken>,
}

/// The right of one connection to be open.
pub(crate) struct ConnectionPermit {
    limit: ConnectionLimit,
    /// Fires when the connection must make room for a new one.
    evicted: CancellationToken,
    state: Mutex<State>,
    /// Whether a request has come: then an answer may still be on its way.
    has_answered: AtomicBool,
    _permit: OwnedSemaphorePermit,
}

enum State {
    /// The connection waits for a request, since this turn.
    Idle(u64),
    /// This many requests are in work: hyper may begin the next before it drops an answer's body.
    Active(usize),
}

impl ConnectionLimit {
    pub(crate) fn new(count: usize) -> ConnectionLimit {
        ConnectionLimit { free: Arc::new(Semaphore::new(count)), idle: Arc::default() }
    }

    /// Takes a free permit, or evicts the connection that has been idle longest and waits for its
    /// permit.
    pub(crate) async fn acquire(&self) -> Arc<ConnectionPermit> {
        let permit = match self.free.clone().try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                if let Some((_, evicted)) = self.lock().by_turn.pop_first() {
                    evicted.cancel();
                }
                let freed = self.free.clone().acquire_owned().await;
                freed.expect("the semaphore is never closed")
            }
        };
        let evicted = CancellationToken::new();
        let state = Mutex::new(State::Idle(self.add_idle(&evicted)));
        let has_answered = AtomicBool::new(false);
        let limit = self.clone();
        Arc::new(ConnectionPermit { limit, evicted, state, has_answered, _permit: permit })
    }

    fn add_idle(&self, evicted: &CancellationToken) -> u64 {
        let mut idle = self.lock();
        idle.last_turn += 1;
        let turn = idle.last_turn;
        idle.by_turn.insert(turn, evicted.clone());
        turn
    }

    fn lock(&self) -> MutexGuard<'_, IdleConnections> {
        self.idle.lock().expect("no holder of this lock panics")
    }
}

impl ConnectionPermit {
    /// Resolves when the connection must make room for a new one.
    pub(crate) async fn evicted(&self) {
        self.evicted.cancelled().await;
    }

    /// Whether an answer may not have left yet although its request is not in work any more.
    pub(crate) fn has_answered(&self) -> bool {
        self.has_answered.load(Ordering::Relaxed)
    }

    /// Counts a request that has come; `None` if the connection is being closed.
    pub(crate) fn begin_request(self: &Arc<ConnectionPermit>) -> Option<ActiveRequest> {
        let mut state = self.state();
        let active = match *state {
            State::Idle(turn) => {
                self.limit.lock().by_turn.remove(&turn)?;
                0
            }
            State::Active(active) => active,
        };
        *state = State::Active(active + 1);
        self.has_answered.store(true, Ordering::Relaxed);
        Some(ActiveRequest(Arc::clone(self)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of this lock panics")
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        if let State::Idle(turn) = *self.state() {
            self.limit.lock().by_turn.remove(&turn);
        }
    }
}

/// A request in work. When it is dropped, its connection waits for the next one.
pub(crate) struct ActiveRequest(Arc<ConnectionPermit>);

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        let mut state = self.0.state();
        *state = match *state {
            State::Active(active) if active > 1 => State::Active(active - 1),
            _ => State::Idle(self.0.limit.add_idle(&self.0.evicted)),
        };
    }
}

impl ActiveRequest {
    /// Keeps the request in work until this body has been sent.
    pub(crate) fn until_sent(self, body: Body) -> Body {
        Body::new(SendingBody { body, _request: self })
    }
}

struct SendingBody {
    body: Body,
    _request: ActiveRequest,
}

impl HttpBody for SendingBody {
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
    fn the_connection_that_has_been_idle_longest_is_evicted() {
        let limit = ConnectionLimit::new(2);
        let first = now(limit.acquire()).unwrap();
        let second = now(limit.acquire()).unwrap();
        let (one, two) = (first.begin_request().unwrap(), first.begin_request().unwrap());
        drop((one, two));
        let mut third = Box::pin(limit.acquire());
        assert!(now(third.as_mut()).is_none(), "no permit is free yet");
        assert!(now(second.evicted()).is_some());
        assert!(now(first.evicted()).is_none(), "the first has had a request meanwhile");
        assert!(second.begin_request().is_none(), "the second begins no further request");
        drop(second);
        assert!(now(third).is_some());
    }

    #[test]
    fn a_request_in_work_keeps_its_permit() {
        let limit = ConnectionLimit::new(1);
        let only = now(limit.acquire()).unwrap();
        let request = only.begin_request().unwrap();
        let mut next = Box::pin(limit.acquire());
        assert!(now(next.as_mut()).is_none());
        assert!(now(only.evicted()).is_none());
        drop(request);
        drop(only);
        assert!(now(next).is_some());
    }

    #[test]
    fn a_connection_that_has_ended_is_not_evicted() {
        let limit = ConnectionLimit::new(1);
        drop(now(limit.acquire()).unwrap());
        let second = now(limit.acquire()).unwrap();
        assert_eq!(limit.lock().by_turn.len(), 1);
        assert!(now(second.evicted()).is_none());
    }
}
