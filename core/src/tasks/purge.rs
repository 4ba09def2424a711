//! Deletes what is left of deleted subtrees: objects that nobody sees any more.
//!
//! A deletion hides the root of its subtree in one commit, however large the subtree is, and a user
//! or an organization, however many objects refer to it. The service's schema names the objects
//! that are left, children first ([`Leftovers`]), and each commit of this task deletes a bounded
//! number of them, so that no other write waits long.
//!
//! Invariants: the commits are ordinary ones, each decided on the state that it changes, so they
//! are right whoever makes them, also twice at once. Nothing but the state says what is left: it
//! survives kills, exports and imports.
//!
//! [`Leftovers`]: crate::read_model::Leftovers

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::context::Context;
use crate::coord::lock::Fence;
use crate::coord::{Coordination, Txn};
use crate::db::DbError;
use crate::error::{BoxError, Chain, causes};
use crate::read_model::StoreError;
use crate::store::{Store, StoreTx};

/// The most commits of one pass: a switch to maintenance waits for its end.
const COMMITS: usize = 16;
/// The timeout of one commit.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Counts the subtrees that are left, and answers whether there is one. Not while the read model is
/// loading.
pub async fn is_needed(store: &Store) -> bool {
    let Ok(db) = store.inner.db() else { return false };
    let count = store.inner.schema.leftovers.count;
    let ctx = Context::background().timeout(TIMEOUT);
    match db.read::<_, DbError>(&ctx, count).await {
        Ok(count) => {
            store.inner.deletions_waiting.store(count, Ordering::Relaxed);
            count > 0
        }
        Err(error) => {
            let error = Chain(&error);
            tracing::warn!(%error, "the subtrees to be deleted cannot be counted");
            false
        }
    }
}

pub async fn run_once(store: &Store, fence: &Fence) -> Result<(), StoreError> {
    let inner = &store.inner;
    for _ in 0..COMMITS {
        // A holder that lost the lock leaves the work to the next one.
        let held = Txn::default().when(fence.compare());
        if !inner.coord.txn(held).await?.succeeded {
            return Err(StoreError::Fenced);
        }
        inner.env.point("purge.before_commit").await?;
        match delete_some(store).await {
            Ok(0) => break,
            Ok(deleted) => (0..deleted).for_each(|_| inner.stats.purged()),
            // The next pass goes on where this one ends.
            Err(StoreError::Maintenance | StoreError::NotReady | StoreError::Busy) => break,
            Err(error) => return Err(error),
        }
        inner.env.point("purge.after_commit").await?;
    }
    is_needed(store).await;
    Ok(())
}

/// Deletes objects in one commit; answers their number.
async fn delete_some(store: &Store) -> Result<usize, StoreError> {
    let ctx = Context::background().timeout(TIMEOUT);
    let next = store.inner.schema.leftovers.next;
    let deleted = store.transact(&ctx, move |tx: &mut StoreTx<'_>| {
        let limit = tx.deletion_objects().max(1);
        let objects = next(tx, limit)?;
        objects.iter().try_for_each(|(kind, id)| tx.delete(kind, *id))?;
        Ok(objects.len())
    });
    deleted.await.map_err(cause)
}

/// The error of the store that a transaction's error wraps.
fn cause(error: BoxError) -> StoreError {
    let found = causes(error.as_ref()).find_map(|cause| cause.downcast_ref::<StoreError>());
    match found {
        Some(found) => found.duplicate(),
        None => StoreError::Failed(Chain(error.as_ref()).to_string()),
    }
}
