//! Pages of lists that are ordered by name, then id.

use drydock_core::db::column::object;
use drydock_core::db::{DbError, Tx};
use drydock_http::api::page::{Order, PageRequest};
use rusqlite::{Row, ToSql};
use serde::de::DeserializeOwned;
use uuid::Uuid;

/// The columns by which a list is ordered: name, then id.
type Columns = (&'static str, &'static str);

/// One page of objects. `select` ends in a WHERE clause to which conditions can be added.
pub fn objects<T: DeserializeOwned>(
    tx: &Tx<'_>,
    select: &str,
    columns: Columns,
    request: &PageRequest,
) -> Result<Vec<T>, DbError> {
    rows(tx, select, columns, Given::default(), request, |row| object(row, 0))
}

/// One page of objects within `:scope`.
pub fn objects_in<T: DeserializeOwned>(
    tx: &Tx<'_>,
    select: &str,
    columns: Columns,
    scope: impl ToString,
    request: &PageRequest,
) -> Result<Vec<T>, DbError> {
    rows(tx, select, columns, Given::scope(scope), request, |row| object(row, 0))
}

/// One page of objects within `:scope`; `filter` is the value of `:filter`.
pub fn objects_like<T: DeserializeOwned>(
    tx: &Tx<'_>,
    select: &str,
    columns: Columns,
    scope: impl ToString,
    filter: Option<&str>,
    request: &PageRequest,
) -> Result<Vec<T>, DbError> {
    let given = Given { scope: Some(scope.to_string()), filter: Some(filter) };
    rows(tx, select, columns, given, request, |row| object(row, 0))
}

/// One page of pairs of objects within `:scope`.
pub fn pairs<A: DeserializeOwned, B: DeserializeOwned>(
    tx: &Tx<'_>,
    select: &str,
    columns: Columns,
    scope: Uuid,
    request: &PageRequest,
) -> Result<Vec<(A, B)>, DbError> {
    let scope = Given::scope(scope);
    rows(tx, select, columns, scope, request, |row| Ok((object(row, 0)?, object(row, 1)?)))
}

/// The parameters that the statement names.
#[derive(Default)]
struct Given<'a> {
    scope: Option<String>,
    filter: Option<Option<&'a str>>,
}

impl Given<'_> {
    fn scope(scope: impl ToString) -> Self {
        Given { scope: Some(scope.to_string()), filter: None }
    }
}

fn rows<T>(
    tx: &Tx<'_>,
    select: &str,
    (name, id): Columns,
    given: Given<'_>,
    request: &PageRequest,
    decode: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, DbError> {
    let (compare, direction) = match request.order {
        Order::Ascending => (">", "ASC"),
        Order::Descending => ("<", "DESC"),
    };
    let limit = request.fetch();
    let after = request.after.as_ref();
    let after = after.map(|cursor| (&cursor.name, cursor.id.to_string()));
    let mut params: Vec<(&str, &dyn ToSql)> = vec![(":limit", &limit)];
    let mut condition = String::new();
    if let Some((after_name, after_id)) = &after {
        condition = format!("AND ({name}, {id}) {compare} (:name, :id)");
        params.extend([(":name", after_name as &dyn ToSql), (":id", after_id)]);
    }
    if let Some(scope) = &given.scope {
        params.push((":scope", scope));
    }
    if let Some(filter) = &given.filter {
        params.push((":filter", filter));
    }
    let order = format!("ORDER BY {name} {direction}, {id} {direction}");
    let sql = format!("{select} {condition} {order} LIMIT :limit");
    tx.query(&sql, &*params, decode)
}
