//! What a plan says of runservice: its settings, its executors, and what is made there.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use drydock_runservice::Settings;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Runs {
    /// Runs belong to so many projects.
    pub projects: usize,
    /// In each project there are so many groups besides its own.
    pub groups: usize,
    /// Least and greatest time between two calls of one pusher.
    pub pause_ms: [u64; 2],
    /// How long a step takes at most.
    pub step_ms: u64,
    /// How often each call is chosen, in proportion; absent: never.
    pub weights: BTreeMap<RunsOp, u32>,
    /// How often each kind of run is chosen.
    pub shapes: BTreeMap<Shape, u32>,
    /// One for each executor of the topology; others are like the last.
    pub executors: Vec<ExecutorPlan>,
    pub settings: RunSettings,
}

/// What a pusher may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunsOp {
    Push,
    Look,
    /// Reads a log, or follows it for a while.
    Read,
    Stop,
    StopTwice,
    Cancel,
    RestartFromFailed,
    RestartFromStart,
    Approve,
    Refuse,
    /// Ends the registration of an executor.
    Unregister,
    /// Sends what no client of the product can send.
    Malformed,
}

/// The form of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    Single,
    Chain,
    Diamond,
    FanOut,
    /// Any graph with any conditions, some tasks of which fail.
    Random,
    /// Its tasks fail at first, and are tried again.
    Flaky,
    /// It waits for somebody's approval, which may never come.
    Approval,
    /// It needs a label that no executor has.
    Unplaceable,
    /// Its tasks do not fit together.
    Broken,
    /// One of its tasks takes longer than it may.
    TooLong,
    /// Its steps print much.
    Talkative,
    /// Its tasks save, and restore what others have saved.
    Saving,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExecutorPlan {
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub labels: BTreeSet<String>,
    pub limit: u32,
    /// Between two heartbeats.
    pub beat_ms: u64,
    /// Between two questions for a task.
    pub ask_ms: u64,
    /// Between two pieces of one log.
    #[serde(default = "ship_ms")]
    pub ship_ms: u64,
    /// Sends statuses that cannot be true besides those that are.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lies: bool,
}

/// The settings of runservice that matter to interleavings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunSettings {
    pub queue_timeout_ms: u64,
    pub attempt_timeout_ms: u64,
    pub run_timeout_ms: u64,
    pub approval_timeout_ms: u64,
    pub deadline_margin_ms: u64,
    pub stop_grace_ms: u64,
    pub stop_timeout_ms: u64,
    pub retry_pause_ms: u64,
    pub max_queued_per_group: u64,
    pub max_running_tasks: u32,
    #[serde(default = "adoption_patience_ms")]
    pub adoption_patience_ms: u64,
}

impl Default for RunSettings {
    fn default() -> RunSettings {
        RunSettings {
            queue_timeout_ms: 10_000,
            attempt_timeout_ms: 10_000,
            run_timeout_ms: 40_000,
            approval_timeout_ms: 5_000,
            deadline_margin_ms: 2_000,
            stop_grace_ms: 500,
            stop_timeout_ms: 2_000,
            retry_pause_ms: 200,
            max_queued_per_group: 8,
            max_running_tasks: 100,
            adoption_patience_ms: adoption_patience_ms(),
        }
    }
}

fn adoption_patience_ms() -> u64 {
    120_000
}

fn ship_ms() -> u64 {
    500
}

impl Runs {
    /// Whether nothing is made.
    pub fn is_none(&self) -> bool {
        *self == Runs::default()
    }

    /// What is planned of an executor, counted from 1.
    pub fn executor(&self, number: usize) -> ExecutorPlan {
        let own = self.executors.get(number - 1).or(self.executors.last());
        own.cloned().unwrap_or(ExecutorPlan {
            limit: 1,
            beat_ms: 500,
            ask_ms: 100,
            ship_ms: ship_ms(),
            ..ExecutorPlan::default()
        })
    }

    /// The settings of an instance.
    pub fn service(&self) -> Settings {
        let planned = &self.settings;
        let mut settings = Settings::default();
        let ms = Duration::from_millis;
        let engine = &mut settings.engine;
        engine.queue_timeout = ms(planned.queue_timeout_ms);
        engine.attempt_timeout = ms(planned.attempt_timeout_ms);
        engine.run_timeout = ms(planned.run_timeout_ms);
        engine.approval_timeout = ms(planned.approval_timeout_ms);
        engine.deadline_margin = ms(planned.deadline_margin_ms);
        engine.stop_grace = ms(planned.stop_grace_ms);
        engine.stop_timeout = ms(planned.stop_timeout_ms);
        engine.retry_pause = ms(planned.retry_pause_ms);
        engine.adoption_patience = ms(planned.adoption_patience_ms);
        engine.retry_pause_max = ms(planned.retry_pause_ms * 8);
        settings.pick.max_running_tasks = planned.max_running_tasks;
        settings.max_queued_per_group = planned.max_queued_per_group;
        settings
    }
}
