//! The gate in front of every route that needs the service in normal operation.
//!
//! Invariant: the gate checks its state and counts the request in one step. So once [`Gate::set`]
//! has closed the gate no new [`Pass`] can appear, and [`Gate::drained`] cannot miss one.

use std::sync::{Arc, Mutex, MutexGuard};

use drydock_core::error::{ApiError, Code, Kind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// The service's state, as far as it decides which requests are admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GateState {
    /// Starting, or rebuilding its read model.
    Loading,
    Normal,
    Maintenance,
    Stopping,
}

/// Admits requests, or refuses them with the reason. Clones are the same gate.
#[derive(Clone)]
pub struct Gate(Arc<Shared>);

struct Shared {
    admission: Mutex<Admission>,
    /// Notified when the last admitted request has ended.
    empty: Notify,
}

struct Admission {
    state: GateState,
    /// Cancelled while the gate is closed.
    closed: CancellationToken,
    passes: usize,
    /// Cancels the admitted requests. They wait for this alone and not for changes of the state or
    /// of the count, so that they are not woken by each request that comes or goes.
    cut: CancellationToken,
}

/// An admitted request; counted until it is dropped.
#[must_use]
pub struct Pass {
    gate: Gate,
    cut: CancellationToken,
}

impl Pass {
    /// Resolves when this request must be given up.
    pub async fn cut_off(&self) {
        self.cut.cancelled().await;
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut admission = self.gate.admission();
        admission.passes -= 1;
        if admission.passes == 0 {
            self.gate.0.empty.notify_waiters();
        }
    }
}

impl Default for Gate {
    fn default() -> Gate {
        Gate::new(GateState::Loading)
    }
}

impl Gate {
    pub fn new(state: GateState) -> Gate {
        let (closed, cut) = (CancellationToken::new(), CancellationToken::new());
        if state != GateState::Normal {
            closed.cancel();
        }
        let admission = Admission { state, closed, passes: 0, cut };
        Gate(Arc::new(Shared { admission: Mutex::new(admission), empty: Notify::new() }))
    }

    fn admission(&self) -> MutexGuard<'_, Admission> {
        self.0.admission.lock().expect("no holder of this lock panics")
    }

    pub fn state(&self) -> GateState {
        self.admission().state
    }

    /// Opens or closes the gate; admitted requests go on.
    pub fn set(&self, state: GateState) {
        let mut admission = self.admission();
        admission.state = state;
        if state != GateState::Normal {
            admission.closed.cancel();
        } else if admission.closed.is_cancelled() {
            admission.closed = CancellationToken::new();
        }
    }

    /// Resolves when the gate closes, or at once if it is closed: requests that only wait for
    /// something end then.
    pub async fn closed(&self) {
        let closed = self.admission().closed.clone();
        closed.cancelled().await;
    }

    /// Admits one request.
    ///
    /// # Errors
    /// 503 with `maintenance` or `not_ready`, unless the state is [`GateState::Normal`].
    pub fn enter(&self) -> Result<Pass, ApiError> {
        let mut admission = self.admission();
        if admission.state != GateState::Normal {
            return Err(refusal(admission.state));
        }
        admission.passes += 1;
        Ok(Pass { gate: self.clone(), cut: admission.cut.clone() })
    }

    /// Makes all admitted requests give up; later ones are not concerned.
    pub fn cut_off(&self) {
        let cut = std::mem::take(&mut self.admission().cut);
        cut.cancel();
    }

    /// The number of admitted requests that have not ended.
    pub fn passes(&self) -> usize {
        self.admission().passes
    }

    /// Resolves when all admitted requests have ended. Close the gate first: while it is open, new
    /// requests may come for ever.
    pub async fn drained(&self) {
        loop {
            // From here on no notification is missed, although the future is awaited later.
            let empty = self.0.empty.notified();
            if self.passes() == 0 {
                return;
            }
            empty.await;
        }
    }
}

/// The answer to a request that a gate in this state does not admit.
pub(crate) fn refusal(state: GateState) -> ApiError {
    let (code, message) = match state {
        GateState::Maintenance => (Code::Maintenance, "the service is in maintenance mode"),
        GateState::Stopping => (Code::NotReady, "the service is stopping"),
        // A gate that was closed for a moment only has been open again since.
        GateState::Loading | GateState::Normal => (Code::NotReady, "the service is not ready yet"),
    };
    ApiError::new(Kind::Unavailable).with_code(code).with_message(message)
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::{Context, Wake};

    use futures_util::FutureExt;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicBool);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    #[test]
    fn only_the_normal_state_lets_requests_in() {
        let gate = Gate::default();
        let refused = |gate: &Gate| gate.enter().err().map(|error| error.code());
        assert_eq!(refused(&gate), Some("not_ready"));
        gate.set(GateState::Maintenance);
        assert_eq!(refused(&gate), Some("maintenance"));
        gate.set(GateState::Stopping);
        assert_eq!(refused(&gate), Some("not_ready"));
        gate.set(GateState::Normal);
        assert_eq!(refused(&gate), None);
        assert_eq!(gate.passes(), 0, "a refused request is not counted");
    }

    #[test]
    fn an_admitted_request_is_woken_only_to_give_up() {
        let gate = Gate::new(GateState::Normal);
        let pass = gate.enter().unwrap();
        let woken = Arc::new(Woken::default());
        let waker = Arc::clone(&woken).into();
        let mut cx = Context::from_waker(&waker);
        let mut cut_off = pin!(pass.cut_off());
        assert!(cut_off.as_mut().poll(&mut cx).is_pending());
        drop(gate.enter().unwrap());
        gate.set(GateState::Maintenance);
        assert!(!woken.0.load(Ordering::Relaxed));
        gate.cut_off();
        assert!(woken.0.load(Ordering::Relaxed) && cut_off.poll(&mut cx).is_ready());
        gate.set(GateState::Normal);
        let later = gate.enter().unwrap();
        assert!(later.cut_off().now_or_never().is_none(), "it came after the cut");
    }

    #[tokio::test]
    async fn drained_waits_for_admitted_requests_and_no_new_one_enters() {
        let gate = Gate::new(GateState::Normal);
        let (one, two) = (gate.enter().unwrap(), gate.enter().unwrap());
        gate.set(GateState::Maintenance);
        assert!(gate.enter().is_err());
        assert!(gate.drained().now_or_never().is_none());
        drop(one);
        assert!(gate.drained().now_or_never().is_none());
        let waiting = tokio::spawn({
            let gate = gate.clone();
            async move { gate.drained().await }
        });
        tokio::task::yield_now().await;
        drop(two);
        waiting.await.unwrap();
    }
}
