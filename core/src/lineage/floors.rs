//! How the floors of counters come from one lineage to the next.

use super::record::LineageRecord;
use crate::context::Context;
use crate::db::Db;
use crate::read_model::StoreError;
use crate::read_model::base::StoreBase;
use crate::read_model::floors::Floors;

/// Puts the floors of a lineage, which its record holds, into a read model of it.
pub(crate) async fn load(
    store: &StoreBase,
    db: &Db,
    lineage: uuid::Uuid,
) -> Result<(), StoreError> {
    if store.schema.counters.is_none() {
        return Ok(());
    }
    let key = store.object_keys.lineage(lineage);
    let record: LineageRecord = store.objects.get_envelope(&key).await?;
    put(store, db, &record).await
}

/// As [`load`], with a record that was read already.
pub(crate) async fn put(
    store: &StoreBase,
    db: &Db,
    record: &LineageRecord,
) -> Result<(), StoreError> {
    if store.schema.counters.is_none() {
        return Ok(());
    }
    let floors = record.floors.clone();
    Ok(db.run(&Context::background(), move |tx| floors.put(tx)).await?)
}

/// The floors of the lineage that follows the state in `db`.
pub(crate) async fn given(store: &StoreBase, db: &Db) -> Result<Floors, StoreError> {
    let schema = store.schema;
    Ok(db.run(&Context::background(), move |tx| Floors::given(tx, schema)).await?)
}

/// As [`given`], if commits after that state are lost: nobody knows what they gave out.
pub(crate) async fn after_loss(store: &StoreBase, db: &Db) -> Result<Floors, StoreError> {
    match store.schema.counters {
        Some(_) => Ok(given(store, db).await?.raised(store.counter_margin)),
        None => Ok(Floors::default()),
    }
}
