use drydock_core::db::column::{id, number};
use drydock_core::db::{DbError, Tx};
use uuid::Uuid;

/// The numbers of the oldest and the newest event.
pub fn span(tx: &Tx<'_>) -> Result<Option<(u64, u64)>, DbError> {
    let first = "SELECT seq FROM run_events ORDER BY seq LIMIT 1";
    let last = "SELECT seq FROM run_events ORDER BY seq DESC LIMIT 1";
    let first = tx.query_one(first, [], |row| number(row, 0))?;
    Ok(first.zip(tx.query_one(last, [], |row| number(row, 0))?))
}

/// The ids of the oldest events.
pub fn oldest(tx: &Tx<'_>, limit: u32) -> Result<Vec<Uuid>, DbError> {
    let sql = "SELECT id FROM run_events ORDER BY seq LIMIT ?1";
    tx.query(sql, [limit], |row| id(row, 0))
}
