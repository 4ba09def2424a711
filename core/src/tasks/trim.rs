//! Drops archived commits from the coordination store, except the newest ones (a window).
//!
//! Invariant: a commit is dropped only if a segment holds it: the transaction compares `archived`
//! with the value that the bound was computed from.

use crate::coord::lock::Fence;
use crate::coord::{Compare, Coordination, CoordinationExt, Op, Projection, RangeRequest, Txn};
use crate::log::format::{ArchivedRecord, decode};
use crate::read_model::StoreError;
use crate::store::Store;

pub async fn run_once(store: &Store, fence: &Fence) -> Result<(), StoreError> {
    let inner = &store.inner;
    let Some(archived) = inner.coord.get(inner.keys.archived()).await?.0 else { return Ok(()) };
    let record: ArchivedRecord = decode(&archived.key, &archived.value)?;
    let Some(until) = record.position.checked_sub(inner.settings.tasks.window_commits) else {
        return Ok(());
    };
    let range = inner.keys.commits_until(until);
    let any = RangeRequest::new(range.clone()).limit(1).projection(Projection::KeysOnly);
    if inner.coord.range(any).await?.kvs.is_empty() {
        return Ok(());
    }
    inner.env.point("trim.before_txn").await?;
    let drop = Txn::default()
        .when(fence.compare())
        .when(Compare::unchanged(archived.key, Some(archived.value)))
        .then(Op::delete(range));
    if !inner.coord.txn(drop).await?.succeeded {
        return Err(StoreError::Fenced);
    }
    inner.stats.trims();
    inner.env.point("trim.after_txn").await?;
    Ok(())
}
