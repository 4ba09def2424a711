//! The watch of the mode's key, which keeps the instance's [`ModeCell`] up to date.
//!
//! Invariants: the watch starts at the revision after the one that was read, so no switch between
//! the two is missed; after a while without an event the key is read again, because the watch may
//! be broken, and because a coordination store that was set back tells of no event. Its older mode
//! counts then, whatever the instance has acknowledged.

use std::time::Duration;

use drydock_core::coord::{
    Bounded, Coordination, CoordinationExt, EventKind, WatchRequest, WatchStream,
};
use drydock_core::env::Env;
use drydock_core::error::{BoxError, Chain};
use drydock_core::log::keys::Keys;
use drydock_core::maintenance::{ModeCell, SeenMode};
use drydock_core::retry::Backoff;
use futures_util::StreamExt;
use tokio_util::sync::CancellationToken;

/// How often the key is read although the watch brings no event.
const IDLE_CHECK: Duration = Duration::from_secs(5);

pub(super) async fn follow(
    env: Env,
    coord: Bounded,
    keys: Keys,
    mode: ModeCell,
    stop: CancellationToken,
) {
    let mut backoff = Backoff::new(&env, "mode-watch");
    let following = async {
        loop {
            match read_and_watch(&coord, &keys, &mode).await {
                Ok(watch) => match observe(watch, &mode).await {
                    WatchEnd::Quiet => backoff.reset(),
                    WatchEnd::Broken => backoff.pause().await,
                },
                Err(error) => {
                    tracing::debug!(error = %Chain(error.as_ref()), "could not read the mode");
                    backoff.pause().await;
                }
            }
        }
    };
    stop.run_until_cancelled(following).await;
}

async fn read_and_watch(
    coord: &Bounded,
    keys: &Keys,
    mode: &ModeCell,
) -> Result<WatchStream, BoxError> {
    let known = mode.get();
    let (found, revision) = coord.get(keys.mode()).await?;
    mode.observe_read(known.as_ref(), SeenMode::decode(found.as_ref())?);
    let range = drydock_core::coord::KeyRange::single(keys.mode());
    Ok(coord.watch(WatchRequest::new(range).from(revision + 1)).await?)
}

/// Why a watch was given up.
enum WatchEnd {
    Broken,
    Quiet,
}

/// Takes the events of a watch, until it ends or has been quiet for a while.
async fn observe(mut watch: WatchStream, mode: &ModeCell) -> WatchEnd {
    loop {
        let batch = match tokio::time::timeout(IDLE_CHECK, watch.next()).await {
            Ok(Some(Ok(batch))) => batch,
            Ok(Some(Err(_)) | None) => return WatchEnd::Broken,
            Err(_elapsed) => return WatchEnd::Quiet,
        };
        let puts = batch.events.iter().filter(|event| event.kind == EventKind::Put);
        for event in puts {
            match SeenMode::decode(Some(&event.kv)) {
                Ok(seen) => mode.observe(seen),
                Err(error) => {
                    tracing::error!(error = %Chain(&error), "the record of the mode is invalid")
                }
            }
        }
    }
}
