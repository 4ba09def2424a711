//! Types of objects, each with a table whose constraints are declared once.
//!
//! Every table has `id TEXT PRIMARY KEY` and `data TEXT NOT NULL` (canonical JSON); each column
//! that constraints or look-ups need is generated from `data`. So every path (API, feed, load,
//! import) writes objects in the same two columns and meets the same constraints.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::floors;
use super::version::SchemaStep;
use crate::db::{DbError, Tx};
use crate::log::format::{Head, Mutation, Object};

/// One type of object.
#[derive(Debug)]
pub struct ObjectType {
    /// Also the name of its table.
    pub name: &'static str,
    /// The first version of the schema that has it.
    pub since: u32,
    /// `CREATE TABLE …`, and its indexes.
    pub table: &'static str,
    /// Whether the text is an object of this type.
    pub check: fn(&str) -> Result<(), String>,
    /// The encrypted text in the object, as JSON, if it has one.
    pub encrypted: fn(&str) -> Option<String>,
}

/// Whether the text is an object of this Rust type: a check for [`ObjectType::check`].
pub fn parses<T: DeserializeOwned>(text: &str) -> Result<(), String> {
    let parsed: Result<T, _> = serde_json::from_str(text);
    parsed.map(drop).map_err(|error| error.to_string())
}

/// For types of objects that hold no encrypted text: [`ObjectType::encrypted`].
pub fn not_encrypted(_: &str) -> Option<String> {
    None
}

/// All objects of a service.
#[derive(Debug)]
pub struct Schema {
    pub service: &'static str,
    /// Grows with every change of the types.
    pub version: u32,
    /// The steps that turn an object of an earlier version into one of this version, in order.
    pub steps: &'static [SchemaStep],
    /// Parents before children: the order of exports.
    pub types: &'static [ObjectType],
    pub leftovers: Leftovers,
    /// The type whose objects are counters: each has a `number` that only grows, and no number is
    /// given out by two lineages. See [`Floors`](super::floors::Floors).
    pub counters: Option<&'static str>,
    pub blobs: Blobs,
}

/// Blobs: objects that a service keeps in object storage beside its log, such as logs of tasks.
/// Each is written once, under a name of its own, which objects of the state name.
#[derive(Debug)]
pub struct Blobs {
    /// The folders that hold blobs and nothing else, below the service's own folder.
    pub folders: &'static [&'static str],
    /// The blobs that an object names, of which the type and the data are given.
    pub named: fn(&Tx<'_>, &str, &str) -> Result<Vec<Blob>, DbError>,
    /// The fate of a blob, by its name, that no object names. `None`: that is no name of a blob.
    pub unnamed: fn(&Tx<'_>, &str, OtherLineages) -> Result<Option<Fate>, DbError>,
}

impl Blobs {
    /// Of a service that keeps nothing beside its log.
    pub const NONE: Blobs =
        Blobs { folders: &[], named: |_, _, _| Ok(Vec::new()), unnamed: |_, _, _| Ok(None) };
}

/// A blob as a state names it.
#[derive(Debug)]
pub struct Blob {
    /// Below the folder of the service, such as `logs/…`.
    pub name: String,
    /// The bytes of the object.
    pub size: u64,
    pub digest: BlobDigest,
    /// For people, such as `the log of step 0 of …`.
    pub title: String,
    /// The consequence for the service if the blob is missing or damaged.
    pub meaning: &'static str,
}

/// A BLAKE3 digest, in hexadecimal.
#[derive(Debug)]
pub enum BlobDigest {
    OfObject(String),
    /// Of the `size` bytes that `read` finds in the object, in the way in which readers of the blob
    /// do it.
    OfContent {
        digest: String,
        size: u64,
        read: fn(&Bytes, u64) -> Option<blake3::Hash>,
    },
}

/// Whether lineages are kept besides the current one. Their states may name other blobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherLineages {
    Kept,
    None,
}

impl OtherLineages {
    /// Of this number of lineages that are kept, with the current one.
    pub fn of(kept: usize) -> OtherLineages {
        if kept > 1 { OtherLineages::Kept } else { OtherLineages::None }
    }
}

/// What becomes of a blob that the state does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Nobody can need it: the service deletes it by itself.
    Garbage,
    /// The state may still come to name it.
    InProgress,
    /// Another lineage may name it, so it stays.
    Kept,
    /// It stays, though nothing that the state knows explains it.
    Orphaned,
}

