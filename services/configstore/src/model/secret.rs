use std::collections::{BTreeMap, BTreeSet};

use drydock_api::configstore::types::Scope;
use drydock_api::names::{Name, Ref};
use drydock_core::db::{DbError, Tx};
use drydock_http::api::page::PageRequest;
use uuid::Uuid;

use super::page;
use crate::record::Secret;
use crate::schema::SECRETS;

pub fn find(tx: &Tx<'_>, place: Uuid, secret: &Ref) -> Result<Option<Secret>, DbError> {
    match secret {
        Ref::Id(id) => {
            let found: Option<Secret> = tx.get(SECRETS, *id)?;
            Ok(found.filter(|found| found.place() == Some(place)))
        }
        Ref::Name(name) => by_name(tx, place, name),
    }
}

/// The one that is defined at this very place.
pub fn by_name(tx: &Tx<'_>, place: Uuid, name: &Name) -> Result<Option<Secret>, DbError> {
    let sql = "SELECT data FROM secrets
        WHERE (project = ?1 OR project_group = ?1) AND name = ?2";
    let found = tx.query_objects(sql, [&place.to_string(), name.as_str()])?;
    Ok(found.into_iter().next())
}

/// What is defined at these places, in their order, then by name.
pub fn list(tx: &Tx<'_>, places: &[Scope], request: &PageRequest) -> Result<Vec<Secret>, DbError> {
    let select = "SELECT data FROM (
            SELECT s.data, s.id, printf ('%03d/%s', place.key, s.name) AS sort
            FROM json_each (:scope) place
            JOIN secrets s ON s.project = place.value OR s.project_group = place.value
        ) WHERE TRUE";
    page::objects_in(tx, select, ("sort", "id"), super::tree::ids(places), request)
}

pub fn ids_at(tx: &Tx<'_>, place: Uuid) -> Result<Vec<Uuid>, DbError> {
    let sql = "SELECT id FROM secrets WHERE project = ?1 OR project_group = ?1 ORDER BY id";
    tx.query(sql, [place.to_string()], super::id)
}

/// The nearest definition at these places.
pub fn nearest(tx: &Tx<'_>, places: &[Scope], name: &Name) -> Result<Option<Secret>, DbError> {
    let sql = "SELECT s.data FROM json_each (?1) place
        JOIN secrets s ON s.project = place.value OR s.project_group = place.value
        WHERE s.name = ?2 ORDER BY place.key LIMIT 1";
    let found = tx.query_objects(sql, [&super::tree::ids(places), name.as_str()])?;
    Ok(found.into_iter().next())
}

/// How many need each key.
pub fn count_by_key(tx: &Tx<'_>) -> Result<BTreeMap<String, i64>, DbError> {
    let sql = "SELECT data ->> '$.data.key', count(*) FROM secrets GROUP BY 1";
    let counts = tx.query(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(counts.into_iter().collect())
}

/// Some that need one of `known` which is not `primary`.
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
