//! Restores the last state of a kept lineage.
//!
//! A restore is an import whose state comes from objects: the kept lineage's newest checkpoint and
//! the chain of segments after it. It begins a new lineage; the restored lineage and the replaced
//! one stay. No data file is shared with the restored lineage: it may be about to be collected.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::refusals::{LineageNotExist, RestoreFailure};
use crate::context::Context;
use crate::error::ActionError;
use crate::lineage::list::{self, Lineage, known_end, last_position, lineage_history};
use crate::lineage::record::LineageRecord;
use crate::lineage::recovery::{Rebuilt, rebuild};
use crate::lineage::switch::Next;
use crate::log::format::{Head, Position, Reason};
use crate::read_model::write::{State, StoredFiles};
use crate::read_model::{StoreError, write};
use crate::store::Store;

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

pub type RestoreError = ActionError<RestoreFailure>;

/// Objects of a lineage are missing or damaged.
#[derive(Debug, thiserror::Error)]
#[error("lineage `{lineage}` reads back up to position `{reached}` only, it ended at `{last}`")]
struct LineageDamaged {
    lineage: Uuid,
    reached: Position,
    last: Position,
}

impl Store {
    /// The lineages that a restore can go back to, and the current one; oldest first.
    pub async fn lineages(&self) -> Result<Vec<Lineage>, StoreError> {
        list::all(&self.inner).await
    }

    /// Restores the last state of a kept lineage. Refused under the same conditions as an import.
    /// Answers when this instance has loaded that state.
    pub async fn restore(
        &self,
        ctx: &Context,
        lineage: Uuid,
    ) -> Result<RestoreReport, RestoreError> {
        self.restore_lineage(ctx, lineage).await.map_err(ActionError::translated)
    }

    async fn restore_lineage(
        &self,
        ctx: &Context,
        lineage: Uuid,
    ) -> Result<RestoreReport, RestoreError> {
        let inner = &self.inner;
        // Read before the first object is stored, see `tasks::collect`: the switch compares it.
        let base = self.base().await.map_err(ActionError::widen)?;
        self.archive_tail(&base).await?;
        let records = list::records(&inner.objects, &inner.object_keys).await;
        let records = records.map_err(StoreError::Objects)?;
        let mut kept = lineage_history(&records, Some(base.head.lineage));
        let record = kept.find(|record| record.lineage == lineage);
        let record = record.ok_or(LineageNotExist(lineage))?;
        let end = known_end(&records, &base.head, lineage);
        let written = ctx.run(self.write_state_anew(record, end)).await;
        let (reached, state) = written.map_err(StoreError::Interrupted)??;
        // An instance may have started meanwhile, without acknowledging the maintenance.
        self.base().await.map_err(ActionError::widen)?;
        let floors = self.floors(ctx, &base).await.map_err(ActionError::widen)?;
        let counts = state.counts.clone();
        let next = Next { reason: Reason::Restore, parent: lineage, fork: reached, state, floors };
        let Head { lineage: new, position, .. } =
            self.switch_to(ctx, &base, next).await.map_err(ActionError::widen)?;
        let (restored, restored_position) = (lineage, reached);
        Ok(RestoreReport { lineage: new, position, restored, restored_position, counts })
    }

    /// Stores the last state of a lineage in new data files.
    async fn write_state_anew(
        &self,
        record: &LineageRecord,
        end: Option<Position>,
    ) -> Result<Written, RestoreError> {
        let (inner, lineage) = (&self.inner, record.lineage);
        let last = last_position(&inner.objects, &inner.object_keys, lineage).await;
        let last = last.map_err(StoreError::Objects)?;
        if let Some(end) = end.filter(|end| last < *end) {
            let listed = format!("lineage `{lineage}` is listed up to position {last} of {end}");
            return Err(StoreError::StorageUnavailable(listed).into());
        }
        let Rebuilt { db, reached, .. } = rebuild(inner, record).await?;
        let (reached, last) = (reached.position, end.unwrap_or(last));
        if reached < last {
            return Err(ActionError::internal(LineageDamaged { lineage, reached, last }));
        }
        let state = write::write_state(inner, &db, &StoredFiles::default(), None).await?;
        Ok((reached, state))
    }
}

type Written = (Position, State);
