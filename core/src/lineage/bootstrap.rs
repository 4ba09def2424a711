//! A store's first boot.
//!
//! Invariant: one transaction brings the store into being. Whatever a killed boot left before it
//! is an unused object; what it left undone after it (the note in objects) is done by the next
//! load, or by the archiver.

use uuid::Uuid;

use super::notes;
use super::record::LineageRecord;
use crate::coord::{Compare, Coordination, Op, Txn};
use crate::log::format::{Head, WritesRecord, encode};
use crate::read_model::base::StoreBase;
use crate::read_model::error::BootstrapError;

/// Makes sure that there is a `head`, unless objects hold a lineage: then the coordination store is
/// lost, and this is that lineage.
pub(crate) async fn ensure(store: &StoreBase) -> Result<Option<Uuid>, BootstrapError> {
    let lost = notes::newest(&store.objects, &store.object_keys).await?;
    if lost.is_none() {
        create(store).await?;
    }
    Ok(lost)
}

/// Creates `head`, or finds that somebody else just did.
async fn create(store: &StoreBase) -> Result<(), BootstrapError> {
    let (coord, keys, env) = (&store.coord, &store.keys, &store.env);
    let lineage = env.new_id();
    let schema = store.schema.version;
    let record = LineageRecord::first(env, lineage, schema);
    store.objects.put_envelope(&store.object_keys.lineage(lineage), &record).await?;
    env.point("bootstrap.before_head").await?;
    let head = Head { lineage, position: 0, commit: lineage };
    let writes = WritesRecord { schema, since: record.created };
    let txn = Txn::default()
        .when(Compare::absent(keys.head()))
        .then(Op::put(keys.head(), encode(&head)))
        .then(Op::put(keys.writes(), encode(&writes)));
    // An unknown outcome is an error here: the caller tries again, and reads `head` first.
    coord.txn(txn).await?;
    Ok(())
}
