//! Beginning and ending a transaction on a connection.

use rusqlite::{Connection, ErrorCode};

use super::DbError;

pub(super) const BEGIN_WRITE: &str = "BEGIN IMMEDIATE";
pub(super) const BEGIN_READ: &str = "BEGIN DEFERRED";
pub(super) const COMMIT: &str = "COMMIT";
pub(super) const ROLLBACK: &str = "ROLLBACK";

/// How a transaction ends once its closure has returned `Ok`.
#[derive(Clone, Copy)]
pub(super) enum Ending {
    Commit,
    RollBack,
    /// The transaction stays open.
    StayOpen,
}

/// Rolls the transaction back when dropped, so also on an error and on a panic.
pub(super) struct RollbackGuard<'c>(&'c Connection);

impl<'c> RollbackGuard<'c> {
    /// Begins a transaction. `None`: another connection holds a lock.
    pub(super) fn begin(
        conn: &'c Connection,
        statement: &str,
    ) -> Result<Option<RollbackGuard<'c>>, DbError> {
        match execute(conn, statement) {
            Err(error) if is_busy(&error) => Ok(None),
            begun => Ok(Some(begun.map(|()| RollbackGuard(conn))?)),
        }
    }

    pub(super) fn end(self, ending: Ending) -> Result<(), DbError> {
        match ending {
            Ending::Commit => execute(self.0, COMMIT)?,
            Ending::RollBack => execute(self.0, ROLLBACK)?,
            Ending::StayOpen => std::mem::forget(self),
        }
        Ok(())
    }
}

impl Drop for RollbackGuard<'_> {
    fn drop(&mut self) {
        if !self.0.is_autocommit() {
            // If this fails, the next transaction fails to begin and reports the error.
            let _ = execute(self.0, ROLLBACK);
        }
    }
}

/// Executes a statement that is prepared once: parsing takes longer than running it.
pub(super) fn execute(conn: &Connection, statement: &str) -> rusqlite::Result<()> {
    conn.prepare_cached(statement)?.execute([]).map(drop)
}

fn is_busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
}
