//! Tries every encrypted text of a state with the keys at hand.

use std::collections::BTreeMap;

use super::verify::Verifier;
use crate::context::Context;
use crate::db::{Db, DbError, Tx};
use crate::read_model::{KeyProblem, StoreError};

/// The objects that are read at a time.
const PAGE: i64 = 1000;

pub(super) async fn check(verifier: &mut Verifier<'_>, db: &Db) -> Result<(), StoreError> {
    let mut missing: BTreeMap<String, u64> = BTreeMap::new();
    let place = verifier.inner.keys.head();
    for kind in verifier.inner.schema.types {
        let mut after = String::new();
        loop {
            let sql =
                format!("SELECT id, data FROM {} WHERE id > ?1 ORDER BY id LIMIT ?2", kind.name);
            let from = after.clone();
            let read = move |tx: &Tx<'_>| {
                tx.query(&sql, (from, PAGE), |row| {
                    Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
                })
            };
            let page = db.read::<_, DbError>(&Context::background(), read).await?;
            let Some((last, _)) = page.last() else { break };
            after.clone_from(last);
            for (id, data) in &page {
                let Some(text) = (kind.encrypted)(data) else { continue };
                let Ok(number) = id.parse() else { continue };
                match verifier.inner.key_check.check(kind.name, number, &text) {
                    Ok(()) => {}
                    Err(KeyProblem::Missing(key)) => *missing.entry(key).or_default() += 1,
                    Err(KeyProblem::Damaged) => {
                        let what = format!("object `{id}` of type `{}`", kind.name);
                        let problem = format!("{what} cannot be decrypted: it is damaged");
                        verifier.report(&place, problem, "no run can use it");
                    }
                }
            }
        }
    }
    for (key, count) in missing {
        let problem = format!("the encryption key `{key}` is needed by objects: {count}");
        verifier.report(&place, problem, "it is not configured: no run can use those objects");
    }
    Ok(())
}
