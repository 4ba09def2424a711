//! Drops archived commits from the coordination store, except the newest ones (a window).
//!
//! Invariant: a commit is dropped only if a segment holds it: the transaction compares `archived`
//! with the value that the bound was computed from.

use crate::coord::lock::Fence;
use crate::coord::{Compare, Coordination, CoordinationExt, Op, Projection, RangeRequest, Txn};
use crate::log::format::{ArchivedRecord, decode};
use crate::read_model::StoreError;
use crate::store::{Inner, Overview, Store};

pub async fn run_once(store: &Store, fence: &Fence) -> Result<(), StoreError> {
    let inner = &store.inner;
    let Some(archived) = inner.coord.get(inner.keys.archived()).await?.0 else { return Ok(()) };
    let record: ArchivedRecord = decode(&archived.key, &archived.value)?;
    // The last one stays: it shows whether the log holds what objects prove.
    let window = inner.settings.tasks.window_commits.max(1);
    let window =
        if inner.is_short_of_space() { least_window(inner, &record).await? } else { window };
    let Some(until) = record.position.checked_sub(window) else { return Ok(()) };
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

/// The window while space is short: the archived commits that a live instance has not applied.
async fn least_window(inner: &Inner, archived: &ArchivedRecord) -> Result<u64, StoreError> {
    let instances = Overview::read(&inner.coord, &inner.keys).await?.instances;
    let applied = instances.iter().filter_map(|instance| instance.position).min();
    let behind = archived.position.saturating_sub(applied.unwrap_or(archived.position));
    Ok(behind.clamp(1, inner.settings.tasks.window_commits.max(1)))
}
