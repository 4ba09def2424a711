use std::collections::{BTreeMap, BTreeSet};

use drydock_api::configstore::types::Scope;
use drydock_api::names::Name;
use drydock_core::db::{DbError, Tx};

use crate::record::Secret;

/// The secret with this name at the nearest of these scopes.
pub fn nearest(tx: &Tx<'_>, scopes: &[Scope], name: &Name) -> Result<Option<Secret>, DbError> {
    let sql = "SELECT s.data FROM json_each (?1) scope
        JOIN secrets s ON s.project = scope.value OR s.project_group = scope.value
        WHERE s.name = ?2 ORDER BY scope.key LIMIT 1";
    let found = tx.query_objects(sql, [&super::tree::ids(scopes), name.as_str()])?;
    Ok(found.into_iter().next())
}

/// The number of secrets that need each encryption key.
pub fn count_by_key(tx: &Tx<'_>) -> Result<BTreeMap<String, i64>, DbError> {
    let sql = "SELECT data ->> '$.data.key', count(*) FROM secrets GROUP BY 1";
    let counts = tx.query(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(counts.into_iter().collect())
}

/// Some secrets that need a key of `known` other than `primary`.
pub fn under_other_keys(
    tx: &Tx<'_>,
    primary: &str,
    known: &BTreeSet<String>,
    limit: u32,
) -> Result<Vec<Secret>, DbError> {
    let others: Vec<_> = known.iter().filter(|key| *key != primary).collect();
    let others = serde_json::to_string(&others).expect("texts are JSON");
    let sql = "SELECT data FROM secrets
        WHERE data ->> '$.data.key' IN (SELECT value FROM json_each (?1)) ORDER BY id LIMIT ?2";
    tx.query_objects(sql, rusqlite::params![others, limit])
}