/// The objects of deleted subtrees that were too large for one commit. Nobody sees them; a
/// background task deletes them.
#[derive(Debug)]
pub struct Leftovers {
    /// The number of such subtrees.
    pub count: fn(&Tx<'_>) -> Result<u64, DbError>,
    /// Finds the objects to delete next, children first. The second argument bounds their number.
    pub next: fn(&Tx<'_>, usize) -> Result<Vec<ObjectRef>, DbError>,
}

impl Leftovers {
    /// Of a service whose deletions all fit in one commit.
    pub const NONE: Leftovers = Leftovers { count: |_| Ok(0), next: |_, _| Ok(Vec::new()) };
}

/// The type and the id of an object.
pub type ObjectRef = (&'static str, Uuid);

const POSITION_TABLE: &str = "
CREATE TABLE drydock_position (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    lineage TEXT NOT NULL,
    position INTEGER NOT NULL,
    \"commit\" TEXT NOT NULL
) STRICT;";

/// The lineage of a read model.
pub fn lineage(tx: &Tx<'_>) -> Result<Uuid, DbError> {
    Ok(head(tx)?.lineage)
}

impl Schema {
    /// The statements that make an empty read model.
    pub fn ddl(&self) -> String {
        let tables = self.types.iter().map(|kind| kind.table);
        [POSITION_TABLE, floors::TABLE].into_iter().chain(tables).collect::<Vec<_>>().join("\n")
    }

    /// The type of that name, and its place in the order.
    pub fn find(&self, name: &str) -> Option<(usize, &'static ObjectType)> {
        self.types.iter().enumerate().find(|(_, kind)| kind.name == name)
    }

    pub(crate) fn put(&self, tx: &Tx<'_>, object: &Object) -> Result<(), DbError> {
        let table = self.table(&object.r#type)?;
        let sql = format!(
            "INSERT INTO \"{table}\" (id, data) VALUES (?1, ?2)
             ON CONFLICT (id) DO UPDATE SET data = excluded.data"
        );
        tx.execute(&sql, [&object.id.to_string(), object.data.get()])?;
        Ok(())
    }

    /// Answers whether there was something to delete.
    pub(crate) fn delete(&self, tx: &Tx<'_>, kind: &str, id: Uuid) -> Result<bool, DbError> {
        let sql = format!("DELETE FROM \"{}\" WHERE id = ?1", self.table(kind)?);
        Ok(tx.execute(&sql, [id.to_string()])? > 0)
    }

    pub(crate) fn apply(&self, tx: &Tx<'_>, mutation: &Mutation) -> Result<(), DbError> {
        match mutation {
            Mutation::Put(object) => self.put(tx, object),
            Mutation::Delete { r#type, id } => self.delete(tx, r#type, *id).map(drop),
        }
    }

    /// Up to `limit` objects of a type with ids after `after`, in the order of ids.
    pub(crate) fn page(
        &self,
        tx: &Tx<'_>,
        kind: &ObjectType,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, String)>, DbError> {
        let name = kind.name;
        let sql = format!("SELECT id, data FROM \"{name}\" WHERE id > ?1 ORDER BY id LIMIT ?2");
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        tx.query(&sql, rusqlite::params![after, limit], |row| Ok((row.get(0)?, row.get(1)?)))
    }

    /// Up to `limit` objects of a type from the id `from` up to, not including, `until`.
    pub(crate) fn span(
        &self,
        tx: &Tx<'_>,
        kind: &ObjectType,
        from: &str,
        start: Start,
        until: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Object>, DbError> {
        let name = kind.name;
        let compare = match start {
            Start::Included => ">=",
            Start::Excluded => ">",
        };
        let sql = format!(
            "SELECT id, data FROM \"{name}\"
             WHERE id {compare} ?1 AND (?2 IS NULL OR id < ?2) ORDER BY id LIMIT ?3"
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = tx.query(&sql, rusqlite::params![from, until, limit], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        })?;
        let objects = rows.into_iter().map(|(id, data)| object(name, id, data));
        objects.collect()
    }

    /// The number of objects of each type that there was in a version.
    pub(crate) fn counts(
        &self,
        tx: &Tx<'_>,
        version: u32,
    ) -> Result<BTreeMap<String, u64>, DbError> {
        let count = |kind: &ObjectType| {
            let sql = format!("SELECT count(*) FROM \"{}\"", kind.name);
            let count = tx.query_one(&sql, [], |row| row.get::<_, i64>(0))?.unwrap_or(0);
            Ok((kind.name.to_owned(), u64::try_from(count).unwrap_or(0)))
        };
        self.types_at(version).map(count).collect()
    }

    /// Deletes everything, children first.
    pub(crate) fn clear(&self, tx: &Tx<'_>) -> Result<(), DbError> {
        let clear =
            |kind: &ObjectType| tx.execute(&format!("DELETE FROM \"{}\"", kind.name), []).map(drop);
        self.types.iter().rev().try_for_each(clear)
    }

    fn table(&self, kind: &str) -> Result<&'static str, DbError> {
        let unknown = || DbError::Constraint(format!("unknown type `{kind}`"));
        Ok(self.find(kind).ok_or_else(unknown)?.1.name)
    }
}

/// Whether a span includes the id that it starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    Included,
    Excluded,
}

pub(crate) fn object(kind: &str, id: String, data: String) -> Result<Object, DbError> {
    let decode = |source| DbError::Decode { table: kind.to_owned(), id: id.clone(), source };
    let data = serde_json::value::RawValue::from_string(data).map_err(decode)?;
    let uuid = Uuid::parse_str(&id).map_err(|error| decode(serde::de::Error::custom(error)))?;
    Ok(Object { r#type: kind.to_owned(), id: uuid, data })
}

/// Stores the position of the read model, in the transaction that applies the commit.
pub(crate) fn set_head(tx: &Tx<'_>, head: &Head) -> Result<(), DbError> {
    let position = i64::try_from(head.position).expect("a log has fewer than 2^63 commits");
    let (lineage, commit) = (head.lineage.to_string(), head.commit.to_string());
    tx.execute(
        "INSERT OR REPLACE INTO drydock_position (one, lineage, position, \"commit\")
         VALUES (1, ?1, ?2, ?3)",
        rusqlite::params![lineage, position, commit],
    )?;
    Ok(())
}

/// The position of the read model.
pub(crate) fn head(tx: &Tx<'_>) -> Result<Head, DbError> {
    let sql = "SELECT lineage, position, \"commit\" FROM drydock_position";
    let row = tx.query_one(sql, [], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, String>(2)?))
    })?;
    let (lineage, position, commit) = row.ok_or(DbError::Closed)?;
    let id = |text: &str| Uuid::parse_str(text).expect("only `set_head` writes this table");
    let position = u64::try_from(position).expect("only `set_head` writes this table");
    Ok(Head { lineage: id(&lineage), position, commit: id(&commit) })
}
