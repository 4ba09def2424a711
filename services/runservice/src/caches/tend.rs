//! Background work on caches: what look-ups have noted is committed, entries that nobody has used
//! for long enough go, and of a project that has too much the ones that were not used for longest;
//! what no entry names is deleted.
//!
//! Every instance looks in its read model from time to time, and decides in a transaction.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::time::Duration;

use drydock_api::runservice::types::CacheId;
use drydock_core::context::Context;
use drydock_core::db::Tx;
use drydock_core::error::{ActionError, BoxError};
use drydock_core::read_model::OtherLineages;
use drydock_core::store::{Reads, Store, StoreTx};
use jiff::Timestamp;

use super::Caches;
use super::notes::Note;
use super::objects::names_of;
use crate::Settings;
use crate::action::cache as action;
use crate::blobs::garbage;
use crate::model;
use crate::periodic::Periodic;
use crate::record::{Attempt, Cache};
use crate::schema::{ATTEMPTS, CACHES};

/// The longest time between two uses of an entry that are both committed.
const USES_APART: Duration = Duration::from_secs(3600);
/// Between two looks for entries that are to go.
const LOOK_PERIOD: Duration = Duration::from_secs(60);
/// Between two sweeps for objects that no entry names.
const SWEEP_PERIOD: Duration = Duration::from_secs(1800);
/// The entries of one commit.
const AT_ONCE: usize = 64;
/// The timeout of one read, or one transaction.
const TIMEOUT: Duration = Duration::from_secs(10);

pub struct Tending {
    store: Store,
    caches: Caches,
    /// How long an entry is kept after its last use.
    retention: Duration,
    /// The bytes of one project's entries.
    quota: u64,
    /// When it last looked for entries that are to go, on the monotonic clock.
    looked: Duration,
    swept: Duration,
}

impl Periodic for Tending {
    const NAME: &'static str = "care of caches";

    async fn pass(&mut self) -> Result<(), BoxError> {
        self.commit_notes().await?;
        let now = self.caches.env.monotonic();
        if now.saturating_sub(self.looked) >= LOOK_PERIOD {
            self.looked = now;
            self.expire().await?;
            self.shrink().await?;
        }
        if now.saturating_sub(self.swept) >= SWEEP_PERIOD {
            self.swept = now;
            self.sweep().await?;
        }
        Ok(())
    }
}

impl Tending {
    pub fn new(store: Store, caches: Caches, settings: &Settings) -> Tending {
        let now = caches.env.monotonic();
        let (retention, quota) = (settings.cache_retention, settings.cache_quota);
        Tending { store, caches, retention, quota, looked: now, swept: now }
    }

    /// Commits what look-ups have noted, if it is worth a commit.
    async fn commit_notes(&self) -> Result<(), BoxError> {
        let notes = self.caches.notes.take(AT_ONCE);
        if notes.is_empty() {
            return Ok(());
        }
        let (ids, now) = (notes.keys().copied().collect::<Vec<_>>(), self.caches.env.now());
        // An entry in use must not seem unused for as long as entries are kept.
        let apart = USES_APART.min(self.retention / 4);
        let known = self.read(move |tx| known(tx, &ids)).await?;
        let (mut used, mut missing) = (BTreeSet::new(), BTreeMap::new());
        for entry in known {
            match notes[&entry.id] {
                Note::Used if action::is_worth_noting(&entry, now, apart) => {
                    used.insert(entry.id);
                }
                Note::Used => {}
                Note::Missing => {
                    // The note may be older than an import, objects and all.
                    if !self.caches.is_stored(&entry).await? {
                        tracing::warn!(entry = %entry.id, "the object of a cache entry is gone");
                        missing.insert(entry.id, entry.object);
                    }
                }
            }
        }
        if used.is_empty() && missing.is_empty() {
            return Ok(());
        }
        self.transact(move |tx| action::note(tx, (&used, apart), &missing)).await
    }

    /// Deletes entries that nobody has used for long enough.
    async fn expire(&self) -> Result<(), BoxError> {
        // Before the first moment of all nothing was used.
        let before = self.caches.env.now().checked_sub(self.retention).unwrap_or(Timestamp::MIN);
        loop {
            let old = self.read(move |tx| Ok(model::cache::unused(tx, before, AT_ONCE)?)).await?;
            if old.is_empty() {
                return Ok(());
            }
            let gone = self.transact(move |tx| action::expire(tx, before, AT_ONCE)).await?;
            self.delete(&gone).await?;
            if gone.len() < AT_ONCE {
                return Ok(());
            }
        }
    }

    /// Deletes the entries of projects that have more than they may.
    async fn shrink(&self) -> Result<(), BoxError> {
        let quota = self.quota;
        for project in self.read(move |tx| Ok(model::cache::beyond(tx, quota)?)).await? {
            loop {
                let shrink =
                    move |tx: &mut StoreTx<'_>| action::shrink(tx, project, quota, AT_ONCE);
                let gone = self.transact(shrink).await?;
                self.delete(&gone).await?;
                if gone.len() < AT_ONCE {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Deletes what was uploaded by attempts that have ended, and that no entry names. Another
    /// lineage that is kept may name it, so nothing is deleted while there is one. Attempts that
    /// this state does not know may be of such a lineage, too.
    async fn sweep(&self) -> Result<(), BoxError> {
        let others = OtherLineages::of(self.store.lineages().await?.len());
        if others == OtherLineages::Kept {
            return Ok(());
        }
        for attempt in self.caches.attempts().await? {
            let find = move |tx: &Tx<'_>| {
                let found: Option<Attempt> = tx.get(ATTEMPTS, attempt.0)?;
                let deletes = found.is_some_and(|found| garbage::deletes_uploads(&found, others));
                let names = model::cache::objects(tx, &names_of(attempt))?;
                Ok(deletes.then_some(names))
            };
            if let Some(named) = self.read(find).await? {
                self.caches.delete_others(attempt, &named).await?;
            }
        }
        Ok(())
    }

    /// Deletes the objects of entries that a commit has deleted.
    async fn delete(&self, gone: &[Cache]) -> Result<(), BoxError> {
        for entry in gone {
            self.caches.delete(&entry.object).await?;
        }
        Ok(())
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, BoxError> + Send + 'static,
    ) -> Result<T, BoxError> {
        let ctx = Context::background().timeout(TIMEOUT);
        self.store.read(&ctx, Reads::Local, work).await
    }

    async fn transact<T, W>(&self, mut work: W) -> Result<T, BoxError>
    where
        T: Send + 'static,
        W: FnMut(&mut StoreTx<'_>) -> Result<T, ActionError<Infallible>> + Send + 'static,
    {
        let ctx = Context::background().timeout(TIMEOUT);
        self.store.transact(&ctx, move |tx| work(tx).map_err(ActionError::boxed)).await
    }
}

/// Those of these entries that there are.
fn known(tx: &Tx<'_>, ids: &[CacheId]) -> Result<Vec<Cache>, BoxError> {
    let mut known = Vec::new();
    for id in ids {
        known.extend(tx.get::<Cache>(CACHES, id.0)?);
    }
    Ok(known)
}
