//! A leased lock, as a hint; and the fence that makes it safe.
//!
//! Holding the lock keeps other instances from doing the same work. It proves nothing: a holder may
//! have been paused beyond its lease. A holder publishes its results in a transaction with
//! [`Fence::compare`], which fails once the lock is lost, even if the holder has not noticed.

use std::time::Duration;

use super::{
    Bounded, Compare, CompareTarget, Coordination, Error, LeaseId, Op, Put, Result, Revision, Txn,
};

/// Renewals within a lock's time to live.
const RENEWALS: u32 = 3;

/// The revision at which the lock's key was created, which identifies its holder.
#[derive(Debug, Clone)]
pub struct Fence {
    key: String,
    created: Revision,
}

impl Fence {
    /// A compare that holds only as long as the lock was never lost.
    pub fn compare(&self) -> Compare {
        Compare::equal(self.key.clone(), CompareTarget::CreateRevision(self.created))
    }
}

/// A lock that is held, as far as its holder knows.
pub struct Lock {
    coord: Bounded,
    lease: LeaseId,
    fence: Fence,
}

impl Lock {
    /// Takes the lock if it is free.
    pub async fn try_take(
        coord: &Bounded,
        key: String,
        holder: &str,
        ttl: Duration,
    ) -> Result<Option<Lock>> {
        let lease = coord.lease_grant(ttl).await?.id;
        let take = Txn::default()
            .when(Compare::absent(key.clone()))
            .then(Op::Put(Put::new(key.clone(), holder.to_owned()).lease(lease)));
        let taken = coord.txn(take).await;
        if let Ok(answer) = &taken
            && answer.succeeded
        {
            let fence = Fence { key, created: answer.revision };
            return Ok(Some(Lock { coord: coord.clone(), lease, fence }));
        }
        // Held by another, or in doubt: then it goes with its lease.
        coord.lease_revoke(lease).await.or_else(ignore_absent)?;
        taken.map(|_| None)
    }

    pub fn fence(&self) -> &Fence {
        &self.fence
    }

    /// Keeps it; [`Error::LeaseNotExist`] if it is lost.
    pub async fn renew(&self) -> Result<()> {
        self.coord.lease_keep_alive(self.lease).await.map(drop)
    }

    /// Does `work` and keeps the lock meanwhile, whose time to live is `ttl`.
    pub async fn keep_while<T>(&self, ttl: Duration, work: impl Future<Output = T>) -> T {
        let renewing = async {
            loop {
                tokio::time::sleep(ttl / RENEWALS).await;
                // Losing it is found out by the fence.
                let _ = self.renew().await;
            }
        };
        tokio::select! {
            done = work => done,
            never = renewing => never,
        }
    }

    pub async fn release(self) -> Result<()> {
        self.coord.lease_revoke(self.lease).await.or_else(ignore_absent)
    }
}

fn ignore_absent(error: Error) -> Result<()> {
    match error {
        Error::LeaseNotExist(_) => Ok(()),
        other => Err(other),
    }
}
