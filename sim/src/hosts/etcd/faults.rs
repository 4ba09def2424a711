//! Where a test or a simulation makes single requests fail.

use std::time::Duration;

use super::error::Error;

/// Decides what happens to a request. Asked once for each, in the order of their arrival.
pub trait Faults: Send + Sync {
    fn decide(&self, call: &Call<'_>) -> Injection;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call<'a> {
    /// Which member was asked, counted from 0.
    pub member: usize,
    pub method: Method,
    /// The first key that the request names; empty where it names none.
    pub key: &'a [u8],
}

/// Locks and elections are made of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    Range,
    Put,
    DeleteRange,
    Txn,
    Compact,
    /// Each watcher that is created.
    Watch,
    LeaseGrant,
    LeaseRevoke,
    /// Each keep-alive of a stream.
    LeaseKeepAlive,
    LeaseTimeToLive,
    LeaseLeases,
    Cluster,
    Maintenance,
}

/// Nothing, unless said otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Injection {
    /// Waits this long before the request is looked at.
    pub before: Duration,
    pub failure: Option<Failure>,
    /// Waits this long before the answer is given.
    pub after: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    pub error: Error,
    /// Whether the request takes effect all the same.
    pub applied: bool,
}

/// Nothing fails.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFaults;

impl Faults for NoFaults {
    fn decide(&self, _: &Call<'_>) -> Injection {
        Injection::default()
    }
}
