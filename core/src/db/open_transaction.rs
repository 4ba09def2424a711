//! A transaction that stays open until its caller knows whether it may commit.
//!
//! Invariants: no reader sees its writes before it commits. Any other write to the database rolls
//! it back first, so it can only commit on top of the state that it was run on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::Connection;

use super::{Context, Db, DbError, Ending, RunOn, Tx, transaction, watch_context};

/// Counts the transactions that were begun on one database's writer.
#[derive(Clone, Default)]
pub(super) struct WriteEpoch(Arc<AtomicU64>);

impl WriteEpoch {
    /// Begins the next epoch. Only the writer's jobs call this, one after the other.
    pub(super) fn next(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The transaction that [`Db::run_open`] left open.
pub struct OpenTransaction {
    epoch: WriteEpoch,
    /// The epoch that it belongs to: in a later one it has been rolled back.
    begun_in: u64,
    run_on: RunOn,
}

impl Db {
    /// Runs `work` in a transaction that may write, and leaves it open.
    pub async fn run_open<T, E>(
        &self,
        ctx: &Context,
        run_on: RunOn,
        work: impl FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<(T, OpenTransaction), E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let epoch = self.epoch.clone();
        let work = move |tx: &Tx<'_>| {
            let done = work(tx)?;
            let begun_in = epoch.now();
            Ok((done, OpenTransaction { epoch, begun_in, run_on }))
        };
        self.write::<_, E>(ctx, run_on, Ending::StayOpen, work).await
    }

    /// Writes the open transaction's dirty pages to the file, so that committing it is fast. Meant
    /// to run while the caller waits for another answer: it yields once, so that the caller's
    /// request is sent first.
    pub fn flush(&self, open: &OpenTransaction) -> impl Future<Output = ()> + Send + use<> {
        let (writer, run_on) = (Arc::clone(&self.writer), open.run_on);
        async move {
            tokio::task::yield_now().await;
            match writer.call(run_on, flush_cache).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) | Err(error) => {
                    tracing::debug!(%error, "the open transaction could not be flushed");
                }
            }
        }
    }

    /// Commits the open transaction. `false`: another write has rolled it back.
    pub async fn commit(&self, ctx: &Context, open: OpenTransaction) -> Result<bool, DbError> {
        if !Arc::ptr_eq(&self.epoch.0, &open.epoch.0) {
            return Ok(false);
        }
        let ctx = ctx.clone();
        let run_on = open.run_on;
        let job = move |conn: &mut Connection| -> Result<bool, DbError> {
            if conn.is_autocommit() || open.epoch.now() != open.begun_in {
                return Ok(false);
            }
            watch_context(conn, &ctx)?;
            // After an error it is still open, and the next write rolls it back.
            transaction::execute(conn, transaction::COMMIT)?;
            Ok(true)
        };
        self.writer.call(run_on, job).await?
    }
}

fn flush_cache(conn: &mut Connection) -> Result<(), DbError> {
    if !conn.is_autocommit() {
        conn.cache_flush()?;
    }
    Ok(())
}

/// Rolls back a transaction that was left open, if there is one.
pub(super) fn roll_back(conn: &mut Connection) -> Result<(), DbError> {
    if conn.is_autocommit() {
        return Ok(());
    }
    // The last job's context must not interrupt this.
    conn.progress_handler(0, None::<fn() -> bool>)?;
    Ok(transaction::execute(conn, transaction::ROLLBACK)?)
}
