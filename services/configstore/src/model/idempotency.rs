use drydock_core::db::{DbError, Tx};
use rusqlite::params;
use uuid::Uuid;

use super::id;

/// Some of the records made before this moment, the oldest first.
pub fn created_before(tx: &Tx<'_>, moment_ms: i64, limit: i64) -> Result<Vec<Uuid>, DbError> {
    let sql = "SELECT id FROM idempotency_keys WHERE created_ms <= ?1
        ORDER BY created_ms, id LIMIT ?2";
    tx.query(sql, params![moment_ms, limit], id)
}

pub fn count(tx: &Tx<'_>) -> Result<i64, DbError> {
    let count = tx.query_one("SELECT count(*) FROM idempotency_keys", [], |row| row.get(0))?;
    Ok(count.unwrap_or(0))
}
