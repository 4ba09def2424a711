use drydock_api::runservice::types::ProjectId;
use drydock_core::db::column::{id, number};
use drydock_core::db::{DbError, Tx};
use uuid::Uuid;

use crate::record::RunEvent;

/// The numbers of the oldest and the newest event.
pub fn span(tx: &Tx<'_>) -> Result<Option<(u64, u64)>, DbError> {
    let first = "SELECT seq FROM run_events ORDER BY seq LIMIT 1";
    let last = "SELECT seq FROM run_events ORDER BY seq DESC LIMIT 1";
    let first = tx.query_one(first, [], |row| number(row, 0))?;
    Ok(first.zip(tx.query_one(last, [], |row| number(row, 0))?))
}

/// The events after this one, in their order; of one project, if it is given.
pub fn after(
    tx: &Tx<'_>,
    seq: u64,
    project: Option<ProjectId>,
    limit: u32,
) -> Result<Vec<RunEvent>, DbError> {
    let seq = i64::try_from(seq).unwrap_or(i64::MAX);
    let Some(project) = project else {
        let sql = "SELECT data FROM run_events WHERE seq > ?1 ORDER BY seq LIMIT ?2";
        return tx.query_objects(sql, rusqlite::params![seq, limit]);
    };
    let sql = "SELECT data FROM run_events WHERE project = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3";
    tx.query_objects(sql, rusqlite::params![project.to_string(), seq, limit])
}

/// The ids of the oldest events.
pub fn oldest(tx: &Tx<'_>, limit: u32) -> Result<Vec<Uuid>, DbError> {
    let sql = "SELECT id FROM run_events ORDER BY seq LIMIT ?1";
    tx.query(sql, [limit], |row| id(row, 0))
}
