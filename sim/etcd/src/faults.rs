//! Where a test or a simulation makes single requests fail, and looks on.

use std::time::Duration;

use etcd_client::proto::{PbRangeRequest, PbRangeResponse, PbTxnRequest, PbTxnResponse};

use super::cluster::Cluster;
use super::error::Error;

/// Decides what happens to a request. Asked once for each, in the order of their arrival.
pub trait Faults: Send + Sync {
    fn decide(&self, call: &Call<'_>) -> Injection;

    /// Whether a transaction is never answered, and takes effect this much later, whatever becomes
    /// of its client.
    fn postpone(&self, _: &Call<'_>) -> Option<Duration> {
        None
    }

    /// A request is answered with an error, whoever made it fail.
    fn failed(&self, _: &Call<'_>, _: Error) {}

    /// A request is over, with what was injected into it. None: it was never answered, and its
    /// client has given up.
    fn answered(&self, _: &Call<'_>, _: &Injection, _: Option<Result<(), Error>>) {}

    /// What is wrong with the watchers of a client. Asked whenever they are looked after.
    fn watching(&self, _peer: &str) -> Watching {
        Watching::default()
    }

    /// An answer to the watchers of a client is held back by their lag.
    fn lagged(&self, _peer: &str) {}

    /// Whether the watchers of a client are never told of a change: what no etcd should do.
    fn forgets(&self, _peer: &str, _key: &[u8]) -> bool {
        false
    }
}

/// Sees what happens to the cluster. Called while it is locked, if nothing else is said.
pub trait Observer: Send + Sync {
    fn changed(&self, cluster: &Cluster);

    /// A transaction of a client was decided.
    fn decided(&self, _peer: &str, _txn: &PbTxnRequest, _answer: &PbTxnResponse) {}

    /// A client is answered what it asked for; the cluster is not locked.
    fn read(&self, _peer: &str, _range: &PbRangeRequest, _answer: &PbRangeResponse) {}
}

impl Observer for () {
    fn changed(&self, _: &Cluster) {}
}

/// Nothing, unless said otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Watching {
    /// Answers are given this much later.
    pub lag: Duration,
    /// The stream ends with this.
    pub broken: Option<Error>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call<'a> {
    /// Who asks, as the listener named it.
    pub peer: &'a str,
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

impl Method {
    pub const ALL: [Method; 13] = [
        Method::Range,
        Method::Put,
        Method::DeleteRange,
        Method::Txn,
        Method::Compact,
        Method::Watch,
        Method::LeaseGrant,
        Method::LeaseRevoke,
        Method::LeaseKeepAlive,
        Method::LeaseTimeToLive,
        Method::LeaseLeases,
        Method::Cluster,
        Method::Maintenance,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Method::Range => "range",
            Method::Put => "put",
            Method::DeleteRange => "delete_range",
            Method::Txn => "txn",
            Method::Compact => "compact",
            Method::Watch => "watch",
            Method::LeaseGrant => "lease_grant",
            Method::LeaseRevoke => "lease_revoke",
            Method::LeaseKeepAlive => "lease_keep_alive",
            Method::LeaseTimeToLive => "lease_time_to_live",
            Method::LeaseLeases => "lease_leases",
            Method::Cluster => "cluster",
            Method::Maintenance => "maintenance",
        }
    }
}

/// Nothing, unless said otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Injection {
    /// Waits this long before the request is looked at.
    pub before: Duration,
    pub failure: Option<Failure>,
    /// Waits this long before the answer is given.
    pub after: Duration,
    /// Whose doing it is, told again when the request is over.
    pub mark: Option<u64>,
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
