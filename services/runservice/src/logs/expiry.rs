//! Deletes logs that were kept for long enough: so long after the last run that refers to their
//! attempt.
//!
//! Invariant: a commit marks the logs as expired before an object is deleted. What is left of them
//! if that fails is deleted by the sweep of [`seal`](super::seal).

use std::convert::Infallible;
use std::time::Duration;

use drydock_core::context::Context;
use drydock_core::error::{ActionError, BoxError};
use drydock_core::store::{Reads, Store, StoreTx};
use jiff::Timestamp;

use super::{LogMetrics, Logs};
use crate::action::log as action;
use crate::blobs::garbage::Deletable;
use crate::model;

/// Between two looks for logs that have expired.
const PERIOD: Duration = Duration::from_secs(60);
/// The attempts of one pass.
const AT_ONCE: usize = 64;
/// The timeout of one read, or one transaction.
const TIMEOUT: Duration = Duration::from_secs(10);

pub struct Expiry {
    store: Store,
    logs: Logs,
    metrics: LogMetrics,
    retention: Duration,
    /// When it last looked, on the monotonic clock.
    looked: Duration,
}

impl Expiry {
    pub fn new(store: Store, logs: Logs, metrics: LogMetrics, retention: Duration) -> Expiry {
        let looked = logs.env.monotonic();
        Expiry { store, logs, metrics, retention, looked }
    }

    /// Looks for logs that have expired, if it is time to.
    pub async fn pass(&mut self) -> Result<(), BoxError> {
        let now = self.logs.env.monotonic();
        if now.saturating_sub(self.looked) < PERIOD {
            return Ok(());
        }
        self.looked = now;
        // Before the first moment of all nothing has ended.
        let before = self.logs.env.now().checked_sub(self.retention).unwrap_or(Timestamp::MIN);
        let ctx = Context::background().timeout(TIMEOUT);
        let read = move |tx: &drydock_core::db::Tx<'_>| {
            Ok(model::attempt::with_old_logs(tx, before, None, AT_ONCE)?)
        };
        for attempt in self.store.read(&ctx, Reads::Local, read).await? {
            let ctx = Context::background().timeout(TIMEOUT);
            let work = move |tx: &mut StoreTx<'_>| {
                action::expire::<Infallible>(tx, attempt, before).map_err(ActionError::boxed)
            };
            let listed = self.logs.listed(attempt).await?;
            // Another instance may have been first.
            if self.store.transact(&ctx, work).await? {
                self.metrics.expired.inc();
                self.logs.delete(listed, &Default::default(), Deletable::All).await?;
            }
        }
        Ok(())
    }
}
