//! The settings of runservice. Their bounds are checked where they are read.

use std::time::Duration;

use crate::engine::EngineSettings;
use crate::engine::pick::PickSettings;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    pub engine: EngineSettings,
    pub pick: PickSettings,
    /// Queued runs of one group.
    pub max_queued_per_group: u64,
    /// Queued runs of one project.
    pub max_queued_per_project: u64,
    /// How long an executor is alive after a heartbeat.
    pub executor_ttl: Duration,
    /// How long logs are kept after the last run that refers to their attempt.
    pub log_retention: Duration,
    /// How long entries of caches are kept after their last use.
    pub cache_retention: Duration,
    /// The bytes of the cache of one project.
    pub cache_quota: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            engine: EngineSettings::default(),
            pick: PickSettings::default(),
            max_queued_per_group: 1000,
            max_queued_per_project: 10_000,
            executor_ttl: Duration::from_secs(60),
            log_retention: Duration::from_secs(30 * 24 * 3600),
            cache_retention: Duration::from_secs(7 * 24 * 3600),
            cache_quota: 10 << 30,
        }
    }
}
