//! The door in front of every route that needs the service in normal operation.
//!
//! Invariant: checking the state and counting a request is one step. So once [`Gate::set`] has
//! closed the gate no new [`Pass`] can appear, and [`Gate::drained`] cannot miss one.

use std::sync::{Arc, Mutex, MutexGuard};

use drydock_core::error::{ApiError, Code, Kind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// What the service is doing, as far as requests are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GateState {
    /// Starting, or rebuilding its read model.
    Loading,
    Normal,
    Maintenance,
    Stopping,
}

/// Lets requests in, or says why not. Clones are the same gate.
#[derive(Clone)]
pub struct Gate(Arc<Shared>);

struct Shared {
    inside: Mutex<Inside>,
    /// Nobody is inside any more.
    empty: Notify,
}

struct Inside {
    state: GateState,
    passes: usize,
    /// For those inside. Nobody is woken but for being sent out: requests come and go all the time.
    cut: CancellationToken,
}

/// A request that was let in; counted until it is dropped.
#[must_use]
pub struct Pass {
    gate: Gate,
    cut: CancellationToken,
}

impl Pass {
    /// Resolves when this request must not go on.
    pub async fn cut_off(&self) {
        self.cut.cancelled().await;
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut inside = self.gate.inside();
        inside.passes -= 1;
        if inside.passes == 0 {
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
        let inside = Inside { state, passes: 0, cut: CancellationToken::new() };
        Gate(Arc::new(Shared { inside: Mutex::new(inside), empty: Notify::new() }))
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.inside.lock().expect("no holder of this lock panics")
    }

    pub fn state(&self) -> GateState {
        self.inside().state
    }

    /// Opens or closes the gate; requests that are inside stay inside.
    pub fn set(&self, state: GateState) {
        self.inside().state = state;
    }

    /// Lets one request in.
    pub fn enter(&self) -> Result<Pass, ApiError> {
        let mut inside = self.inside();
        let closed = |code, message| {
            let error = ApiError::new(Kind::Unavailable);
            Err(error.with_code(code).with_message(message))
        };
        match inside.state {
            GateState::Normal => {
                inside.passes += 1;
                Ok(Pass { gate: self.clone(), cut: inside.cut.clone() })
            }
            GateState::Maintenance => {
                closed(Code::Maintenance, "the service is in maintenance mode")
            }
            GateState::Stopping => closed(Code::NotReady, "the service is stopping"),
            GateState::Loading => closed(Code::NotReady, "the service is not ready yet"),
        }
    }

    /// Sends out everybody who is inside.
    pub fn cut_off(&self) {
        let cut = std::mem::take(&mut self.inside().cut);
        cut.cancel();
    }

    /// Requests inside.
    pub fn passes(&self) -> usize {
        self.inside().passes
    }

    /// Resolves when no request is inside. Close the gate first, or it may never.
    pub async fn drained(&self) {
        loop {
            // It hears of what happens from here on, also before it is waited for.
            let empty = self.0.empty.notified();
            if self.passes() == 0 {
                return;
            }
            empty.await;
        }
    }
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
    fn who_is_inside_is_woken_only_to_be_sent_out() {
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
    async fn drained_waits_for_the_requests_inside_and_no_new_one_enters() {
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
