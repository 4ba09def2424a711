//! Foreign keys while a database is filled.
//!
//! Objects arrive by type and id, so an object that refers to its own type may come before its
//! target. While references are deferred no statement checks them; afterwards all are checked at
//! once.

use rusqlite::{Connection, OptionalExtension};

use super::{Db, DbError, RunOn, open_transaction, watch_context};
use crate::context::Context;

/// A reference that leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dangling {
    pub table: String,
    pub id: String,
    /// The table in which the target is missing.
    pub target: String,
}

impl std::fmt::Display for Dangling {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Dangling { table, id, target } = self;
        write!(f, "object `{id}` of `{table}` refers to an object of `{target}` that is not there")
    }
}

impl Db {
    /// Stops checking references until [`check_references`](Self::check_references).
    pub async fn defer_references(&self) -> Result<(), DbError> {
        // Inside a transaction the pragma would have no effect.
        let off = |conn: &mut Connection| -> Result<(), DbError> {
            open_transaction::roll_back(conn)?;
            Ok(conn.pragma_update(None, "foreign_keys", false)?)
        };
        self.writer.call(RunOn::Thread, off).await?
    }

    /// Finds a reference that leads nowhere, and checks every statement from now on.
    pub async fn check_references(&self, ctx: &Context) -> Result<Option<Dangling>, DbError> {
        let ctx = ctx.clone();
        let check = move |conn: &mut Connection| -> Result<Option<Dangling>, DbError> {
            open_transaction::roll_back(conn)?;
            conn.pragma_update(None, "foreign_keys", true)?;
            watch_context(conn, &ctx)?;
            first_dangling(conn)
        };
        self.writer.call(RunOn::Thread, check).await?
    }
}

fn first_dangling(conn: &Connection) -> Result<Option<Dangling>, DbError> {
    let found = conn
        .query_row("PRAGMA foreign_key_check", [], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, String>(2)?))
        })
        .optional()?;
    let Some((table, row, target)) = found else { return Ok(None) };
    let sql = format!("SELECT id FROM \"{table}\" WHERE rowid = ?1");
    let id = conn.query_row(&sql, [row], |row| row.get(0))?;
    Ok(Some(Dangling { table, id, target }))
}
