//! The steps of an import or a restore around the switch to a new lineage.
//!
//! Before the switch, the lineage that it ends is archived up to its last commit, so that a restore
//! can go back to all of it.

use std::time::Duration;

use super::refusals::{MaintenanceNotReady, NotInMaintenance, Overtaken, SwitchFailure};
use crate::context::Context;
use crate::coord::CoordinationExt;
use crate::coord::lock::Lock;
use crate::error::{ActionError, Chain};
use crate::lineage::switch::{self, Next, Replaced};
use crate::lineage::{bootstrap, floors};
use crate::log::commit::CommitError;
use crate::log::format::{ArchivedRecord, Head, Mode, decode};
use crate::read_model::StoreError;
use crate::read_model::floors::Floors;
use crate::retry::Backoff;
use crate::store::{Overview, Reached, Store, model_full};
use crate::tasks::archive;

/// The name of the lock under which the tail is archived, and the holder that it then has.
const TASK: &str = "archive";
const HOLDER: &str = "switch";
/// Short, because no instance releases the lock of an import that was given up or killed, and while
/// the lock exists no commit is archived.
const TAIL_LEASE: Duration = Duration::from_secs(10);
/// How long the lock of an archiver that was killed is waited for.
const TAIL_PATIENCE: Duration = Duration::from_secs(30);

type SwitchError = ActionError<SwitchFailure>;

impl Store {
    /// The head and mode to replace. Refused outside maintenance, and while an instance has not
    /// acknowledged it.
    pub(super) async fn base(&self) -> Result<Replaced, SwitchError> {
        let inner = &self.inner;
        let mut now = Overview::read(&inner.coord, &inner.keys).await?;
        if now.mode.mode != Mode::Maintenance {
            return Err(NotInMaintenance.into());
        }
        if now.head.is_none() {
            bootstrap::ensure(inner).await.map_err(StoreError::Bootstrap)?;
            now = Overview::read(&inner.coord, &inner.keys).await?;
        }
        // The coordination store was lost, and a recovery is under way.
        let head = now.head.ok_or(StoreError::NotReady)?;
        if !now.is_acknowledged() {
            return Err(MaintenanceNotReady.into());
        }
        Ok(Replaced { head, head_revision: now.head_revision, mode_revision: now.mode.revision })
    }

    /// Archives the commits that are not archived yet. In a store that cannot be loaded a failure
    /// is only logged: the import may be what repairs that store.
    pub(super) async fn archive_tail(&self, base: &Replaced) -> Result<(), StoreError> {
        let done = self.try_archive_tail(&base.head).await;
        match done {
            Err(StoreError::Injected(error)) => return Err(error.into()),
            Err(error) if self.inner.db().is_ok() => return Err(error),
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
                let mut memory = None;
                let pass = archive::run_once(self, lock.fence(), &mut memory);
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

    /// What counters have given out up to the end of the lineage that is replaced. In a store that
    /// cannot be loaded only its record tells, and the import may be what repairs that store.
    pub(super) async fn floors(
        &self,
        ctx: &Context,
        base: &Replaced,
    ) -> Result<Floors, SwitchError> {
        let inner = &self.inner;
        if inner.schema.counters.is_none() {
            return Ok(Floors::default());
        }
        if inner.db().is_err() {
            let record = switch::ended(inner, &base.head).await?;
            let margin = inner.counter_margin;
            tracing::error!(margin, "what counters gave out cannot be read: numbers are skipped");
            return Ok(record.floors.raised(margin));
        }
        let reached = ctx.run(inner.wait_applied(&base.head)).await;
        match reached.map_err(StoreError::Interrupted)? {
            Reached::Applied => Ok(floors::given(inner, &inner.db()?).await?),
            Reached::Gone => Err(Overtaken.into()),
            Reached::ModelFull => Err(model_full().into()),
        }
    }

    /// Switches to a new lineage, and waits until this instance has loaded its state.
    pub(super) async fn switch_to(
        &self,
        ctx: &Context,
        base: &Replaced,
        next: Next,
    ) -> Result<Head, SwitchError> {
        let inner = &self.inner;
        let proposal = switch::prepare(inner, base, next).await?;
        let head = switch::commit(inner, &proposal).await?.ok_or(Overtaken)?;
        let followed = self.follow_switch(ctx, &head).await;
        followed.map_err(|error| StoreError::AfterCommit(Box::new(error)))?;
        Ok(head)
    }

    /// Notes the new lineage, and waits until this instance has loaded it.
    async fn follow_switch(&self, ctx: &Context, head: &Head) -> Result<(), StoreError> {
        let inner = &self.inner;
        switch::note(inner).await?;
        match ctx.run(inner.wait_applied(head)).await? {
            Reached::Applied => Ok(()),
            Reached::Gone => {
                let (id, position) = (head.commit, head.position);
                Err(StoreError::Commit(CommitError::Lost { id, position }))
            }
            Reached::ModelFull => Err(model_full()),
        }
    }
}
