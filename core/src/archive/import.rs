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

use super::stage::{Staged, stage};
use crate::context::Context;
use crate::db::DbError;
use crate::error::{ApiError, BoxError, Code, Kind, first_api_error};
use crate::fault::Injected;
use crate::lineage::switch::Next;
use crate::log::format::{Position, Reason};
use crate::read_model::StoreError;
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

#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("line `{line}`: {why}")]
    Corrupt { line: u64, why: String },
    #[error("the stream ends at line `{line}`, without a trailer")]
    Truncated { line: u64 },
    #[error("line `{line}`: type `{found}` is not known")]
    UnknownType { line: u64, found: String },
    #[error("the export is of `{found}`, this is `{expected}`")]
    WrongService { found: String, expected: &'static str },
    #[error("the export has version {found}, this is version {reads}")]
    Version { found: String, reads: String },
    #[error("line `{line}`: the encryption key `{key}` is not configured")]
    UnknownKey { line: u64, key: String },
    #[error("line `{line}`: {why}")]
    Constraint { line: u64, why: String },
    #[error("the stream broke off at line `{line}`")]
    Input { line: u64, source: BoxError },
    #[error("the service is not in maintenance")]
    NotInMaintenance,
    #[error("lineage `{0}` is not kept here")]
    LineageNotExist(Uuid),
    #[error("lineage `{lineage}` reads back up to position `{reached}` only, it ended at `{last}`")]
    LineageDamaged { lineage: Uuid, reached: Position, last: Position },
    #[error("not every instance has acknowledged the maintenance")]
    NotReady,
    #[error("the state changed meanwhile")]
    Overtaken,
    #[error(transparent)]
    Injected(#[from] Injected),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<DbError> for ImportError {
    fn from(error: DbError) -> ImportError {
        ImportError::Store(StoreError::Db(error))
    }
}

impl From<ImportError> for ApiError {
    fn from(error: ImportError) -> ApiError {
        let (kind, code) = match error {
            ImportError::LineageNotExist(_) => (Kind::NotExist, Code::LineageNotExist),
            ImportError::LineageDamaged { .. } => (Kind::Internal, Code::Internal),
            ImportError::Store(error) => return ApiError::from(error),
            ImportError::Injected(error) => return ApiError::from(StoreError::Injected(error)),
            ImportError::Corrupt { .. } => (Kind::Unprocessable, Code::ImportCorrupt),
            ImportError::Input { ref source, .. } => input_failure(source),
            ImportError::Truncated { .. } => (Kind::Unprocessable, Code::ImportTruncated),
            ImportError::UnknownType { .. } => (Kind::Unprocessable, Code::ImportUnknownType),
            ImportError::WrongService { .. } => (Kind::Unprocessable, Code::ImportWrongService),
            ImportError::Version { .. } => (Kind::Unprocessable, Code::ImportVersion),
            ImportError::UnknownKey { .. } => (Kind::Unprocessable, Code::ImportUnknownKey),
            ImportError::Constraint { .. } => (Kind::Unprocessable, Code::ImportConstraint),
            ImportError::NotInMaintenance | ImportError::Overtaken => {
                (Kind::Conflict, Code::NotInMaintenance)
            }
            ImportError::NotReady => (Kind::Conflict, Code::MaintenanceNotReady),
        };
        let message = error.to_string();
        ApiError::new(kind).with_code(code).with_message(message).with_source(error)
    }
}

/// The code of a stream that broke off: the transport's own, if its error has one.
fn input_failure(source: &BoxError) -> (Kind, Code) {
    let known = first_api_error(source.as_ref());
    let known = known.and_then(|known| Some((known.kind(), known.code().parse().ok()?)));
    known.unwrap_or((Kind::Unprocessable, Code::ImportTruncated))
}

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
        if intent == Intent::DryRun {
            return self.try_import(ctx, input).await;
        }
        let env = &self.inner.env;
        // Read before the first object is stored, see `tasks::collect`: the switch compares it.
        let base = self.base().await?;
        env.point("import.begin").await?;
        self.archive_tail(&base).await?;
        let staged = stage(self, ctx, input, intent).await?;
        env.point("import.staged").await?;
        // An instance may have started meanwhile, without acknowledging the maintenance.
        self.base().await?;
        let Staged { files, counts, digest } = staged;
        let floors = self.floors(ctx, &base).await?;
        let next = Next {
            reason: Reason::Import,
            parent: base.head.lineage,
            fork: base.head.position,
            counts: counts.clone(),
            files,
            floors,
        };
        let head = self.switch_to(ctx, &base, next).await?;
        Ok(ImportReport { lineage: head.lineage, position: head.position, counts, digest })
    }

    /// Validates an export as an import would, in every mode, and changes nothing. The position of
    /// the report is the one up to which this instance has loaded the state.
    async fn try_import(
        &self,
        ctx: &Context,
        input: impl Stream<Item = Result<Bytes, BoxError>> + Unpin,
    ) -> Result<ImportReport, ImportError> {
        let Staged { counts, digest, .. } = stage(self, ctx, input, Intent::DryRun).await?;
        let head = self.applied().borrow().head;
        let (lineage, position) =
            head.map_or((Uuid::nil(), 0), |head| (head.lineage, head.position));
        Ok(ImportReport { lineage, position, counts, digest })
    }
}
