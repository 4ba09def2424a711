use drydock_api::configstore::types::Scope;
use drydock_api::names::{Name, Ref};
use drydock_core::db::{DbError, Tx};
use drydock_http::api::page::PageRequest;
use uuid::Uuid;

use super::page;
use crate::record::Variable;
use crate::schema::VARIABLES;

pub fn find(tx: &Tx<'_>, place: Uuid, variable: &Ref) -> Result<Option<Variable>, DbError> {
    match variable {
        Ref::Id(id) => {
            let found: Option<Variable> = tx.get(VARIABLES, *id)?;
            Ok(found.filter(|found| found.place() == Some(place)))
        }
        Ref::Name(name) => by_name(tx, place, name),
    }
}

/// The one that is defined at this very place.
pub fn by_name(tx: &Tx<'_>, place: Uuid, name: &Name) -> Result<Option<Variable>, DbError> {
    let sql = "SELECT data FROM variables
        WHERE (project = ?1 OR project_group = ?1) AND name = ?2";
    let found = tx.query_objects(sql, [&place.to_string(), name.as_str()])?;
    Ok(found.into_iter().next())
}

/// What is defined at these places, in their order, then by name.
pub fn list(
    tx: &Tx<'_>,
    places: &[Scope],
    request: &PageRequest,
) -> Result<Vec<Variable>, DbError> {
    let select = "SELECT data FROM (
            SELECT s.data, s.id, printf ('%03d/%s', place.key, s.name) AS sort
            FROM json_each (:scope) place
            JOIN variables s ON s.project = place.value OR s.project_group = place.value
        ) WHERE TRUE";
    page::objects_in(tx, select, ("sort", "id"), super::tree::ids(places), request)
}

pub fn ids_at(tx: &Tx<'_>, place: Uuid) -> Result<Vec<Uuid>, DbError> {
    let sql = "SELECT id FROM variables WHERE project = ?1 OR project_group = ?1 ORDER BY id";
    tx.query(sql, [place.to_string()], super::id)
}

/// All that is defined at these places, in their order, then by name.
pub fn all(tx: &Tx<'_>, places: &[Scope]) -> Result<Vec<Variable>, DbError> {
    let sql = "SELECT v.data FROM json_each (?1) place
        JOIN variables v ON v.project = place.value OR v.project_group = place.value
        ORDER BY place.key, v.name";
    tx.query_objects(sql, [super::tree::ids(places)])
}
