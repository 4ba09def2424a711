//! An import: stage, then switch.
//!
//! The switch is the commit at the next position: it changes `head`, the log and `checkpoint` in
//! one transaction that compares `head` and `mode`. A crash before it leaves the old state and some
//! unused objects; a crash after it leaves the new state, which every instance loads by itself.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures_util::Stream;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::stage::{Staged, stage};
use crate::context::Context;
use crate::coord::{Op, Revision};
use crate::db::DbError;
use crate::error::{ApiError, BoxError, Code, Kind, first_api_error};
use crate::fault::Injected;
use crate::log::bootstrap;
use crate::log::checkpoint::Manifest;
use crate::log::commit::{CommitError, Proposal, Settled, settle};
use crate::log::format::{
    ArchivedRecord, Body, CheckpointRecord, Commit, CurrentLineage, Head, LineageRecord, Mode,
    Position, Reason, encode,
};
use crate::objects::ObjectError;
use crate::store::{Overview, Store, StoreError};

/// Whether the import is to take place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent {
    Apply,
    /// Validate only.
    DryRun,
}

/// What was imported. A trial has the lineage and position of the state that stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    #[error("line `{line}`: {why}")]
    Constraint { line: u64, why: String },
    #[error("the stream broke off at line `{line}`")]
    Input { line: u64, source: BoxError },
    #[error("the service is not in maintenance")]
    NotInMaintenance,
    #[error("not every instance has acknowledged the maintenance")]
    NotReady,
    #[error("the state changed while the import was staged")]
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
            ImportError::Store(error) => return ApiError::from(error),
            ImportError::Injected(error) => return ApiError::from(StoreError::Injected(error)),
            ImportError::Corrupt { .. } => (Kind::Unprocessable, Code::ImportCorrupt),
            ImportError::Input { ref source, .. } => input_failure(source),
            ImportError::Truncated { .. } => (Kind::Unprocessable, Code::ImportTruncated),
            ImportError::UnknownType { .. } => (Kind::Unprocessable, Code::ImportUnknownType),
            ImportError::WrongService { .. } => (Kind::Unprocessable, Code::ImportWrongService),
            ImportError::Version { .. } => (Kind::Unprocessable, Code::ImportVersion),
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

/// A transport may know better why its stream broke off.
fn input_failure(source: &BoxError) -> (Kind, Code) {
    let known = first_api_error(source.as_ref());
    let known = known.and_then(|known| Some((known.kind(), known.code().parse().ok()?)));
    known.unwrap_or((Kind::Unprocessable, Code::ImportTruncated))
}

/// What the switch compares.
struct Base {
    head: Head,
    head_revision: Revision,
    mode_revision: Revision,
}

impl Store {
    /// Replaces the whole state by an export's. Refused outside maintenance, and while a live
    /// instance has not acknowledged it. Answers when this instance has loaded the new state.
    pub async fn import(
        &self,
        ctx: &Context,
        input: impl Stream<Item = Result<Bytes, BoxError>> + Unpin,
        intent: Intent,
    ) -> Result<ImportReport, ImportError> {
        let env = &self.inner.env;
        // Before the first object is stored: what the switch compares, see `tasks::collect`.
        let base = self.base().await?;
        env.point("import.begin").await?;
        let staged = stage(self, ctx, input, intent).await?;
        env.point("import.staged").await?;
        // An instance may have come meanwhile.
        self.base().await?;
        let head = match intent {
            Intent::DryRun => base.head,
            Intent::Apply => {
                let proposal = self.prepare(&base, &staged).await?;
                let head = self.switch(proposal).await?;
                ctx.run(self.inner.applied_at(&head)).await.map_err(StoreError::Interrupted)?;
                head
            }
        };
        let Staged { counts, digest, .. } = staged;
        Ok(ImportReport { lineage: head.lineage, position: head.position, counts, digest })
    }

