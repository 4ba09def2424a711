//! A transaction that is open until somebody knows whether it is to be.
//!
//! Invariants: what it wrote is seen by nobody before it is confirmed. Whatever else writes to the
//! database undoes it first, so it can only be confirmed on top of what it was run on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::Connection;

use super::{Context, Db, DbError, Ending, Length, Tx, open, watch_context};

/// The transactions that were begun on one database's writer.
#[derive(Clone, Default)]
pub(super) struct Turns(Arc<AtomicU64>);

impl Turns {
    /// Only the writer's jobs call it, one after the other.
    pub(super) fn next(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What [`Db::speculate`] left open.
pub struct Speculation {
    turns: Turns,
    turn: u64,
    length: Length,
}

impl Db {
    /// Runs `work` in a transaction that may write, and leaves it open.
    pub async fn speculate<T, E>(
        &self,
        ctx: &Context,
        length: Length,
        work: impl FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<(T, Speculation), E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let turns = self.turns.clone();
        let work = move |tx: &Tx<'_>| {
            let done = work(tx)?;
            let turn = turns.now();
            Ok((done, Speculation { turns, turn, length }))
        };
        self.write::<_, E>(ctx, length, Ending::Open, work).await
    }

    /// Writes down what the open transaction wrote, for its end to be short. This is for the time
    /// in which somebody waits for an answer from elsewhere: who asks for that goes first.
    pub fn write_down(&self, open: &Speculation) -> impl Future<Output = ()> + Send + use<> {
        let (writer, length) = (Arc::clone(&self.writer), open.length);
        async move {
            tokio::task::yield_now().await;
            match writer.call(length, flush).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) | Err(error) => {
                    tracing::debug!(%error, "the end of the transaction will write it down");
                }
            }
        }
    }

    /// Commits the open transaction. `false`: it is not open any more, and nothing was done.
    pub async fn confirm(&self, ctx: &Context, speculation: Speculation) -> Result<bool, DbError> {
        if !Arc::ptr_eq(&self.turns.0, &speculation.turns.0) {
            return Ok(false);
        }
        let ctx = ctx.clone();
        let length = speculation.length;
        let job = move |conn: &mut Connection| -> Result<bool, DbError> {
            if conn.is_autocommit() || speculation.turns.now() != speculation.turn {
                return Ok(false);
            }
            watch_context(conn, &ctx)?;
            // An error leaves it open, for the next writer to undo.
            open::execute(conn, open::COMMIT)?;
            Ok(true)
        };
        self.writer.call(length, job).await?
    }
}

fn flush(conn: &mut Connection) -> Result<(), DbError> {
    if !conn.is_autocommit() {
        conn.cache_flush()?;
    }
    Ok(())
}

/// Undoes what a speculation left open.
pub(super) fn close(conn: &mut Connection) -> Result<(), DbError> {
    if conn.is_autocommit() {
        return Ok(());
    }
    // Not under the last job's context.
    conn.progress_handler(0, None::<fn() -> bool>)?;
    Ok(open::execute(conn, open::ROLLBACK)?)
}
