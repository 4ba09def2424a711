//! The seam for coordination: etcd's semantics as an object-safe trait.
//!
//! Invariants of every implementation (the suite in [`conformance`] checks them):
//! - one revision for each transaction that changes something, shared by all its keys; the store
//!   starts at revision 1, reads and deletions of nothing do not advance it;
//! - transactions and default reads are strictly serializable;
//! - a watch delivers every event of its range once, in order, never splitting a revision, or ends
//!   with an error ([`Error::Compacted`] if its past is gone);
//! - a lease's keys vanish in one revision, not before its time to live is over;
//! - every error tells the outcome of the request ([`Error::outcome`]).
//!
//! Absent on purpose: users, roles and members, which only a backend knows.

mod bounded;
pub mod check;
#[cfg(any(test, feature = "testing"))]
pub mod conformance;
pub mod lock;
pub mod memory;
pub mod mvcc;
mod space;
mod types;

use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::BoxStream;

pub use bounded::Bounded;
pub use space::Space;
pub use types::*;

use crate::error::FailureClass;

/// The outcome of a request that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The request changed nothing and never will.
    NotApplied,
    /// The request took effect; only its answer is lost.
    Applied,
    /// The request may have taken effect, or still may.
    Unknown,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request was refused before it could take effect.
    #[error("coordination is unavailable: {reason}")]
    Unavailable { reason: String },
    /// The request was sent, and not answered.
    #[error("the outcome of a coordination request is unknown: {reason}")]
    Unknown { reason: String },
    /// The request took effect, but its answer could not be read.
    #[error("the answer to an applied coordination request is lost: {reason}")]
    AnswerLost { reason: String },
    /// `oldest`: the oldest revision that is kept. etcd does not tell it to reads; then it is the
    /// revision asked for.
    #[error("revision is compacted, none is kept that is older than `{oldest}`")]
    Compacted { oldest: Revision },
    /// `newest`: the newest revision. etcd does not tell it to reads; then it is the revision
    /// before the one asked for.
    #[error("revision `{requested}` is in the future, none is newer than `{newest}`")]
    FutureRevision { requested: Revision, newest: Revision },
    #[error("lease `{}` does not exist", .0.0)]
    LeaseNotExist(LeaseId),
    /// The request was refused because the store has no space left, and changed nothing. More
    /// writes are refused until history is dropped; reads and deletions are not.
    #[error("the coordination store has no space left: {reason}")]
    NoSpace { reason: String },
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
            | Error::NoSpace { .. }
            | Error::TooLarge { .. }
            | Error::Invalid { .. } => Outcome::NotApplied,
        }
    }

    pub fn class(&self) -> FailureClass {
        match self {
            Error::NoSpace { .. } => FailureClass::CoordinationFull,
            error if error.is_transient() => FailureClass::CoordinationUnavailable,
            _ => FailureClass::Other,
        }
    }

    /// Whether the same request may succeed soon.
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

    /// Watches from `request.start`, or from the next revision. Returns once the watch is
    /// established.
    async fn watch(&self, request: WatchRequest) -> Result<WatchStream>;

    /// Grants a lease; the store may lengthen `ttl`.
    async fn lease_grant(&self, ttl: Duration) -> Result<Lease>;

    /// Renews a lease; answers its time to live, or [`Error::LeaseNotExist`].
    async fn lease_keep_alive(&self, id: LeaseId) -> Result<Duration>;

    /// Ends a lease and deletes its keys in one revision.
    async fn lease_revoke(&self, id: LeaseId) -> Result<()>;

    /// Drops the history before `revision`, which itself stays readable.
    async fn compact(&self, revision: Revision) -> Result<()>;

    /// The space that the store takes up; `None` if it does not know a bound.
    async fn space(&self) -> Result<Option<Space>> {
        Ok(None)
    }

    /// Gives back the space of dropped history, and lifts the refusal of writes for want of it.
    /// Takes as long as that takes, and may be called by several clients at a time.
    async fn reclaim(&self) -> Result<()> {
        Ok(())
    }
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
