//! The keys of runservice.

use std::net::SocketAddr;
use std::time::Duration;

use drydock_runservice::Settings;
use drydock_runservice::engine::EngineSettings;
use drydock_runservice::engine::pick::PickSettings;
use serde::{Deserialize, Serialize};

use super::tls::ListenTls;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunserviceConfig {
    /// The address and port to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    #[serde(default, skip_serializing)]
    pub tls: ListenTls,
    /// How long a ready task waits for an executor.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub queue_timeout: Duration,
    /// How long an attempt may take if its task does not say.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub attempt_timeout: Duration,
    /// How long a run may take, without the time for which it waits for an approval.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub run_timeout: Duration,
    /// How long a task waits for an approval if it does not say.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub approval_timeout: Duration,
    /// Queued runs of one group.
    pub max_queued_per_group: u64,
    /// Queued runs of one project.
    pub max_queued_per_project: u64,
    /// Running tasks of one project.
    pub max_running_tasks: u32,
    /// Queued runs that start in a minute after maintenance, an import or a recovery.
    pub resume_per_minute: u32,
    /// How long an executor is alive after a heartbeat.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub executor_ttl: Duration,
    /// How long logs are kept after the last run that refers to their attempt.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub log_retention: Duration,
    /// How long entries of caches are kept after their last use.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub cache_retention: Duration,
    /// The bytes of the cache of one project.
    pub cache_quota: u64,
}

impl Default for RunserviceConfig {
    fn default() -> RunserviceConfig {
        let Settings {
            engine,
            pick,
            max_queued_per_group,
            max_queued_per_project,
            executor_ttl,
            log_retention,
            cache_retention,
            cache_quota,
        } = Settings::default();
        RunserviceConfig {
            listen: SocketAddr::from(([127, 0, 0, 1], 8002)),
            tls: ListenTls::default(),
            queue_timeout: engine.queue_timeout,
            attempt_timeout: engine.attempt_timeout,
            run_timeout: engine.run_timeout,
            approval_timeout: engine.approval_timeout,
            max_queued_per_group,
            max_queued_per_project,
            max_running_tasks: pick.max_running_tasks,
            resume_per_minute: engine.resume_per_minute,
            executor_ttl,
            log_retention,
            cache_retention,
            cache_quota,
        }
    }
}

impl RunserviceConfig {
    pub fn settings(&self) -> Settings {
        Settings {
            engine: EngineSettings {
                queue_timeout: self.queue_timeout,
                attempt_timeout: self.attempt_timeout,
                run_timeout: self.run_timeout,
                approval_timeout: self.approval_timeout,
                resume_per_minute: self.resume_per_minute,
                ..EngineSettings::default()
            },
            pick: PickSettings {
                max_running_tasks: self.max_running_tasks,
                ..PickSettings::default()
            },
            max_queued_per_group: self.max_queued_per_group,
            max_queued_per_project: self.max_queued_per_project,
            executor_ttl: self.executor_ttl,
            log_retention: self.log_retention,
            cache_retention: self.cache_retention,
            cache_quota: self.cache_quota,
        }
    }
}
