use drydock_api::names::{Name, Ref};
use drydock_core::db::{DbError, Tx};

use crate::record::Executor;
use crate::schema::EXECUTORS;

pub fn find(tx: &Tx<'_>, executor: &Ref) -> Result<Option<Executor>, DbError> {
    match executor {
        Ref::Id(id) => tx.get(EXECUTORS, *id),
        Ref::Name(name) => by_name(tx, name),
    }
}

pub fn by_name(tx: &Tx<'_>, name: &Name) -> Result<Option<Executor>, DbError> {
    let sql = "SELECT data FROM executors WHERE name = ?1";
    Ok(tx.query_objects(sql, [name.as_str()])?.into_iter().next())
}

pub fn by_token_hash(tx: &Tx<'_>, hash: &str) -> Result<Option<Executor>, DbError> {
    let sql = "SELECT data FROM executors WHERE token_hash = ?1";
    Ok(tx.query_objects(sql, [hash])?.into_iter().next())
}
