//! The floors of counters: the numbers that earlier lineages have given out.
//!
//! A counter is an object whose `number` only grows. An import may bring back an older one, and a
//! recovery may lose the newest; what was given out must not be given out again. So a lineage has
//! floors, which stand in its record and not in its state: an export that is taken right after an
//! import equals it. A read model holds them beside its objects.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::schema::Schema;
use crate::db::{DbError, Tx};

/// The key of the floor of all counters that have none of their own.
const OTHERS: &str = "";

pub(super) const TABLE: &str = "
CREATE TABLE drydock_floors (
    id TEXT PRIMARY KEY NOT NULL,
    number INTEGER NOT NULL
) STRICT;";

/// The largest numbers that counters may have given out before a lineage began.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Floors {
    /// The floor of every counter that is not in `of`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub others: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub of: BTreeMap<Uuid, u64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Floors {
    pub fn is_empty(&self) -> bool {
        *self == Floors::default()
    }

    /// Raises every floor by `by`: so many more numbers may have been given out.
    pub(crate) fn raised(self, by: u64) -> Floors {
        let raised = |number: u64| number.saturating_add(by);
        let of = self.of.into_iter().map(|(id, number)| (id, raised(number))).collect();
        Floors { others: raised(self.others), of }
    }

    /// The greatest numbers that this read model and the lineages before it have given out.
    pub(crate) fn given(tx: &Tx<'_>, schema: &Schema) -> Result<Floors, DbError> {
        let Some(counters) = schema.counters else { return Ok(Floors::default()) };
        let sql = format!(
            "SELECT id, max(number) FROM (
                SELECT id, number FROM drydock_floors
                UNION ALL SELECT id, data ->> '$.number' FROM \"{counters}\"
            ) GROUP BY id ORDER BY id"
        );
        let rows: Vec<(String, i64)> = tx.query(&sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let mut floors = Floors::default();
        for (id, number) in rows {
            let number = u64::try_from(number).unwrap_or(0);
            match id.parse() {
                Ok(id) => drop(floors.of.insert(id, number)),
                Err(_) => floors.others = number,
            }
        }
        let others = floors.others;
        floors.of.values_mut().for_each(|number| *number = (*number).max(others));
        Ok(floors)
    }

    /// Puts them into a read model in the place of what it has.
    pub(crate) fn put(&self, tx: &Tx<'_>) -> Result<(), DbError> {
        tx.execute("DELETE FROM drydock_floors", [])?;
        let own = self.of.iter().map(|(id, number)| (id.to_string(), *number));
        for (id, number) in own.chain([(OTHERS.to_owned(), self.others)]) {
            let number = i64::try_from(number).unwrap_or(i64::MAX);
            let sql = "INSERT INTO drydock_floors (id, number) VALUES (?1, ?2)";
            tx.execute(sql, rusqlite::params![id, number])?;
        }
        Ok(())
    }
}

/// The largest number that a counter may have given out in earlier lineages; 0: none.
pub(crate) fn floor(tx: &Tx<'_>, counter: Uuid) -> Result<u64, DbError> {
    let sql = "SELECT max(number) FROM drydock_floors WHERE id IN (?1, ?2)";
    let found = tx.query_one(sql, [&counter.to_string(), OTHERS], |row| row.get(0))?;
    let found: Option<i64> = found.flatten();
    Ok(found.and_then(|number| u64::try_from(number).ok()).unwrap_or(0))
}
