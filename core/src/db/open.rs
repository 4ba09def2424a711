//! Where a transaction begins and ends.

use std::time::Duration;

use rusqlite::{Connection, ErrorCode};

use super::DbError;
use crate::context::Context;

pub(super) const BEGIN_WRITE: &str = "BEGIN IMMEDIATE";
pub(super) const BEGIN_READ: &str = "BEGIN DEFERRED";
pub(super) const COMMIT: &str = "COMMIT";
pub(super) const ROLLBACK: &str = "ROLLBACK";

/// Attempts to begin while another connection holds a lock, [`BUSY_PAUSE`] apart.
const BUSY_ATTEMPTS: u32 = 50;
const BUSY_PAUSE: Duration = Duration::from_millis(10);

/// What becomes of a transaction whose closure returned.
#[derive(Clone, Copy)]
pub(super) enum Ending {
    Commit,
    RollBack,
    /// Not yet.
    Open,
}

/// An open transaction. Dropping it rolls back: so do an error and a panic.
pub(super) struct Open<'c>(&'c Connection);

impl<'c> Open<'c> {
    pub(super) fn begin(
        conn: &'c Connection,
        statement: &str,
        ctx: &Context,
    ) -> Result<Open<'c>, DbError> {
        let mut attempts = 0;
        loop {
            ctx.check()?;
            attempts += 1;
            match execute(conn, statement) {
                Err(error) if is_busy(&error) && attempts < BUSY_ATTEMPTS => {
                    #[expect(
                        clippy::disallowed_methods,
                        reason = "on a database thread; never inline"
                    )]
                    std::thread::sleep(BUSY_PAUSE);
                }
                begun => return Ok(begun.map(|()| Open(conn))?),
            }
        }
    }

    pub(super) fn end(self, ending: Ending) -> Result<(), DbError> {
        match ending {
            Ending::Commit => execute(self.0, COMMIT)?,
            Ending::RollBack => execute(self.0, ROLLBACK)?,
            Ending::Open => std::mem::forget(self),
        }
        Ok(())
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if !self.0.is_autocommit() {
            // Whoever begins next hears what is wrong with the connection.
            let _ = execute(self.0, ROLLBACK);
        }
    }
}

/// What is prepared once: parsing takes longer than these do.
pub(super) fn execute(conn: &Connection, statement: &str) -> rusqlite::Result<()> {
    conn.prepare_cached(statement)?.execute([]).map(drop)
}

fn is_busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
}
