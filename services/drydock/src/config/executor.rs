//! The keys of the executor.

use std::collections::BTreeSet;

use drydock_api::runservice::types::{InvalidLabel, Label};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::tls::CallTls;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExecutorConfig {
    /// The instances of runservice that `executor run` calls, each `host:port` or
    /// `https://host:port`.
    pub runservice: Vec<String>,
    /// The token of this executor; absent: it is in the file `executor/token` of the data
    /// directory.
    #[serde(skip_serializing)]
    pub token: Option<SecretString>,
    /// The labels that tasks can ask for.
    pub labels: Vec<String>,
    /// The number of tasks that run at once.
    pub limit: u32,
    /// Give each attempt a cgroup of its own. Needs a delegated one, as `Delegate=yes` of systemd
    /// makes it.
    pub use_cgroup: bool,
    #[serde(default, skip_serializing)]
    pub tls: CallTls,
}

impl Default for ExecutorConfig {
    fn default() -> ExecutorConfig {
        ExecutorConfig {
            runservice: vec!["127.0.0.1:8002".to_owned()],
            token: None,
            labels: vec![std::env::consts::OS.to_owned()],
            limit: 2,
            use_cgroup: false,
            tls: CallTls::default(),
        }
    }
}

impl ExecutorConfig {
    pub fn labels(&self) -> Result<BTreeSet<Label>, InvalidLabel> {
        self.labels.iter().map(|label| label.parse()).collect()
    }
}
