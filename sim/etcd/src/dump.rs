//! All state of a cluster as JSON, to be written to a file and read again.
//!
//! Who leads, runs and lags is not part of it: a loaded cluster starts anew.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::cluster::{Cluster, Config};
use super::machine::{Machine, RestoreError, Saved};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dump {
    format: Format,
    term: u64,
    index: u64,
    next_lease: i64,
    machine: Saved,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Format {
    #[serde(rename = "simulated-etcd/1")]
    V1,
}

impl Cluster {
    pub fn dump(&self, now: Duration) -> Dump {
        Dump {
            format: Format::V1,
            term: self.term,
            index: self.index,
            next_lease: self.next_lease,
            machine: self.machine.save(now),
        }
    }

    pub fn load(config: Config, dump: Dump, now: Duration) -> Result<Cluster, RestoreError> {
        let mut cluster = Cluster::new(config);
        let seed = cluster.config().seed;
        cluster.machine = Machine::restore(dump.machine, now)?.with_seed(seed);
        cluster.term = dump.term + 1;
        cluster.index = dump.index + 1;
        cluster.next_lease = dump.next_lease;
        Ok(cluster)
    }
}
