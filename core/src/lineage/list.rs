//! The list of lineages, and the last position of each that objects hold.

use std::collections::BTreeSet;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::notes;
use super::record::LineageRecord;
use crate::checkpoint::manifest;
use crate::coord::CoordinationExt;
use crate::log::format::{Head, Position, Reason, decode};
use crate::log::keys::ObjectKeys;
use crate::log::segment;
use crate::objects::{ObjectError, Objects};
use crate::read_model::StoreError;
use crate::read_model::base::StoreBase;

/// A lineage that is, or was, the current one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lineage {
    pub id: Uuid,
    /// The lineage that its first state came from, unless that was a first boot.
    pub parent: Option<Uuid>,
    pub reason: Reason,
    /// Its last commit; for one that is over, the last that is kept.
    pub position: Position,
    pub created: Timestamp,
    pub current: bool,
}

/// The lineages that one can go back to, and the current one; oldest first.
pub(crate) async fn all(store: &StoreBase) -> Result<Vec<Lineage>, StoreError> {
    let (objects, keys) = (&store.objects, &store.object_keys);
    let head = store.coord.get(store.keys.head()).await?.0;
    let head: Option<Head> = head.map(|kv| decode(&kv.key, &kv.value)).transpose()?;
    let current = match head {
        Some(head) => Some(head.lineage),
        None => notes::newest(objects, keys).await?,
    };
    let records = records(objects, keys).await?;
    let mut lineages = Vec::new();
    for record in lineage_history(&records, current) {
        let id = record.lineage;
        let position = match head {
            Some(head) if head.lineage == id => head.position,
            _ => last_position(objects, keys, id).await?,
        };
        lineages.push(Lineage {
            id,
            parent: record.parent,
            reason: record.reason,
            position,
            created: record.created,
            current: current == Some(id),
        });
    }
    Ok(lineages)
}

/// The records of all lineages, oldest first, also of lineages that never became the current one.
pub(crate) async fn records(
    objects: &Objects,
    keys: &ObjectKeys,
) -> Result<Vec<LineageRecord>, ObjectError> {
    let mut found = Vec::new();
    for prefix in objects.list_folders(&keys.lineages()).await? {
        let id = prefix.filename().and_then(|name| Uuid::parse_str(name).ok());
        let Some(id) = id else { continue };
        match objects.get_envelope::<LineageRecord>(&keys.lineage(id)).await {
            Ok(record) => found.push(record),
            Err(ObjectError::NotExist(_)) => {}
            Err(error) => return Err(error),
        }
    }
    found.sort_by_key(|record| (record.epoch, record.created, record.lineage));
    Ok(found)
}

/// The last position of a lineage that a segment or a manifest names.
pub(crate) async fn last_position(
    objects: &Objects,
    keys: &ObjectKeys,
    lineage: Uuid,
) -> Result<Position, ObjectError> {
    let segments = segment::list(objects, keys, lineage, 0).await?;
    let last = segments.iter().map(|span| span.last).max();
    let checkpoint = manifest::positions(objects, keys, lineage).await?.last().copied();
    Ok(last.max(checkpoint).unwrap_or(0))
}

/// The last position of a lineage, if it is known without listing its segments.
pub(crate) fn known_end(records: &[LineageRecord], head: &Head, lineage: Uuid) -> Option<Position> {
    if head.lineage == lineage {
        return Some(head.position);
    }
    let ended = |next: &&LineageRecord| next.parent == Some(lineage) && next.replaced.is_none();
    records.iter().find(ended).map(|next| next.fork)
}

/// The lineages that are or were current. The others were begun, but their switch never came
/// about: nothing followed them.
pub(crate) fn lineage_history(
    records: &[LineageRecord],
    current: Option<Uuid>,
) -> impl Iterator<Item = &LineageRecord> {
    let ended = records.iter().flat_map(|record| record.replaced.or(record.parent));
    let real: BTreeSet<Uuid> = ended.chain(current).collect();
    records.iter().filter(move |record| real.contains(&record.lineage))
}
