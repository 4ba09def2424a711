//! Secrets and variables: what is defined in a scope, or in several.

use drydock_api::configstore::types::Scope;
use drydock_api::names::{Name, Ref};
use drydock_core::db::{DbError, Tx};
use drydock_http::api::page::PageRequest;
use uuid::Uuid;

use super::page;
use crate::record::ScopedRecord;

pub fn find<R: ScopedRecord>(tx: &Tx<'_>, scope: Uuid, object: &Ref) -> Result<Option<R>, DbError> {
    match object {
        Ref::Id(id) => {
            let found: Option<R> = tx.get(R::TABLE, *id)?;
            Ok(found.filter(|found| found.scope() == Some(scope)))
        }
        Ref::Name(name) => by_name(tx, scope, name),
    }
}

/// The object with this name that is defined in this scope, and not above it.
pub fn by_name<R: ScopedRecord>(
    tx: &Tx<'_>,
    scope: Uuid,
    name: &Name,
) -> Result<Option<R>, DbError> {
    let sql = format!(
        "SELECT data FROM {} WHERE (project = ?1 OR project_group = ?1) AND name = ?2",
        R::TABLE
    );
    let found = tx.query_objects(&sql, [&scope.to_string(), name.as_str()])?;
    Ok(found.into_iter().next())
}

/// The objects that are defined in these scopes, in the order of the scopes, then by name.
pub fn list<R: ScopedRecord>(
    tx: &Tx<'_>,
    scopes: &[Scope],
    request: &PageRequest,
) -> Result<Vec<R>, DbError> {
    let select = format!(
        "SELECT data FROM (
            SELECT s.data, s.id, printf ('%03d/%s', scope.key, s.name) AS sort
            FROM json_each (:scope) scope
            JOIN {} s ON s.project = scope.value OR s.project_group = scope.value
        ) WHERE TRUE",
        R::TABLE
    );
    page::objects_in(tx, &select, ("sort", "id"), super::tree::ids(scopes), request)
}

/// All objects that are defined in these scopes, in the order of the scopes, then by name.
pub fn all<R: ScopedRecord>(tx: &Tx<'_>, scopes: &[Scope]) -> Result<Vec<R>, DbError> {
    let sql = format!(
        "SELECT s.data FROM json_each (?1) scope
            JOIN {} s ON s.project = scope.value OR s.project_group = scope.value
            ORDER BY scope.key, s.name",
        R::TABLE
    );
    tx.query_objects(&sql, [super::tree::ids(scopes)])
}
