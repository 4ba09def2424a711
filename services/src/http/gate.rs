//! The door in front of every route that needs the service in normal operation.
//!
//! Invariant: checking the state and counting a request is one step. So once [`Gate::set`] has
//! closed the gate no new [`Pass`] can appear, and [`Gate::drained`] cannot miss one.

use drydock_core::error::{ApiError, Code, Kind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

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
pub struct Gate {
    inner: watch::Sender<Inner>,
}

#[derive(Debug, Clone, Copy)]
struct Inner {
    state: GateState,
    passes: usize,
    /// Grows when everybody inside is sent out.
    cuts: u64,
}

/// A request that was let in; counted until it is dropped.
#[must_use]
pub struct Pass {
    inner: watch::Sender<Inner>,
    cuts: u64,
}

impl Pass {
    /// Resolves when this request must not go on.
    pub async fn cut_off(&self) {
        let mut seen = self.inner.subscribe();
        let cut = seen.wait_for(|inner| inner.cuts != self.cuts).await;
        cut.expect("self holds a sender");
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.inner.send_modify(|inner| inner.passes -= 1);
    }
}

impl Default for Gate {
    fn default() -> Gate {
        Gate::new(GateState::Loading)
    }
}

impl Gate {
    pub fn new(state: GateState) -> Gate {
        Gate { inner: watch::Sender::new(Inner { state, passes: 0, cuts: 0 }) }
    }

    pub fn state(&self) -> GateState {
        self.inner.borrow().state
    }

    /// Opens or closes the gate; requests that are inside stay inside.
    pub fn set(&self, state: GateState) {
        self.inner.send_modify(|inner| inner.state = state);
    }

    /// Lets one request in.
    pub fn enter(&self) -> Result<Pass, ApiError> {
        let (mut seen, mut cuts) = (GateState::Loading, 0);
        let entered = self.inner.send_if_modified(|inner| {
            (seen, cuts) = (inner.state, inner.cuts);
            let open = seen == GateState::Normal;
            inner.passes += usize::from(open);
            open
        });
        let closed = |code, message| {
            let error = ApiError::new(Kind::Unavailable);
            Err(error.with_code(code).with_message(message))
        };
        match seen {
            _ if entered => Ok(Pass { inner: self.inner.clone(), cuts }),
            GateState::Maintenance => {
                closed(Code::Maintenance, "the service is in maintenance mode")
            }
            GateState::Stopping => closed(Code::NotReady, "the service is stopping"),
            GateState::Loading | GateState::Normal => {
                closed(Code::NotReady, "the service is not ready yet")
            }
        }
    }

    /// Sends out everybody who is inside.
    pub fn cut_off(&self) {
        self.inner.send_modify(|inner| inner.cuts += 1);
    }

    /// Requests inside.
    pub fn passes(&self) -> usize {
        self.inner.borrow().passes
    }

    /// Resolves when no request is inside. Close the gate first, or it may never.
    pub async fn drained(&self) {
        let mut seen = self.inner.subscribe();
        seen.wait_for(|inner| inner.passes == 0).await.expect("self holds a sender");
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

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
