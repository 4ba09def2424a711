use drydock_api::configstore::types::RemoteSource;
use drydock_api::names::{Name, Ref};
use drydock_core::db::{DbError, Tx};
use drydock_http::api::page::PageRequest;
use uuid::Uuid;

use super::page;
use crate::schema::REMOTE_SOURCES;

pub fn find(tx: &Tx<'_>, source: &Ref) -> Result<Option<RemoteSource>, DbError> {
    match source {
        Ref::Id(id) => tx.get(REMOTE_SOURCES, *id),
        Ref::Name(name) => by_name(tx, name),
    }
}

pub fn by_name(tx: &Tx<'_>, name: &Name) -> Result<Option<RemoteSource>, DbError> {
    let sql = "SELECT data FROM remote_sources WHERE name = ?1";
    let found = tx.query_objects(sql, [name.as_str()])?;
    Ok(found.into_iter().next())
}

pub fn list(tx: &Tx<'_>, request: &PageRequest) -> Result<Vec<RemoteSource>, DbError> {
    let select = "SELECT data FROM remote_sources WHERE TRUE";
    page::objects(tx, select, ("name", "id"), request)
}

pub fn has_projects(tx: &Tx<'_>, source: Uuid) -> Result<bool, DbError> {
    let sql = "SELECT 1 FROM projects WHERE remote_source = ?1 LIMIT 1";
    Ok(tx.query_one(sql, [source.to_string()], |_| Ok(()))?.is_some())
}

pub fn has_accounts(tx: &Tx<'_>, source: Uuid) -> Result<bool, DbError> {
    let sql = "SELECT 1 FROM linked_accounts WHERE remote_source = ?1 LIMIT 1";
    Ok(tx.query_one(sql, [source.to_string()], |_| Ok(()))?.is_some())
}
