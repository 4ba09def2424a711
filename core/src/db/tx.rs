//! Statements in a transaction; each checks the transaction's context.

use rusqlite::{CachedStatement, Connection, OptionalExtension, Params, Row};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::DbError;
use crate::context::Context;

/// An open transaction.
pub struct Tx<'c> {
    conn: &'c Connection,
    ctx: Context,
}

impl<'c> Tx<'c> {
    pub(super) fn new(conn: &'c Connection, ctx: Context) -> Tx<'c> {
        Tx { conn, ctx }
    }

    /// The same transaction, for statements that another context ends. One that runs goes on.
    pub(crate) fn with_context(&self, ctx: Context) -> Tx<'c> {
        Tx { conn: self.conn, ctx }
    }

    pub fn context(&self) -> &Context {
        &self.ctx
    }

    /// Runs one statement; answers the number of rows it changed. A service's closures cannot call
    /// it: their changes must be mutations in the log.
    pub(crate) fn execute(&self, sql: &str, params: impl Params) -> Result<usize, DbError> {
        self.ctx.check()?;
        Ok(self.conn.prepare_cached(sql)?.execute(params)?)
    }

    /// All rows of a query, each through `decode`.
    pub fn query<T>(
        &self,
        sql: &str,
        params: impl Params,
        mut decode: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, DbError> {
        self.ctx.check()?;
        let mut statement = self.query_statement(sql)?;
        let mut rows = statement.query(params)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(decode(row)?);
        }
        Ok(found)
    }

    /// The first row of a query.
    pub fn query_one<T>(
        &self,
        sql: &str,
        params: impl Params,
        decode: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, DbError> {
        self.ctx.check()?;
        Ok(self.query_statement(sql)?.query_row(params, decode).optional()?)
    }

    fn query_statement(&self, sql: &str) -> Result<CachedStatement<'_>, DbError> {
        let statement = self.conn.prepare_cached(sql)?;
        assert!(statement.readonly(), "`{sql}` is no query");
        Ok(statement)
    }

    /// The objects whose `data` a query selects as its only column.
    pub fn query_objects<T: DeserializeOwned>(
        &self,
        sql: &str,
        params: impl Params,
    ) -> Result<Vec<T>, DbError> {
        let texts = self.query(sql, params, |row| row.get::<_, String>(0))?;
        texts.iter().map(|text| decode_object(text, sql, "")).collect()
    }

    /// The object `id` of the table `kind`.
    pub fn get<T: DeserializeOwned>(&self, kind: &str, id: Uuid) -> Result<Option<T>, DbError> {
        let id = id.to_string();
        let sql = format!("SELECT data FROM \"{kind}\" WHERE id = ?1");
        let text = self.query_one(&sql, [&id], |row| row.get::<_, String>(0))?;
        text.map(|text| decode_object(&text, kind, &id)).transpose()
    }

    /// Whether SQLite has rolled the whole transaction back: it does after some errors, of which a
    /// full disk is the one that is met. Later statements would be transactions of their own.
    pub(crate) fn check_open(&self) -> Result<(), DbError> {
        match self.conn.is_autocommit() {
            true => Err(DbError::Full("the transaction was rolled back".to_owned())),
            false => Ok(()),
        }
    }

    /// Runs `work`; if it fails, undoes its writes and nothing before them.
    pub fn savepoint<T, E: From<DbError>>(
        &self,
        work: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        self.execute("SAVEPOINT part", [])?;
        let done = work();
        self.check_open()?;
        if done.is_err() {
            // Without a check of the context: the writes of `work` must not stay.
            let undo = || self.conn.execute_batch("ROLLBACK TO part");
            undo().map_err(DbError::from)?;
        }
        let release = || self.conn.prepare_cached("RELEASE part")?.execute([]);
        release().map_err(DbError::from)?;
        done
    }
}

fn decode_object<T: DeserializeOwned>(text: &str, table: &str, id: &str) -> Result<T, DbError> {
    serde_json::from_str(text).map_err(|source| DbError::Decode {
        table: table.to_owned(),
        id: id.to_owned(),
        source,
    })
}
