//! Collection at once, for an operator: deletes the objects that [`collect`](super::collect) would
//! delete after `head` and `checkpoint` have changed, without waiting for that.
//!
//! Instead of waiting it makes every writer fail that may have stored the present garbage: commits,
//! imports and restores compare `mode`, so it writes the same mode with the next generation;
//! checkpoints compare their lock, so it takes that lock. An object that is garbage before and
//! after that can never be referred to. There is no grace period for readers of an older
//! checkpoint: they load again.

use object_store::path::Path;

use super::collect;
use crate::coord::lock::Lock;
use crate::coord::{Compare, Coordination, CoordinationExt, KeyRange, Op, Txn};
use crate::lineage::recovery;
use crate::log::format::{Mode, ModeRecord, encode};
use crate::maintenance::SeenMode;
use crate::read_model::StoreError;
use crate::store::{Overview, Store};

const TASK: &str = "checkpoint";
const HOLDER: &str = "sweep";
const LEASE: std::time::Duration = std::time::Duration::from_secs(60);

#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    #[error("`{0}` does not exist: a store must be started once before it can be swept")]
    NoHead(String),
    #[error("the coordination store was set back; start the service first, which recovers")]
    SetBack,
    #[error("a checkpoint is being made by a running instance")]
    Busy,
    #[error("the mode was switched meanwhile")]
    Overtaken,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// The objects that nothing refers to, as of now.
    pub async fn garbage(&self) -> Result<Vec<Path>, StoreError> {
        collect::garbage(&self.inner).await
    }

    /// Deletes the objects that nothing refers to, and that no writer can refer to any more;
    /// answers their names.
    pub async fn sweep(&self) -> Result<Vec<Path>, SweepError> {
        let inner = &self.inner;
        let head = inner.coord.get(inner.keys.head()).await.map_err(StoreError::from)?.0;
        if head.is_none() {
            return Err(SweepError::NoHead(inner.keys.head()));
        }
        // A recovery that is under way compares neither `mode` nor the lock.
        if recovery::is_set_back(inner).await? {
            return Err(SweepError::SetBack);
        }
        let before = self.garbage().await?;
        let lock = self.take_lock().await?;
        self.renew_mode().await?;
        let still = self.garbage().await?;
        let mut deleted = Vec::new();
        for key in before.into_iter().filter(|key| still.contains(key)) {
            inner.objects.delete(&key).await.map_err(StoreError::from)?;
            inner.stats.collected();
            deleted.push(key);
        }
        lock.release().await.map_err(StoreError::from)?;
        Ok(deleted)
    }

    /// Takes the lock of checkpoints, if need be from an instance that is gone: its fence fails
    /// then.
    async fn take_lock(&self) -> Result<Lock, SweepError> {
        let (coord, keys) = (&self.inner.coord, &self.inner.keys);
        let take = || Lock::try_take(coord, keys.task(TASK), HOLDER, LEASE);
        if let Some(lock) = take().await.map_err(StoreError::from)? {
            return Ok(lock);
        }
        if !Overview::read(coord, keys).await?.instances.is_empty() {
            return Err(SweepError::Busy);
        }
        let drop = Txn::default().then(Op::delete(KeyRange::single(keys.task(TASK))));
        coord.txn(drop).await.map_err(StoreError::from)?;
        take().await.map_err(StoreError::from)?.ok_or(SweepError::Busy)
    }

    /// Writes the present mode with the next generation.
    async fn renew_mode(&self) -> Result<(), SweepError> {
        let (inner, keys) = (&self.inner, &self.inner.keys);
        let (found, _) = inner.coord.get(keys.mode()).await.map_err(StoreError::from)?;
        let seen = SeenMode::decode(found.as_ref()).map_err(StoreError::from)?;
        let record = match seen.record {
            Some(record) => ModeRecord { generation: record.generation + 1, ..record },
            None => ModeRecord {
                mode: Mode::Normal,
                generation: 1,
                since: inner.env.now(),
                requested_by: HOLDER.to_owned(),
                reason: None,
            },
        };
        let renew = Txn::default()
            .when(Compare::mod_revision(keys.mode(), seen.revision))
            .then(Op::put(keys.mode(), encode(&record)));
        match inner.coord.txn(renew).await.map_err(StoreError::from)?.succeeded {
            true => Ok(()),
            false => Err(SweepError::Overtaken),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::checkpoint;
    use super::super::tests::{
        add_many, archive_all, checkpoint_now, checkpointed, lock, small_world,
    };
    use super::*;
    use crate::store::Reads;

    #[tokio::test(start_paused = true)]
    async fn a_sweep_deletes_garbage_at_once_and_fails_every_writer_that_began_before() {
        let mut world = small_world();
        world.settings.tasks.checkpoints_kept = 1;
        let one = world.start().await;
        for prefix in ["a", "b", "c"] {
            add_many(&one, prefix, 3).await;
            archive_all(&one).await;
            checkpoint_now(&one).await;
        }
        let held = lock(&one, "checkpoint").await;
        let garbage = one.store.garbage().await.unwrap();
        assert!(garbage.len() >= 4, "{garbage:?}");
        // The lock's holder is gone, as far as anybody knows: no instance has a key.
        assert_eq!(one.store.sweep().await.unwrap(), garbage);
        assert_eq!(one.store.garbage().await.unwrap(), []);
        add_many(&one, "d", 1).await;
        archive_all(&one).await;
        let late = checkpoint::run_once(&one.store, held.fence()).await;
        assert!(matches!(late, Err(StoreError::Fenced)), "{late:?}");
        assert_eq!(checkpointed(&world).await, Some(9));
        let names = one.names(Reads::Linearizable).await;
        drop(one);
        let two = world.start().await;
        assert_eq!(two.names(Reads::Linearizable).await, names);
        assert_eq!(two.store.verify().await.unwrap().findings, []);
    }

    #[tokio::test(start_paused = true)]
    async fn a_sweep_is_refused_where_it_cannot_know_what_is_needed() {
        let mut world = small_world();
        let (store, ..) = world.parts();
        assert!(matches!(store.sweep().await, Err(SweepError::NoHead(_))));
        let one = world.start().await;
        add_many(&one, "a", 2).await;
        let backup = world.coord.snapshot();
        add_many(&one, "b", 2).await;
        archive_all(&one).await;
        drop(one);
        world.coord.restore(backup).await;
        assert!(matches!(store.sweep().await, Err(SweepError::SetBack)));
    }
}
