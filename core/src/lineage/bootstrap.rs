//! A store's first boot.
//!
//! Invariant: one transaction creates the store. A boot that is killed before it leaves only an
//! unused object; if it is killed after it, the next boot writes the missing note to objects.

use uuid::Uuid;

use super::notes;
use super::record::LineageRecord;
use crate::coord::{Compare, Coordination, CoordinationExt, Error as CoordError, Op, Txn};
use crate::log::format::{Head, decode, encode};
use crate::log::keys::ObjectKeys;
use crate::objects::{ObjectError, Objects};
use crate::read_model::base::StoreBase;
use crate::read_model::error::BootstrapError;

/// The state in which a boot finds, or leaves, the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    Head,
    /// There is no `head`, but objects hold a lineage: the coordination store is lost.
    HeadLost {
        lineage: Uuid,
    },
}

/// Makes sure that `head` exists, and that objects name its lineage if they can be reached: with a
/// `head` nothing depends on that.
pub(crate) async fn ensure(store: &StoreBase) -> Result<Found, BootstrapError> {
    let (objects, object_keys) = (&store.objects, &store.object_keys);
    // Notes are read before `head`: a note that is written later belongs to a newer lineage.
    let noted = notes::newest(objects, object_keys).await;
    let head: Head = match store.coord.get(store.keys.head()).await?.0 {
        Some(found) => decode(&found.key, &found.value)?,
        None => match noted {
            Ok(None) => create(store).await?,
            Ok(Some(lineage)) => return Ok(Found::HeadLost { lineage }),
            Err(error) => return Err(error.into()),
        },
    };
    let late = match noted {
        Ok(Some(lineage)) if lineage == head.lineage => false,
        Ok(Some(lineage)) => !is_later(objects, object_keys, lineage, head.lineage).await,
        Ok(None) | Err(ObjectError::Damaged(_)) => true,
        // The notes that could not be read may name a later lineage than `head`.
        Err(_) => false,
    };
    if late {
        store.env.point("bootstrap.before_current").await?;
        notes::try_note(objects, object_keys, head.lineage).await;
    }
    Ok(Found::Head)
}

/// Whether `one` was begun after `other`, or may have been.
async fn is_later(objects: &Objects, keys: &ObjectKeys, one: Uuid, other: Uuid) -> bool {
    let one = objects.get_envelope::<LineageRecord>(&keys.lineage(one)).await;
    let other = objects.get_envelope::<LineageRecord>(&keys.lineage(other)).await;
    !matches!((one, other), (Ok(one), Ok(other)) if one.epoch < other.epoch)
}

/// Creates `head`, unless another instance just did; answers it.
async fn create(store: &StoreBase) -> Result<Head, BootstrapError> {
    let (coord, keys, env) = (&store.coord, &store.keys, &store.env);
    let lineage = env.new_id();
    let record = LineageRecord::first(env, lineage);
    store.objects.put_envelope(&store.object_keys.lineage(lineage), &record).await?;
    env.point("bootstrap.before_head").await?;
    let head = Head { lineage, position: 0, commit: lineage };
    let txn =
        Txn::default().when(Compare::absent(keys.head())).then(Op::put(keys.head(), encode(&head)));
    // An unknown outcome is an error here: the caller tries again, and reads `head` first.
    coord.txn(txn).await?;
    let (found, _) = coord.get(keys.head()).await?;
    let found = found.ok_or(CoordError::Unavailable { reason: "head vanished".to_owned() })?;
    Ok(decode(&found.key, &found.value)?)
}