    /// The state that the import replaces, if it may.
    async fn base(&self) -> Result<Base, ImportError> {
        let inner = &self.inner;
        let mut now = Overview::read(&inner.coord, &inner.keys).await?;
        if now.mode.mode != Mode::Maintenance {
            return Err(ImportError::NotInMaintenance);
        }
        if !now.ready() {
            return Err(ImportError::NotReady);
        }
        if now.head.is_none() {
            let (keys, object_keys) = (&inner.keys, &inner.object_keys);
            bootstrap::ensure(&inner.coord, &inner.objects, keys, object_keys, &inner.env)
                .await
                .map_err(StoreError::Bootstrap)?;
            now = Overview::read(&inner.coord, &inner.keys).await?;
        }
        let lost = || StoreError::BrokenLog("`head` does not exist".to_owned());
        Ok(Base {
            head: now.head.ok_or_else(lost)?,
            head_revision: now.head_revision,
            mode_revision: now.mode.revision,
        })
    }

    /// Writes the new lineage's objects.
    async fn prepare(&self, base: &Base, staged: &Staged) -> Result<Proposal, ImportError> {
        let (inner, env) = (&self.inner, &self.inner.env);
        let commit = Commit {
            lineage: env.new_id(),
            position: base.head.position + 1,
            previous: base.head.commit,
            id: env.new_id(),
            time: env.now(),
            body: Body::Switch { reason: Reason::Import },
        };
        let (lineage, position) = (commit.lineage, commit.position);
        let parent = self.parent(&base.head).await?;
        let record = LineageRecord {
            lineage,
            epoch: parent.epoch + 1,
            identity: parent.identity,
            parent: Some(base.head.lineage),
            fork: base.head.position,
            reason: Reason::Import,
            created: commit.time,
        };
        let manifest = Manifest {
            service: inner.schema.service.to_owned(),
            schema: inner.schema.version,
            lineage,
            position,
            commit: commit.id,
            created: commit.time,
            counts: staged.counts.clone(),
            files: staged.files.clone(),
        };
        let keys = &inner.object_keys;
        let stored = |error: ObjectError| StoreError::Objects(error);
        inner.objects.put_sealed(&keys.lineage(lineage), &record).await.map_err(stored)?;
        env.point("import.lineage_written").await?;
        let key = keys.manifest(lineage, position);
        inner.objects.put_sealed(&key, &manifest).await.map_err(stored)?;
        env.point("import.manifest_written").await?;
        let checkpoint = encode(&CheckpointRecord { lineage, position });
        let archived = encode(&ArchivedRecord::at(&commit.head()));
        Ok(Proposal {
            commit,
            base: base.head,
            head_revision: base.head_revision,
            mode_revision: base.mode_revision,
            also: vec![
                Op::put(inner.keys.checkpoint(), checkpoint),
                Op::put(inner.keys.archived(), archived),
            ],
        })
    }

    /// The lineage that the import ends. Its record may be what is broken: an import mends that.
    async fn parent(&self, head: &Head) -> Result<LineageRecord, ImportError> {
        let inner = &self.inner;
        match inner.objects.get_sealed(&inner.object_keys.lineage(head.lineage)).await {
            Err(ObjectError::NotExist(_)) => Ok(LineageRecord {
                lineage: head.lineage,
                epoch: 0,
                identity: inner.env.new_id(),
                parent: None,
                fork: 0,
                reason: Reason::Bootstrap,
                created: inner.env.now(),
            }),
            found => Ok(found.map_err(StoreError::Objects)?),
        }
    }

    async fn switch(&self, proposal: Proposal) -> Result<Head, ImportError> {
        let (inner, env) = (&self.inner, &self.inner.env);
        env.point("import.before_switch").await?;
        let settled = settle(&inner.coord, &inner.keys, env, &proposal).await;
        match settled.map_err(|error: CommitError| StoreError::Commit(error))? {
            Settled::Committed { .. } => {}
            Settled::Refused { .. } => return Err(ImportError::Overtaken),
        }
        env.point("import.after_switch").await?;
        let head = proposal.commit.head();
        // If the coordination store is lost, this is what says that the import took place.
        let current = CurrentLineage { lineage: head.lineage };
        let key = inner.object_keys.current();
        while let Err(error) = inner.objects.put_sealed(&key, &current).await {
            tracing::warn!(%error, "the lineage in force cannot be noted in objects yet");
        }
        env.point("import.current_written").await?;
        Ok(head)
    }
}
