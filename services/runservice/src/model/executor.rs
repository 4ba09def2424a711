use drydock_api::names::{Name, Ref};
use drydock_core::db::{DbError, Tx};
use drydock_http::api::page::{Order, PageRequest};

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

/// One page of executors by name.
pub fn list(tx: &Tx<'_>, page: &PageRequest) -> Result<Vec<Executor>, DbError> {
    let (compare, direction) = match page.order {
        Order::Ascending => (">", "ASC"),
        Order::Descending => ("<", "DESC"),
    };
    let after = page.after.as_ref();
    let after = after.map(|cursor| (cursor.name.clone(), cursor.id.to_string())).unzip();
    let sql = format!(
        "SELECT data FROM executors
         WHERE (?1 IS NULL OR (name, id) {compare} (?1, ?2))
         ORDER BY name {direction}, id {direction} LIMIT ?3"
    );
    tx.query_objects(&sql, rusqlite::params![after.0, after.1, page.fetch()])
}

/// The executors that may get tasks.
pub fn serving(tx: &Tx<'_>) -> Result<Vec<Executor>, DbError> {
    let sql = "SELECT data FROM executors
        WHERE data ->> '$.enabled' AND NOT data ->> '$.drain' AND data ->> '$.session' > 0";
    tx.query_objects(sql, [])
}
