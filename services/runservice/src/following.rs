//! What wakes the streams of events: the newest event, looked up after commits as long as somebody
//! follows it. So a stream reads nothing while nothing happens to runs.

use std::time::Duration;

use drydock_core::context::Context;
use drydock_core::store::{Phase, Reads, Store};
use tokio::sync::watch;

use crate::action::cursor::EventCursor;
use crate::action::event;

/// The timeout of one read.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Publishes the newest event until the future is dropped.
pub async fn follow_events(newest: watch::Sender<Option<EventCursor>>, store: Store) {
    let mut applied = store.applied();
    // The sender lives in the store.
    while applied.changed().await.is_ok() {
        let ready = applied.borrow_and_update().phase == Phase::Ready;
        if !ready || newest.receiver_count() == 0 {
            continue;
        }
        let ctx = Context::background().timeout(TIMEOUT);
        match store.read(&ctx, Reads::Local, |tx| Ok(event::newest(tx)?)).await {
            Ok(found) => {
                newest.send_if_modified(|known| known.replace(found) != Some(found));
            }
            // The next commit is looked at again, and streams look by themselves after a while.
            Err(error) => tracing::debug!(%error, "could not look for events"),
        }
    }
}
