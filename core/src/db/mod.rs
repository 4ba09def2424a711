//! SQLite with a context: `db.run(ctx, |tx| …)`.
//!
//! Invariants: the context is given once and saved in [`Tx`]; every statement honours it, and a
//! running statement is interrupted when the context ends. A transaction commits on `Ok` and rolls
//! back on `Err` or panic. There is one writer; readers never block it; a snapshot never changes. A
//! database is disposable: it lives in a folder of its own that is deleted with it.
//!
//! In production each connection has a thread, and only short work may run on the caller's thread;
//! in the simulator all work runs inline.
//! Absent on purpose: SQL functions of time and randomness, and durability.

pub mod column;
mod open_transaction;
mod references;
mod transaction;
mod tx;
mod worker;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};
use tempfile::TempDir;

pub use open_transaction::OpenTransaction;
use open_transaction::WriteEpoch;
pub use references::Dangling;
use transaction::{BEGIN_READ, BEGIN_WRITE, Ending, RollbackGuard};
pub use tx::Tx;
use worker::Worker;

use crate::context::{Context, Interrupted};
use crate::error::ActionError;
use crate::private;

/// Where statements run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Execution {
    /// On database threads: one for the writer, `readers` for reads.
    Threads { readers: usize },
    /// On the caller's thread, at once: deterministic.
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
    #[error("an object cannot be encoded")]
    Encode(#[source] serde_json::Error),
    #[error("the database is closed")]
    Closed,
    #[error("the snapshot is given up: the write-ahead log has grown to `{bytes}` bytes")]
    GivenUp { bytes: u64 },
    #[error("another process keeps the read model locked")]
    Busy,
    /// Nothing was changed.
    #[error("the disk of the read model is full: {0}")]
    Full(String),
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
                ErrorCode::DiskFull => DbError::Full(failure.to_string()),
                // The index of the write-ahead log is a file of its own, which grows apart.
                _ if failure.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE => {
                    DbError::Full(failure.to_string())
                }
                ErrorCode::ConstraintViolation => {
                    DbError::Constraint(text.clone().unwrap_or_else(|| failure.to_string()))
                }
                _ => DbError::Sqlite(error),
            },
            _ => DbError::Sqlite(error),
        }
    }
}

impl<F> From<DbError> for ActionError<F> {
    fn from(error: DbError) -> ActionError<F> {
        ActionError::internal(error)
    }
}

impl DbError {
    fn of_folder(error: std::io::Error) -> DbError {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                DbError::Full(error.to_string())
            }
            _ => DbError::Folder(error),
        }
    }
}

/// Which thread a job runs on, with [`Execution::Threads`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunOn {
    /// On the caller's thread if the connection is idle: for a few statements.
    Caller,
    /// On the connection's thread.
    Thread,
}

/// One database in a folder of its own. Cheap to clone; the last clone deletes the folder.
#[derive(Clone)]
pub struct Db {
    writer: Arc<Worker>,
    readers: Arc<Worker>,
    epoch: WriteEpoch,
    folder: Arc<TempDir>,
    execution: Execution,
    wal_bytes_max: u64,
}

/// Virtual machine steps between two checks of the context.
const STEPS_PER_CHECK: i32 = 1000;
const STATEMENTS_CACHED: usize = 64;
/// The size of a page, as [`open`] sets it.
const PAGE_BYTES: u64 = 2048;

/// Attempts to begin a transaction while another connection holds a lock, [`BUSY_PAUSE`] apart.
const BUSY_ATTEMPTS: u32 = 50;
const BUSY_PAUSE: Duration = Duration::from_millis(10);

/// The greatest size of the write-ahead log: snapshots that keep it from being written anew are
/// given up.
const WAL_BYTES_MAX: u64 = 1 << 30;

