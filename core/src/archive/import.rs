//! An import: stage, then switch.
//!
//! A crash before the switch leaves the old state and some unused objects; a crash after it leaves
//! the new state, which every instance loads by itself.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures_util::Stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::refusals::ImportFailure;
use super::stage::{Staged, stage};
use crate::context::Context;
use crate::error::{ActionError, BoxError};
use crate::lineage::switch::Next;
use crate::log::format::{Position, Reason};
use crate::store::Store;

/// Whether an import changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent {
    Apply,
    /// Validate only.
    DryRun,
}

/// What was imported. A trial has the lineage and position of the state that stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImportReport {
    pub lineage: Uuid,
    pub position: Position,
    pub counts: BTreeMap<String, u64>,
    pub digest: String,
}

pub type ImportError = ActionError<ImportFailure>;

impl Store {
    /// Replaces the whole state by an export's. Refused outside maintenance, and while a live
    /// instance has not acknowledged it. Answers when this instance has loaded the new state. A dry
    /// run is refused in no mode.
    pub async fn import(
        &self,
        ctx: &Context,
        input: impl Stream<Item = Result<Bytes, BoxError>> + Unpin,
        intent: Intent,
    ) -> Result<ImportReport, ImportError> {
        let imported = match intent {
            Intent::DryRun => self.try_import(ctx, input).await,
            Intent::Apply => self.apply_import(ctx, input).await,
        };
        imported.map_err(ActionError::translated)
    }

    async fn apply_import(
        &self,
        ctx: &Context,
        input: impl Stream<Item = Result<Bytes, BoxError>> + Unpin,
    ) -> Result<ImportReport, ImportError> {
        let env = &self.inner.env;
        // Read before the first object is stored, see `tasks::collect`: the switch compares it.
        let base = self.base().await.map_err(ActionError::widen)?;
        env.point("import.begin").await?;
        self.archive_tail(&base).await?;
        let staged = stage(self, ctx, input, Intent::Apply).await?;
        env.point("import.staged").await?;
        // An instance may have started meanwhile, without acknowledging the maintenance.
        self.base().await.map_err(ActionError::widen)?;
        let Staged { state, digest } = staged;
        let counts = state.counts.clone();
        let floors = self.floors(ctx, &base).await.map_err(ActionError::widen)?;
        let next = Next {
            reason: Reason::Import,
            parent: base.head.lineage,
            fork: base.head.position,
            state,
            floors,
        };
        let head = self.switch_to(ctx, &base, next).await.map_err(ActionError::widen)?;
        Ok(ImportReport { lineage: head.lineage, position: head.position, counts, digest })
    }

    /// Validates an export as an import would, in every mode, and changes nothing. The position of
    /// the report is the one up to which this instance has loaded the state.
    async fn try_import(
        &self,
        ctx: &Context,
        input: impl Stream<Item = Result<Bytes, BoxError>> + Unpin,
    ) -> Result<ImportReport, ImportError> {
        let Staged { state, digest } = stage(self, ctx, input, Intent::DryRun).await?;
        let head = self.applied().borrow().head;
        let (lineage, position) =
            head.map_or((Uuid::nil(), 0), |head| (head.lineage, head.position));
        Ok(ImportReport { lineage, position, counts: state.counts, digest })
    }
}
