//! SQLite with a context: `db.run(ctx, |tx| …)`.
//!
//! Invariants: the context is given once and saved in [`Tx`]; every statement honours it and a
//! running one is interrupted. Commit on `Ok`, roll back on `Err` or panic. One writer, readers
//! that never block it, snapshots that stay as they are. A database is disposable: it lives in a
//! folder of its own that goes with it.
//!
//! In production connections have threads of their own, and only short work is done elsewhere; in
//! the simulator all work runs inline.
//! Absent on purpose: SQL functions of time and randomness, and durability.

mod open;
mod references;
mod speculation;
mod tx;
mod worker;

use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, ErrorCode};
use tempfile::TempDir;

use open::{BEGIN_READ, BEGIN_WRITE, Ending, Open};
pub use references::Dangling;
pub use speculation::Speculation;
use speculation::Turns;
pub use tx::Tx;
use worker::Worker;

use crate::context::{Context, Interrupted};

/// Where statements run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Execution {
    /// On threads of their own: one for the writer, `readers` for reads.
    Threads { readers: usize },
    /// On the caller, at once: deterministic.
    Inline,
}

#[derive(Debug, thiserror::Error)]
pub enum DbError {
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// A constraint of the schema does not hold.
    #[error("constraint failed: {0}")]
    Constraint(String),
    #[error("object `{id}` in table `{table}` cannot be decoded")]
    Decode { table: String, id: String, source: serde_json::Error },
    #[error("the database is closed")]
    Closed,
    #[error("the read model's folder cannot be made")]
    Folder(#[source] std::io::Error),
    #[error("sqlite")]
    Sqlite(#[source] rusqlite::Error),
}

impl From<rusqlite::Error> for DbError {
    fn from(error: rusqlite::Error) -> DbError {
        match &error {
            rusqlite::Error::SqliteFailure(failure, text) => match failure.code {
                ErrorCode::OperationInterrupted => DbError::Interrupted(Interrupted::Deadline),
                ErrorCode::ConstraintViolation => {
                    DbError::Constraint(text.clone().unwrap_or_else(|| failure.to_string()))
                }
                _ => DbError::Sqlite(error),
            },
            _ => DbError::Sqlite(error),
        }
    }
}

/// How long something keeps its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// A few statements: it may be done on the caller's thread.
    Short,
    Long,
}

/// One database in a folder of its own. Cheap to clone; the folder goes with the last clone.
#[derive(Clone)]
pub struct Db {
    writer: Arc<Worker>,
    readers: Arc<Worker>,
    turns: Turns,
    folder: Arc<TempDir>,
    execution: Execution,
}

/// Virtual machine steps between two looks at the context.
const STEPS_PER_CHECK: i32 = 1000;
const STATEMENTS_CACHED: usize = 64;

impl Db {
    /// A new, empty database below `scratch`, with `schema` applied.
    pub async fn create(scratch: &Path, schema: &str, execution: Execution) -> Result<Db, DbError> {
        std::fs::create_dir_all(scratch).map_err(DbError::Folder)?;
        let folder = tempfile::Builder::new()
            .prefix("model-")
            .tempdir_in(scratch)
            .map_err(DbError::Folder)?;
        let writer = open(folder.path())?;
        writer.execute_batch(schema)?;
        let count = match execution {
            Execution::Threads { readers } => readers.max(1),
            Execution::Inline => 1,
        };
        let readers = (0..count).map(|_| open(folder.path())).collect::<Result<_, _>>()?;
        Ok(Db {
            writer: Arc::new(Worker::new(vec![writer], execution)),
            readers: Arc::new(Worker::new(readers, execution)),
            turns: Turns::default(),
            folder: Arc::new(folder),
            execution,
        })
    }

    /// Runs `work` in a transaction that may write.
    pub async fn run<T, E>(
        &self,
        ctx: &Context,
        work: impl FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        self.write(ctx, Length::Long, Ending::Commit, work).await
    }

    async fn write<T, E>(
        &self,
        ctx: &Context,
        length: Length,
        ending: Ending,
        work: impl FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let turns = self.turns.clone();
        let work = move |tx: &Tx<'_>| {
            turns.next();
            work(tx)
        };
        transaction(&self.writer, ctx, length, (BEGIN_WRITE, ending), work).await
    }

    /// Runs `work` on one consistent state. It must not write.
    pub async fn read<T, E>(
        &self,
        ctx: &Context,
        work: impl FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let kind = (BEGIN_READ, Ending::RollBack);
        transaction(&self.readers, ctx, Length::Long, kind, work).await
    }

    /// The state as it is now, for many reads to come. Writers go on.
    pub async fn snapshot(&self, ctx: &Context) -> Result<Snapshot, DbError> {
        let worker = Worker::new(vec![open(self.folder.path())?], self.execution);
        let begin = |conn: &mut Connection| -> Result<(), DbError> {
            // The snapshot is taken by the first read, not by BEGIN.
            conn.execute_batch("BEGIN DEFERRED; SELECT count(*) FROM sqlite_schema")?;
            Ok(())
        };
        ctx.check()?;
        worker.call(Length::Long, begin).await??;
        Ok(Snapshot { worker, _folder: Arc::clone(&self.folder) })
    }
}

/// One state of a database, whatever is written meanwhile.
pub struct Snapshot {
    worker: Worker,
    _folder: Arc<TempDir>,
}

impl Snapshot {
    pub async fn read<T, E>(
        &self,
        ctx: &Context,
        work: impl FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let ctx = ctx.clone();
        let job = move |conn: &mut Connection| {
            watch_context(conn, &ctx)?;
            work(&Tx::new(conn, ctx))
        };
        self.worker.call(Length::Long, job).await.map_err(E::from)?
    }
}

async fn transaction<T, E>(
    worker: &Worker,
    ctx: &Context,
    length: Length,
    (begin, ending): (&'static str, Ending),
    work: impl FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<DbError> + Send + 'static,
{
    let ctx = ctx.clone();
    let job = move |conn: &mut Connection| -> Result<T, E> {
        speculation::close(conn)?;
        watch_context(conn, &ctx)?;
        let open = Open::begin(conn, begin, &ctx)?;
        let done = work(&Tx::new(conn, ctx))?;
        open.end(ending)?;
        Ok(done)
    };
    worker.call(length, job).await.map_err(E::from)?
}

/// Interrupts statements once the context is over, until the next job says otherwise.
fn watch_context(conn: &mut Connection, ctx: &Context) -> Result<(), DbError> {
    ctx.check()?;
    let ctx = ctx.clone();
    conn.progress_handler(STEPS_PER_CHECK, Some(move || ctx.check().is_err()))?;
    Ok(())
}

fn open(folder: &Path) -> Result<Connection, DbError> {
    let conn = Connection::open(folder.join("model.sqlite"))?;
    // What a savepoint may undo is kept in memory, not in a file for each; and pages that every
    // commit writes are copied out of the log more seldom.
    conn.execute_batch(
        "PRAGMA page_size = 2048;
         PRAGMA journal_mode = WAL;
         PRAGMA wal_autocheckpoint = 8000;
         PRAGMA synchronous = OFF;
         PRAGMA temp_store = MEMORY;
         PRAGMA foreign_keys = ON;
         PRAGMA trusted_schema = OFF;",
    )?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
    Ok(conn)
}

#[cfg(test)]
mod tests;
