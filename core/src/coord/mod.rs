//! The seam for coordination: etcd's semantics as an object-safe trait.
//!
//! What every implementation keeps (the suite in [`conformance`] checks it):
//! - one revision for each transaction that changes something, shared by all its keys; the store
//!   starts at revision 1, reads and deletions of nothing do not advance it;
//! - transactions and default reads are strictly serializable;
//! - a watch delivers every event of its range once, in order, never splitting a revision, or ends
//!   with an error ([`Error::Compacted`] if its past is gone);
//! - a lease's keys vanish in one revision, not before its time to live is over;
//! - every error says what became of the request ([`Error::outcome`]).
//!
//! Absent on purpose: users, roles, alarms and members: a backend's business.

mod bounded;
pub mod check;
#[cfg(any(test, feature = "testing"))]
pub mod conformance;
pub mod lock;
pub mod memory;
pub mod mvcc;
mod types;

use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::BoxStream;

pub use bounded::Bounded;
pub use types::*;

/// What is known about a request that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It changed nothing and never will.
    NotApplied,
    /// It took effect; only its answer is lost.
    Applied,
    /// It may have taken effect, or still may.
    Unknown,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Refused before it could take effect.
    #[error("coordination is unavailable: {reason}")]
    Unavailable { reason: String },
    /// Sent, and not answered.
    #[error("the outcome of a coordination request is unknown: {reason}")]
    Unknown { reason: String },
    /// Took effect, but the answer is of no use.
    #[error("the answer to an applied coordination request is lost: {reason}")]
    AnswerLost { reason: String },
    /// etcd does not tell the oldest to who reads: then this is the one asked for.
    #[error("revision is compacted, none is kept that is older than `{oldest}`")]
    Compacted { oldest: Revision },
    /// Nor the newest: then this is the one before that asked for.
    #[error("revision `{requested}` is in the future, none is newer than `{newest}`")]
    FutureRevision { requested: Revision, newest: Revision },
    #[error("lease `{}` does not exist", .0.0)]
    LeaseNotExist(LeaseId),
    #[error("the request is too large: {reason}")]
    TooLarge { reason: String },
    #[error("the request is not valid: {reason}")]
    Invalid { reason: String },
}

impl Error {
    pub fn outcome(&self) -> Outcome {
        match self {
            Error::Unknown { .. } => Outcome::Unknown,
            Error::AnswerLost { .. } => Outcome::Applied,
            Error::Unavailable { .. }
            | Error::Compacted { .. }
            | Error::FutureRevision { .. }
            | Error::LeaseNotExist(_)
            | Error::TooLarge { .. }
            | Error::Invalid { .. } => Outcome::NotApplied,
        }
    }

    /// Whether the same request may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Error::Unavailable { .. } | Error::Unknown { .. } | Error::AnswerLost { .. })
    }
}

pub type Result<T> = std::result::Result<T, Error>;

/// Batches of events in revision order. Ends only with an error.
pub type WatchStream = BoxStream<'static, Result<WatchBatch>>;

/// An ordered, revisioned key-value store with transactions, leases and watches.
#[async_trait]
pub trait Coordination: Send + Sync + 'static {
    async fn range(&self, request: RangeRequest) -> Result<RangeResponse>;

    /// Applies `then` if every compare holds, else `otherwise`, as one revision.
    async fn txn(&self, txn: Txn) -> Result<TxnResponse>;

    /// Watches from `request.start`, or from the next revision. Returns when the watch is in force.
    async fn watch(&self, request: WatchRequest) -> Result<WatchStream>;

    /// A new lease; the store may lengthen `ttl`.
    async fn lease_grant(&self, ttl: Duration) -> Result<Lease>;

    /// Renews; answers the time to live, or [`Error::LeaseNotExist`].
    async fn lease_keep_alive(&self, id: LeaseId) -> Result<Duration>;

    /// Ends a lease and deletes its keys in one revision.
    async fn lease_revoke(&self, id: LeaseId) -> Result<()>;

    /// Forgets everything before `revision`, which itself stays readable.
    async fn compact(&self, revision: Revision) -> Result<()>;
}

/// Conveniences over any [`Coordination`].
#[async_trait]
pub trait CoordinationExt: Coordination {
    /// One key, and the store's revision at that moment.
    async fn get(&self, key: impl Into<Key> + Send) -> Result<(Option<KeyValue>, Revision)> {
        let mut found = self.range(RangeRequest::new(KeyRange::single(key))).await?;
        Ok((found.kvs.pop(), found.revision))
    }

    async fn put(&self, put: Put) -> Result<Revision> {
        Ok(self.txn(Txn::default().then(Op::Put(put))).await?.revision)
    }
}

impl<T: Coordination + ?Sized> CoordinationExt for T {}
