//! The switch to a new lineage, which an import and a restore have in common.
//!
//! It is the commit at the next position: it changes `head`, the log, `checkpoint` and `archived`
//! in one transaction that compares `head` and `mode`. Before it, the lineage that it ends is
//! archived to its last commit, so that one can go back to all of it.

use std::collections::BTreeMap;
use std::time::Duration;

use uuid::Uuid;

use super::import::ImportError;
use crate::checkpoint::{DataFile, Manifest};
use crate::context::Context;
use crate::coord::lock::Lock;
use crate::coord::{CoordinationExt, Op, Revision};
use crate::error::Chain;
use crate::lineage::record::LineageRecord;
use crate::lineage::{bootstrap, notes};
use crate::log::commit::{CommitError, Proposal, Settled, settle};
use crate::log::format::{
    ArchivedRecord, Body, CheckpointRecord, Commit, Head, Mode, Position, Reason, decode, encode,
};
use crate::objects::ObjectError;
use crate::retry::Backoff;
use crate::store::{Overview, Reached, Store, StoreError};
use crate::tasks::archive;

/// The name of the lock under which the tail is archived, and the holder that it then has.
const TASK: &str = "archive";
const HOLDER: &str = "switch";
/// Short: nobody releases the lock of an import that was given up or killed meanwhile, and until it
/// is gone nothing is archived.
const TAIL_LEASE: Duration = Duration::from_secs(10);
/// How long the lock of an archiver that was killed is waited for.
const TAIL_PATIENCE: Duration = Duration::from_secs(30);

/// How often noting the lineage in force is tried, each time with the attempts of any write. Then
/// the caller is told 503 `storage_unavailable`: the switch has taken place, and the next load
/// notes it.
const NOTE_ROUNDS: u32 = 20;

/// What the new lineage begins with.
pub(super) struct Next {
    pub(super) reason: Reason,
    pub(super) parent: Uuid,
    /// The parent's last position that belongs to it.
    pub(super) fork: Position,
    pub(super) counts: BTreeMap<String, u64>,
    pub(super) files: Vec<DataFile>,
}

/// What the switch compares.
pub(super) struct Base {
    pub(super) head: Head,
    head_revision: Revision,
    mode_revision: Revision,
}

impl Store {
    /// The state that is replaced, if it may.
    pub(super) async fn base(&self) -> Result<Base, ImportError> {
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
        Ok(Base {
            // Lost with its store: it is being recovered.
            head: now.head.ok_or(StoreError::NotReady)?,
            head_revision: now.head_revision,
            mode_revision: now.mode.revision,
        })
    }

    /// Archives what is not archived yet. A store that cannot be loaded may be what is mended here:
    /// then that is tried, and no more.
    pub(super) async fn archive_tail(&self, base: &Base) -> Result<(), ImportError> {
        let done = self.try_archive_tail(&base.head).await;
        match done {
            Err(StoreError::Injected(error)) => return Err(error.into()),
            Err(error) if self.inner.db().is_ok() => return Err(error.into()),
            Err(error) => {
                let (position, error) = (base.head.position, Chain(&error));
                tracing::error!(position, %error, "the last commits could not be archived");
            }
            Ok(()) => {}
        }
        self.inner.env.point("import.tail_archived").await?;
        Ok(())
    }

    async fn try_archive_tail(&self, head: &Head) -> Result<(), StoreError> {
        let inner = &self.inner;
        let begun = inner.env.monotonic();
        let mut backoff = Backoff::new(&inner.env, "archive-tail");
        loop {
            if self.archived_to(head).await? {
                return Ok(());
            }
            if inner.env.monotonic() - begun > TAIL_PATIENCE {
                let text = "the last commits could not be archived".to_owned();
                return Err(StoreError::StorageUnavailable(text));
            }
            let key = inner.keys.task(TASK);
            if let Some(lock) = Lock::try_take(&inner.coord, key, HOLDER, TAIL_LEASE).await? {
                let mut noted = None;
                let pass = archive::run_once(self, lock.fence(), &mut noted);
                let archived = lock.keep_while(TAIL_LEASE, pass).await;
                if let Err(error) = lock.release().await {
                    tracing::debug!(%error, "the archiver's lock is left to expire");
                }
                match archived {
                    Ok(()) | Err(StoreError::Fenced) => {}
                    Err(error) => return Err(error),
                }
            }
            backoff.pause().await;
        }
    }

