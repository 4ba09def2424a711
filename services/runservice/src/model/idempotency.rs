use drydock_core::db::{DbError, Tx};
use rusqlite::params;
use uuid::Uuid;

use super::row::{id, number};

/// The ids of some records that were made before this time, the oldest first.
pub fn created_before(tx: &Tx<'_>, moment_ms: i64, limit: u32) -> Result<Vec<Uuid>, DbError> {
    let sql = "SELECT id FROM idempotency_keys WHERE created_ms <= ?1
        ORDER BY created_ms, id LIMIT ?2";
    tx.query(sql, params![moment_ms, limit], |row| id(row, 0))
}

pub fn count(tx: &Tx<'_>) -> Result<u64, DbError> {
    let sql = "SELECT count(*) FROM idempotency_keys";
    Ok(tx.query_one(sql, [], |row| number(row, 0))?.unwrap_or(0))
}