impl Db {
    /// A new, empty database below `scratch`, with `schema` applied.
    pub async fn create(scratch: &Path, schema: &str, execution: Execution) -> Result<Db, DbError> {
        private::create_dir_all(scratch).map_err(DbError::of_folder)?;
        let folder = tempfile::Builder::new()
            .prefix("model-")
            .tempdir_in(scratch)
            .map_err(DbError::of_folder)?;
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
            epoch: WriteEpoch::default(),
            folder: Arc::new(folder),
            execution,
            wal_bytes_max: WAL_BYTES_MAX,
        })
    }

    /// From now on a write that makes the database larger than that fails with
    /// [`DbError::Full`].
    pub async fn bound(&self, bytes: u64) -> Result<(), DbError> {
        let pages = i64::try_from(bytes / PAGE_BYTES).unwrap_or(i64::MAX).max(1);
        let bound = move |conn: &mut Connection| -> Result<(), DbError> {
            // Answers the new bound, which is never below the present size.
            Ok(conn.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?)
        };
        self.writer.call(RunOn::Thread, bound).await?
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
        self.write(ctx, RunOn::Thread, Ending::Commit, work).await
    }

    async fn write<T, E>(
        &self,
        ctx: &Context,
        run_on: RunOn,
        ending: Ending,
        work: impl FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let epoch = self.epoch.clone();
        let work = move |tx: &Tx<'_>| {
            epoch.next();
            work(tx)
        };
        transaction(&self.writer, ctx, run_on, (BEGIN_WRITE, ending), work).await
    }

    /// Runs `work` on one consistent state. `work` must not write.
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
        transaction(&self.readers, ctx, RunOn::Thread, kind, work).await
    }

    /// A snapshot of the present state, for many reads. Writers are not blocked.
    pub async fn snapshot(&self, ctx: &Context) -> Result<Snapshot, DbError> {
        let worker = Worker::new(vec![open(self.folder.path())?], self.execution);
        let begin = |conn: &mut Connection| -> Result<(), DbError> {
            // The snapshot is taken by the first read, not by BEGIN.
            conn.execute_batch("BEGIN DEFERRED; SELECT count(*) FROM sqlite_schema")?;
            Ok(())
        };
        ctx.check()?;
        worker.call(RunOn::Thread, begin).await??;
        let (folder, wal_bytes_max) = (Arc::clone(&self.folder), self.wal_bytes_max);
        Ok(Snapshot { worker, folder, wal_bytes_max })
    }

    /// The size of the write-ahead log's file.
    pub fn wal_bytes(&self) -> u64 {
        wal_bytes(&self.folder)
    }
}

fn wal_bytes(folder: &TempDir) -> u64 {
    let wal = std::fs::metadata(folder.path().join("model.sqlite-wal"));
    wal.map_or(0, |wal| wal.len())
}

/// One state of a database; later writes do not change it.
pub struct Snapshot {
    worker: Worker,
    folder: Arc<TempDir>,
    wal_bytes_max: u64,
}

impl Snapshot {
    /// Fails if the write-ahead log, of which this snapshot keeps every later write, is too large.
    /// Whoever holds the snapshot must drop it then.
    pub fn check(&self) -> Result<(), DbError> {
        match wal_bytes(&self.folder) {
            bytes if bytes > self.wal_bytes_max => Err(DbError::GivenUp { bytes }),
            _ => Ok(()),
        }
    }

    pub async fn read<T, E>(
        &self,
        ctx: &Context,
        work: impl FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        self.check()?;
        let ctx = ctx.clone();
        let job = move |conn: &mut Connection| {
            watch_context(conn, &ctx)?;
            work(&Tx::new(conn, ctx))
        };
        self.worker.call(RunOn::Thread, job).await.map_err(E::from)?
    }
}

async fn transaction<T, E>(
    worker: &Worker,
    ctx: &Context,
    run_on: RunOn,
    (begin, ending): (&'static str, Ending),
    work: impl FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<DbError> + Send + 'static,
{
    let mut work = work;
    for _ in 0..BUSY_ATTEMPTS {
        let ctx_of_job = ctx.clone();
        let job = move |conn: &mut Connection| -> Result<Attempt<T, _>, E> {
            open_transaction::roll_back(conn)?;
            watch_context(conn, &ctx_of_job)?;
            let Some(guard) = RollbackGuard::begin(conn, begin)? else {
                return Ok(Attempt::Busy(work));
            };
            let done = work(&Tx::new(conn, ctx_of_job))?;
            guard.end(ending)?;
            Ok(Attempt::Done(done))
        };
        work = match worker.call(run_on, job).await.map_err(E::from)?? {
            Attempt::Done(done) => return Ok(done),
            Attempt::Busy(work) => work,
        };
        // Here and not on the connection, whose thread may be one of the runtime.
        let pause = ctx.run(tokio::time::sleep(BUSY_PAUSE)).await;
        pause.map_err(|interrupted| E::from(DbError::from(interrupted)))?;
    }
    Err(E::from(DbError::Busy))
}

/// The result of one attempt to run a transaction.
enum Attempt<T, W> {
    Done(T),
    /// It could not begin; its work has not run.
    Busy(W),
}

/// Interrupts statements once the context is over, until the next job sets its own context.
fn watch_context(conn: &mut Connection, ctx: &Context) -> Result<(), DbError> {
    ctx.check()?;
    let ctx = ctx.clone();
    conn.progress_handler(STEPS_PER_CHECK, Some(move || ctx.check().is_err()))?;
    Ok(())
}

fn open(folder: &Path) -> Result<Connection, DbError> {
    let conn = Connection::open(folder.join("model.sqlite"))?;
    // SQLite would wait for a lock by keeping its thread asleep, for 5 s by default.
    conn.busy_timeout(Duration::ZERO)?;
    // Undo data of savepoints is kept in memory, not in a file for each savepoint; and pages that
    // every commit writes are copied from the WAL to the database less often.
    conn.execute_batch(
        "PRAGMA page_size = 2048;
         PRAGMA journal_mode = WAL;
         PRAGMA wal_autocheckpoint = 8000;
         PRAGMA journal_size_limit = 67108864;
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
