//! What a cluster is made of; the defaults are etcd's own.

use std::collections::BTreeSet;
use std::time::Duration;

use super::bug::Bug;
use crate::machine::Limits;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Ids of the cluster and of its members come from this and their names.
    pub name: String,
    pub members: Vec<MemberConfig>,
    /// Told to clients; changes nothing else.
    pub version: String,
    pub limits: Limits,
    pub election_timeout: Duration,
    /// How long a request waits for a leader, or for this member to catch up.
    pub request_timeout: Duration,
    /// The alarm NOSPACE is raised when the data would outgrow this.
    pub quota_bytes: usize,
    /// Revisions that a watcher may be behind and still get one response for each.
    pub watch_buffer: usize,
    /// Revisions in one response to a watcher that is further behind.
    pub watch_batch: usize,
    /// Between notifications of a quiet watcher that asked for progress.
    pub progress_interval: Duration,
    /// Where ids of leases begin that clients leave to the server.
    pub first_lease: i64,
    pub bugs: BTreeSet<Bug>,
    /// What is left to chance is drawn from this: the order of keys that sort alike.
    pub seed: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberConfig {
    pub name: String,
    pub peer_url: String,
    pub client_url: String,
}

impl Config {
    pub fn new(name: impl Into<String>, members: Vec<MemberConfig>) -> Config {
        Config {
            name: name.into(),
            members,
            version: "3.5.16".to_owned(),
            limits: Limits::default(),
            election_timeout: Duration::from_secs(1),
            request_timeout: Duration::from_secs(7),
            quota_bytes: 2 << 30,
            watch_buffer: 1024,
            watch_batch: 1000,
            progress_interval: Duration::from_secs(600),
            first_lease: 0x326c_0000_0000_0001,
            bugs: BTreeSet::new(),
            seed: 0,
        }
    }

    /// In seconds: a lease must outlast an election.
    pub(super) fn min_ttl(&self) -> i64 {
        let half_more = self.election_timeout * 3 / 2;
        half_more.as_millis().div_ceil(1000) as i64
    }
}
