use std::collections::BTreeSet;

use drydock_api::runservice::types::ProjectId;
use drydock_core::db::column::{id, number};
use drydock_core::db::{DbError, Tx};
use drydock_http::api::page::{Order, PageRequest};
use jiff::Timestamp;

use crate::record::Cache;

/// The most entries of one project, however small they are.
pub const MAX_ENTRIES: u64 = 10_000;

/// The entry of a scope with this key.
pub fn exact(
    tx: &Tx<'_>,
    project: ProjectId,
    scope: &str,
    key: &str,
) -> Result<Option<Cache>, DbError> {
    let sql = "SELECT data FROM caches WHERE project = ?1 AND scope = ?2 AND key = ?3";
    let found = tx.query_objects(sql, [project.to_string().as_str(), scope, key])?;
    Ok(found.into_iter().next())
}

/// The entries of a scope whose keys begin with this prefix, the newest by commit first.
pub fn newest(
    tx: &Tx<'_>,
    project: ProjectId,
    scope: &str,
    prefix: &str,
    limit: usize,
) -> Result<Vec<Cache>, DbError> {
    let sql = format!(
        "SELECT data FROM caches
        WHERE project = ?1 AND scope = ?2 AND key >= ?3 AND key < ?4
        ORDER BY place DESC LIMIT {limit}"
    );
    let beyond = format!("{prefix}{}", char::MAX);
    tx.query_objects(&sql, [project.to_string().as_str(), scope, prefix, beyond.as_str()])
}

/// The place of the next entry among all.
pub fn next_place(tx: &Tx<'_>) -> Result<u64, DbError> {
    let sql = "SELECT coalesce(max(place), 0) + 1 FROM caches";
    Ok(tx.query_one(sql, [], |row| number(row, 0))?.unwrap_or(1))
}

/// One page of a project's entries, in the order of their commits.
pub fn list(tx: &Tx<'_>, project: ProjectId, page: &PageRequest) -> Result<Vec<Cache>, DbError> {
    let (compare, direction) = match page.order {
        Order::Ascending => (">", "ASC"),
        Order::Descending => ("<", "DESC"),
    };
    let after = page.after.as_ref().map(|cursor| cursor.name.parse::<i64>().unwrap_or(0));
    let sql = format!(
        "SELECT data FROM caches
         WHERE project = ?1 AND (?2 IS NULL OR place {compare} ?2)
         ORDER BY place {direction} LIMIT ?3"
    );
    tx.query_objects(&sql, rusqlite::params![project.to_string(), after, page.fetch()])
}

/// Entries that nobody has used since this moment, the ones first that were not used for longest.
pub fn unused(tx: &Tx<'_>, before: Timestamp, limit: usize) -> Result<Vec<Cache>, DbError> {
    // As texts, times of one second compare in any order.
    let sql = format!(
        "SELECT data FROM caches WHERE last_used < ?1 ORDER BY last_used, id LIMIT {limit}"
    );
    tx.query_objects(&sql, [before.to_string()])
}

/// The projects with more than so many bytes of entries, or with too many entries.
pub fn beyond(tx: &Tx<'_>, quota: u64) -> Result<Vec<ProjectId>, DbError> {
    let sql = "SELECT project FROM caches
        GROUP BY project HAVING sum(size) > ?1 OR count(*) > ?2";
    let bounds = [signed(quota), signed(MAX_ENTRIES)];
    tx.query(sql, bounds, |row| Ok(ProjectId(id(row, 0)?)))
}

/// The bytes of a project's entries, and their number.
pub fn total(tx: &Tx<'_>, project: ProjectId) -> Result<(u64, u64), DbError> {
    let sql = "SELECT coalesce(sum(size), 0), count(*) FROM caches WHERE project = ?1";
    let read = |row: &rusqlite::Row<'_>| Ok((number(row, 0)?, number(row, 1)?));
    Ok(tx.query_one(sql, [project.to_string()], read)?.unwrap_or_default())
}

/// The entries of a project, the ones first that were not used for longest.
pub fn oldest(tx: &Tx<'_>, project: ProjectId, limit: usize) -> Result<Vec<Cache>, DbError> {
    let sql = format!(
        "SELECT data FROM caches WHERE project = ?1 ORDER BY last_used, place LIMIT {limit}"
    );
    tx.query_objects(&sql, [project.to_string()])
}

/// The names of objects that entries give, of those that begin with this text.
pub fn objects(tx: &Tx<'_>, begin: &str) -> Result<BTreeSet<String>, DbError> {
    let sql = "SELECT object FROM caches WHERE object >= ?1 AND object < ?2";
    let beyond = format!("{begin}{}", char::MAX);
    let names: Vec<String> = tx.query(sql, [begin, beyond.as_str()], |row| row.get(0))?;
    Ok(names.into_iter().collect())
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
