use drydock_api::configstore::types::User;
use drydock_api::names::{Name, Ref};
use drydock_core::db::{DbError, Tx};
use drydock_http::api::page::PageRequest;
use uuid::Uuid;

use super::page;

pub fn find(tx: &Tx<'_>, user: &Ref) -> Result<Option<User>, DbError> {
    match user {
        Ref::Id(id) => by_id(tx, *id),
        Ref::Name(name) => by_name(tx, name),
    }
}

/// The user, unless it is deleted.
pub fn by_id(tx: &Tx<'_>, id: Uuid) -> Result<Option<User>, DbError> {
    let sql = "SELECT data FROM users WHERE id = ?1 AND deleted_at IS NULL";
    Ok(tx.query_objects(sql, [id.to_string()])?.into_iter().next())
}

pub fn by_name(tx: &Tx<'_>, name: &Name) -> Result<Option<User>, DbError> {
    let found = tx.query_objects("SELECT data FROM users WHERE name = ?1", [name.as_str()])?;
    Ok(found.into_iter().next())
}

pub fn list(tx: &Tx<'_>, request: &PageRequest) -> Result<Vec<User>, DbError> {
    let select = "SELECT data FROM users WHERE deleted_at IS NULL";
    page::objects(tx, select, ("name", "id"), request)
}
