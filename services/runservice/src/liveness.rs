//! Which executors are heard: each has a leased key, which the instance that hears it keeps alive.
//!
//! A heartbeat that says nothing new writes nothing. An executor may speak to one instance after
//! the other: the key belongs to the lease of the last one that has written it, so an instance that
//! renews looks whether that is still its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use drydock_api::runservice::types::ExecutorId;
use drydock_core::coord::{
    Bounded, Coordination, CoordinationExt, Error, LeaseId, Put, RangeRequest,
};
use drydock_core::env::Env;
use drydock_core::log::keys::Keys;

/// The kind of the keys.
const KIND: &str = "executors";
/// Renewals within the time to live.
const RENEWALS: u32 = 4;
/// The greatest number of keys that one read brings.
const PAGE: usize = 1000;

/// The executors that this instance hears. Clones are the same.
#[derive(Clone)]
pub struct Liveness(Arc<Inner>);

struct Inner {
    env: Env,
    coord: Bounded,
    keys: Keys,
    ttl: Duration,
    kept: Mutex<BTreeMap<ExecutorId, Kept>>,
}

/// A key that this instance has written.
#[derive(Debug, Clone, Copy)]
struct Kept {
    lease: LeaseId,
    /// The executor's session, which the key holds.
    session: u64,
    /// On the monotonic clock.
    renewed: Duration,
}

impl Liveness {
    pub fn new(env: Env, coord: Bounded, keys: Keys, ttl: Duration) -> Liveness {
        Liveness(Arc::new(Inner { env, coord, keys, ttl, kept: Mutex::default() }))
    }

    /// How long an executor is alive after it was heard.
    pub fn ttl(&self) -> Duration {
        self.0.ttl
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<ExecutorId, Kept>> {
        self.0.kept.lock().expect("no holder of this lock panics")
    }

    /// Notes that an executor was heard.
    pub async fn hear(&self, executor: ExecutorId, session: u64) -> Result<(), Error> {
        let now = self.0.env.monotonic();
        let kept = self.kept().get(&executor).copied().filter(|kept| kept.session == session);
        let lease = match kept {
            Some(kept) if now.saturating_sub(kept.renewed) < self.0.ttl / RENEWALS => return Ok(()),
            Some(kept) if self.renew(executor, kept.lease).await? => kept.lease,
            _ => self.write(executor, session).await?,
        };
        let mut all = self.kept();
        // Of the others some have gone to other instances.
        all.retain(|_, kept| now.saturating_sub(kept.renewed) <= self.0.ttl);
        all.insert(executor, Kept { lease, session, renewed: now });
        Ok(())
    }

    /// Keeps the lease alive. `false`: it has expired, or the key is another one's.
    async fn renew(&self, executor: ExecutorId, lease: LeaseId) -> Result<bool, Error> {
        match self.0.coord.lease_keep_alive(lease).await {
            Ok(_) => {}
            Err(Error::LeaseNotExist(_)) => return Ok(false),
            Err(error) => return Err(error),
        }
        let (found, _) = self.0.coord.get(self.0.keys.leased(KIND, executor.0)).await?;
        Ok(found.is_some_and(|found| found.lease == Some(lease)))
    }

    async fn write(&self, executor: ExecutorId, session: u64) -> Result<LeaseId, Error> {
        let lease = self.0.coord.lease_grant(self.0.ttl).await?.id;
        let value = session.to_string();
        let key = self.0.keys.leased(KIND, executor.0);
        self.0.coord.put(Put::new(key, value).lease(lease)).await?;
        Ok(lease)
    }

    /// The executors that any instance has heard within the time to live.
    pub async fn alive(&self) -> Result<BTreeSet<ExecutorId>, Error> {
        let mut range = self.0.keys.leases(KIND);
        let mut alive = BTreeSet::new();
        loop {
            let page = self.0.coord.range(RangeRequest::new(range.clone()).limit(PAGE)).await?;
            for found in &page.kvs {
                let id = self.0.keys.name(&found.key).and_then(|name| name.rsplit_once('/'));
                let id = id.and_then(|(_, id)| id.parse::<ExecutorId>().ok());
                alive.extend(id);
            }
            let Some(last) = page.kvs.last().filter(|_| page.kvs.len() == PAGE) else {
                return Ok(alive);
            };
            range.start = [last.key.as_ref(), &[0]].concat().into();
        }
    }
}
