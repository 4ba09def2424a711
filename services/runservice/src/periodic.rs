//! Work that every instance repeats while the service is in its normal mode.

use std::time::Duration;

use drydock_core::error::{BoxError, Chain};
use drydock_core::log::format::Mode;
use drydock_core::store::{Phase, Store};

/// The pause between two passes.
const PERIOD: Duration = Duration::from_secs(1);

/// One kind of such work.
pub trait Periodic: Send {
    /// What it is, as the log says it.
    const NAME: &'static str;

    /// Does what is due. After an error the next pass tries again.
    fn pass(&mut self) -> impl Future<Output = Result<(), BoxError>> + Send;
}

/// Repeats the work until the future is dropped.
pub async fn repeat<P: Periodic>(store: Store, mut work: P) {
    let mut applied = store.applied();
    // The sender lives in the store.
    while applied.wait_for(|applied| applied.phase == Phase::Ready).await.is_ok() {
        let is_normal = store.mode().is_some_and(|mode| mode.mode == Mode::Normal);
        if is_normal && let Err(error) = work.pass().await {
            let error = Chain(error.as_ref()).to_string();
            tracing::debug!(work = P::NAME, error, "a pass failed; trying again later");
        }
        tokio::time::sleep(PERIOD).await;
    }
}
