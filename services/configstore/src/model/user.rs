use drydock_api::configstore::types::User;
use drydock_api::names::{Name, Ref};
use drydock_core::db::{DbError, Tx};
use drydock_http::api::page::PageRequest;

use super::page;
use crate::schema::USERS;

pub fn find(tx: &Tx<'_>, user: &Ref) -> Result<Option<User>, DbError> {
    match user {
        Ref::Id(id) => tx.get(USERS, *id),
        Ref::Name(name) => by_name(tx, name),
    }
}

pub fn by_name(tx: &Tx<'_>, name: &Name) -> Result<Option<User>, DbError> {
    let found = tx.query_objects("SELECT data FROM users WHERE name = ?1", [name.as_str()])?;
    Ok(found.into_iter().next())
}

pub fn list(tx: &Tx<'_>, request: &PageRequest) -> Result<Vec<User>, DbError> {
    let select = "SELECT data FROM users WHERE TRUE";
    page::objects(tx, select, ("name", "id"), request)
}
