//! Lineages that are kept, and the way back to one.
//!
//! A restore is an import whose state comes from objects: the kept lineage's newest checkpoint and
//! the chain of segments after it. It begins a new lineage; what it came from, and what it took the
//! place of, stay. No data file is shared with the lineage that is restored: it may be about to be
//! collected.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::import::ImportError;
use super::switch::Next;
use crate::context::Context;
use crate::coord::CoordinationExt;
use crate::log::format::{Head, LineageRecord, Position, Reason, decode};
use crate::log::in_force;
use crate::store::{Store, StoreError, begin, recovery};
use crate::tasks::collect;

/// A lineage that is, or was, in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lineage {
    pub id: Uuid,
    /// The lineage that its first state came from, unless that was a first boot.
    pub parent: Option<Uuid>,
    pub reason: Reason,
    /// Its last commit; for one that is over, the last that is kept.
    pub position: Position,
    pub created: Timestamp,
    pub in_force: bool,
}

/// Where a restore led.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RestoreReport {
    /// The new lineage, and the position of the switch to it.
    pub lineage: Uuid,
    pub position: Position,
    pub restored: Uuid,
    /// The last commit of the restored lineage.
    pub restored_position: Position,
    pub counts: BTreeMap<String, u64>,
}

impl Store {
    /// The lineages that one can go back to, and the one in force; oldest first.
    pub async fn lineages(&self) -> Result<Vec<Lineage>, StoreError> {
        let inner = &self.inner;
        let head = inner.coord.get(inner.keys.head()).await?.0;
        let head: Option<Head> = head.map(|kv| decode(&kv.key, &kv.value)).transpose()?;
        let current = match head {
            Some(head) => Some(head.lineage),
            None => in_force::newest(&inner.objects, &inner.object_keys).await?,
        };
        let records = collect::lineages(inner).await?;
        let mut lineages = Vec::new();
        for record in were_in_force(&records, current) {
            let id = record.lineage;
            let position = match head {
                Some(head) if head.lineage == id => head.position,
                _ => recovery::last_position(inner, id).await?,
            };
            lineages.push(Lineage {
                id,
                parent: record.parent,
                reason: record.reason,
                position,
                created: record.created,
                in_force: current == Some(id),
            });
        }
        Ok(lineages)
    }

    /// Goes back to the last state of a kept lineage. Refused as an import is. Answers when this
    /// instance has loaded that state.
    pub async fn restore(
        &self,
        ctx: &Context,
        lineage: Uuid,
    ) -> Result<RestoreReport, ImportError> {
        let inner = &self.inner;
        // Before the first object is stored: what the switch compares, see `tasks::collect`.
        let base = self.base().await?;
        self.archive_tail(&base).await?;
        let records = collect::lineages(inner).await?;
        let mut kept = were_in_force(&records, Some(base.head.lineage));
        let record = kept.find(|record| record.lineage == lineage);
        let record = record.ok_or(ImportError::LineageNotExist(lineage))?;
        let end = known_end(&records, &base.head, lineage);
        let written = ctx.run(self.write_anew(record, end)).await;
        let (reached, counts, files) = written.map_err(StoreError::Interrupted)??;
        // An instance may have come meanwhile.
        self.base().await?;
        let next = Next {
            reason: Reason::Restore,
            parent: lineage,
            fork: reached,
            counts: counts.clone(),
            files,
        };
        let proposal = self.prepare(&base, next).await?;
        let head = self.switch(proposal).await?;
        self.in_force_here(ctx, &head).await?;
        let Head { lineage: new, position, .. } = head;
        let (restored, restored_position) = (lineage, reached);
        Ok(RestoreReport { lineage: new, position, restored, restored_position, counts })
    }

    /// Stores a lineage's last state in files of its own.
    async fn write_anew(
        &self,
        record: &LineageRecord,
        end: Option<Position>,
    ) -> Result<Written, ImportError> {
        let (inner, lineage) = (&self.inner, record.lineage);
        let last = recovery::last_position(inner, lineage).await?;
        if let Some(end) = end.filter(|end| last < *end) {
            let listed = format!("lineage `{lineage}` is listed up to position {last} of {end}");
            return Err(StoreError::StorageUnavailable(listed).into());
        }
        let recovery::Rebuilt { db, reached, .. } = recovery::rebuild(inner, record).await?;
        let reached = reached.position;
        if reached < last {
            return Err(ImportError::LineageDamaged { lineage, reached, last });
        }
        let (counts, files) = begin::write_state(inner, &db, &[], None).await?;
        Ok((reached, counts, files))
    }
}

type Written = (Position, BTreeMap<String, u64>, Vec<crate::log::checkpoint::DataFile>);

/// The last position of a lineage, where that is known without a listing of its segments.
fn known_end(records: &[LineageRecord], head: &Head, lineage: Uuid) -> Option<Position> {
    if head.lineage == lineage {
        return Some(head.position);
    }
    let ended = |next: &&LineageRecord| next.parent == Some(lineage) && next.replaced.is_none();
    records.iter().find(ended).map(|next| next.fork)
}

/// Without those whose switch never came about: nothing followed them, and they are not in force.
pub(crate) fn were_in_force(
    records: &[LineageRecord],
    current: Option<Uuid>,
) -> impl Iterator<Item = &LineageRecord> {
    let ended = records.iter().flat_map(|record| record.replaced.or(record.parent));
    let real: BTreeSet<Uuid> = ended.chain(current).collect();
    records.iter().filter(move |record| real.contains(&record.lineage))
}
