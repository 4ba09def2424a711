//! Background work on archives: those that were kept for long enough expire, what no attempt names
//! is deleted, and what a set-back state names and is not there is marked as missing.
//!
//! Every instance looks in its read model from time to time, and decides in a transaction.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::time::Duration;

use drydock_api::runservice::types::AttemptId;
use drydock_core::context::Context;
use drydock_core::db::Tx;
use drydock_core::error::{ActionError, BoxError};
use drydock_core::read_model::OtherLineages;
use drydock_core::store::{Reads, Store, StoreTx};
use jiff::Timestamp;
use object_store::path::Path;
use uuid::Uuid;

use super::Archives;
use crate::action::archive as action;
use crate::blobs::garbage;
use crate::engine::EngineSettings;
use crate::model;
use crate::periodic::Periodic;
use crate::record::Attempt;
use crate::schema::ATTEMPTS;

/// Between two looks for archives that have expired.
const LOOK_PERIOD: Duration = Duration::from_secs(60);
/// Between two sweeps for objects that no commit names.
const SWEEP_PERIOD: Duration = Duration::from_secs(1800);
/// The attempts of one read.
const AT_ONCE: usize = 64;
/// The timeout of one read, or one transaction.
const TIMEOUT: Duration = Duration::from_secs(10);

pub struct Tending {
    store: Store,
    archives: Archives,
    engine: EngineSettings,
    /// How long archives are kept after the last run that refers to their attempt.
    retention: Duration,
    /// When it last looked for what has expired, on the monotonic clock.
    looked: Duration,
    swept: Duration,
    /// The lineage whose archives this instance has looked for.
    found_in: Option<Uuid>,
}

impl Periodic for Tending {
    const NAME: &'static str = "care of archives";

    async fn pass(&mut self) -> Result<(), BoxError> {
        let lineage = self.store.applied().borrow().head.map(|head| head.lineage);
        if lineage.is_some() && self.found_in != lineage {
            self.find_missing().await?;
            self.found_in = lineage;
        }
        let now = self.archives.env.monotonic();
        if now.saturating_sub(self.looked) >= LOOK_PERIOD {
            self.looked = now;
            self.expire().await?;
        }
        if now.saturating_sub(self.swept) >= SWEEP_PERIOD {
            self.swept = now;
            self.sweep().await?;
        }
        Ok(())
    }
}

impl Tending {
    pub fn new(
        store: Store,
        archives: Archives,
        engine: EngineSettings,
        retention: Duration,
    ) -> Tending {
        let now = archives.env.monotonic();
        let (looked, swept, found_in) = (now, now, None);
        Tending { store, archives, engine, retention, looked, swept, found_in }
    }

    /// Marks what attempts name and is not stored: a state that was set back names what was deleted
    /// since, and one from elsewhere what was never here.
    async fn find_missing(&self) -> Result<(), BoxError> {
        let mut stored: Option<BTreeSet<Path>> = None;
        let mut after = None;
        loop {
            let ctx = Context::background().timeout(TIMEOUT);
            let read = move |tx: &Tx<'_>| Ok(model::attempt::with_archives(tx, after, AT_ONCE)?);
            let found: Vec<Attempt> = self.store.read(&ctx, Reads::Linearizable, read).await?;
            let Some(last) = found.last() else { return Ok(()) };
            after = Some(last.id);
            // One listing for all, and none if no attempt has archives.
            let stored = match &mut stored {
                Some(stored) => stored,
                None => {
                    let listed = self.archives.list(&self.archives.all()).await?;
                    stored.insert(listed.into_iter().collect())
                }
            };
            for attempt in &found {
                let missing = self.missing(attempt, stored).await?;
                if !missing.is_empty() {
                    let (id, count) = (attempt.id, missing.len());
                    tracing::warn!(attempt = %id, count, "archives are not in object storage");
                    self.forget(id, Some(missing)).await?;
                }
            }
        }
    }

    /// The objects that an attempt names and that are not stored.
    async fn missing(
        &self,
        attempt: &Attempt,
        stored: &BTreeSet<Path>,
    ) -> Result<BTreeSet<String>, BoxError> {
        let mut missing = BTreeSet::new();
        for archive in attempt.archives.values() {
            let key = self.archives.key(attempt.id, &archive.object);
            let is_listed = key.is_some_and(|key| stored.contains(&key));
            // It may have been stored since.
            if !is_listed && !self.archives.is_stored(attempt.id, archive).await? {
                missing.insert(archive.object.clone());
            }
        }
        Ok(missing)
    }

    async fn expire(&self) -> Result<(), BoxError> {
        // Before the first moment of all nothing has ended.
        let now = self.archives.env.now();
        let before = now.checked_sub(self.retention).unwrap_or(Timestamp::MIN);
        let ctx = Context::background().timeout(TIMEOUT);
        let read =
            move |tx: &Tx<'_>| Ok(model::attempt::with_old_archives(tx, before, None, AT_ONCE)?);
        for attempt in self.store.read(&ctx, Reads::Local, read).await? {
            let (ctx, engine) = (Context::background().timeout(TIMEOUT), self.engine.clone());
            let work = move |tx: &mut StoreTx<'_>| {
                action::expire::<Infallible>(tx, &engine, attempt, before)
                    .map_err(ActionError::boxed)
            };
            // Another instance may have been first.
            if self.store.transact(&ctx, work).await? {
                self.archives.delete_others(attempt, std::iter::empty()).await?;
            }
        }
        Ok(())
    }

    /// Takes the names of these objects away, whichever state there is by then.
    async fn forget(
        &self,
        attempt: AttemptId,
        objects: Option<BTreeSet<String>>,
    ) -> Result<(), BoxError> {
        let (ctx, engine) = (Context::background().timeout(TIMEOUT), self.engine.clone());
        let work = move |tx: &mut StoreTx<'_>| {
            action::forget::<Infallible>(tx, &engine, attempt, objects.as_ref())
                .map_err(ActionError::boxed)
        };
        self.store.transact(&ctx, work).await
    }

    /// Deletes what was uploaded for attempts that have ended, and that they do not name. Another
    /// lineage that is kept may name it, so nothing is deleted while there is one. Attempts that
    /// this state does not know may be of such a lineage, too.
    async fn sweep(&self) -> Result<(), BoxError> {
        let others = OtherLineages::of(self.store.lineages().await?.len());
        if others == OtherLineages::Kept {
            return Ok(());
        }
        let mut ended: BTreeMap<AttemptId, Attempt> = BTreeMap::new();
        for attempt in self.archives.attempts().await? {
            let ctx = Context::background().timeout(TIMEOUT);
            let find = move |tx: &Tx<'_>| Ok(tx.get(ATTEMPTS, attempt.0)?);
            let found: Option<Attempt> = self.store.read(&ctx, Reads::Local, find).await?;
            ended.extend(
                found.filter(|it| garbage::deletes_uploads(it, others)).map(|it| (attempt, it)),
            );
        }
        for (id, attempt) in ended {
            self.archives.delete_others(id, attempt.archives.values()).await?;
        }
        Ok(())
    }
}