    async fn archived_to(&self, head: &Head) -> Result<bool, StoreError> {
        let found = self.inner.coord.get(self.inner.keys.archived()).await?.0;
        let Some(found) = found else { return Ok(head.position == 0) };
        Ok(decode::<ArchivedRecord>(&found.key, &found.value)?.head() == *head)
    }

    /// Writes the new lineage's objects.
    pub(super) async fn prepare(&self, base: &Base, next: Next) -> Result<Proposal, ImportError> {
        let (inner, env) = (&self.inner, &self.inner.env);
        let commit = Commit {
            lineage: env.new_id(),
            position: base.head.position + 1,
            previous: base.head.commit,
            id: env.new_id(),
            time: env.now(),
            body: Body::Switch { reason: next.reason },
        };
        let (lineage, position) = (commit.lineage, commit.position);
        let ended = self.ended(&base.head).await?;
        let record = LineageRecord {
            lineage,
            epoch: ended.epoch + 1,
            identity: ended.identity,
            parent: Some(next.parent),
            fork: next.fork,
            replaced: (next.parent != base.head.lineage).then_some(base.head.lineage),
            reason: next.reason,
            created: commit.time,
        };
        let manifest = Manifest {
            service: inner.schema.service.to_owned(),
            schema: inner.schema.version,
            lineage,
            position,
            commit: commit.id,
            created: commit.time,
            counts: next.counts,
            files: next.files,
        };
        let keys = &inner.object_keys;
        let stored = |error: ObjectError| StoreError::Objects(error);
        inner.objects.put_envelope(&keys.lineage(lineage), &record).await.map_err(stored)?;
        env.point("import.lineage_written").await?;
        let key = keys.manifest(lineage, position);
        inner.objects.put_envelope(&key, &manifest).await.map_err(stored)?;
        env.point("import.manifest_written").await?;
        let checkpoint = encode(&CheckpointRecord { lineage, position });
        let archived = encode(&ArchivedRecord::at(&commit.head()));
        let mut proposal = Proposal::new(commit, base.head, base.head_revision, base.mode_revision);
        proposal.also = vec![
            Op::put(inner.keys.checkpoint(), checkpoint),
            Op::put(inner.keys.archived(), archived),
        ];
        Ok(proposal)
    }

    /// The lineage that ends here. Its record may be what is broken: an import mends that.
    async fn ended(&self, head: &Head) -> Result<LineageRecord, ImportError> {
        let inner = &self.inner;
        match inner.objects.get_envelope(&inner.object_keys.lineage(head.lineage)).await {
            Err(ObjectError::NotExist(_)) => Ok(LineageRecord {
                lineage: head.lineage,
                epoch: 0,
                identity: inner.env.new_id(),
                parent: None,
                fork: 0,
                replaced: None,
                reason: Reason::Bootstrap,
                created: inner.env.now(),
            }),
            found => Ok(found.map_err(StoreError::Objects)?),
        }
    }

    pub(super) async fn switch(&self, proposal: Proposal) -> Result<Head, ImportError> {
        let (inner, env) = (&self.inner, &self.inner.env);
        env.point("import.before_switch").await?;
        let settled = settle(&inner.coord, &inner.keys, env, &proposal).await;
        match settled.map_err(|error: CommitError| StoreError::Commit(error))? {
            Settled::Committed { .. } => {}
            Settled::Refused { .. } => return Err(ImportError::Overtaken),
        }
        env.point("import.after_switch").await?;
        let head = proposal.commit.head();
        // If the coordination store is lost, this is what says that the switch took place.
        let (objects, keys) = (&inner.objects, &inner.object_keys);
        let mut rounds = 1;
        while let Err(error) = notes::note(objects, keys, head.lineage).await {
            if rounds == NOTE_ROUNDS {
                return Err(StoreError::Objects(error).into());
            }
            rounds += 1;
            tracing::warn!(%error, "the lineage in force cannot be noted in objects yet");
        }
        env.point("import.current_written").await?;
        Ok(head)
    }

    /// Waits until this instance has loaded the state that a switch led to.
    pub(super) async fn in_force_here(
        &self,
        ctx: &Context,
        head: &Head,
    ) -> Result<(), ImportError> {
        let reached = ctx.run(self.inner.applied_at(head)).await;
        match reached.map_err(StoreError::Interrupted)? {
            Reached::There => Ok(()),
            Reached::Gone => {
                let (id, position) = (head.commit, head.position);
                Err(StoreError::Commit(CommitError::Lost { id, position }).into())
            }
        }
    }
}
