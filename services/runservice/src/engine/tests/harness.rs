//! Runs for tests, made of definitions in JSON.

use std::collections::BTreeMap;
use std::time::Duration;

use drydock_api::runservice::types::{
    AttemptId, AttemptPhase, ClaimId, ExecutorId, Group, OnNewer, Phase, ProjectId, Reason, RunId,
    RunResult, StepExit, StepReport, TaskId, TaskName, TaskSpec, TaskStatus,
};
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::engine::advance::start;
use crate::engine::attempt::{Claimant, Ending, claim, finish, lose};
use crate::engine::definition::{Definition, check, labels};
use crate::engine::settings::later;
use crate::engine::{EngineSettings, RunState};
use crate::record::{Attempt, Run, Task};

pub const MINUTE: u64 = 60;
pub const HOUR: u64 = 60 * MINUTE;
pub const DAY: u64 = 24 * HOUR;

/// The lineage of all tests, and one in which an attempt of them was brought back.
pub const HERE: Uuid = Uuid::from_u128(70);
pub const AFTER_AN_IMPORT: Uuid = Uuid::from_u128(71);

/// The time so many seconds after the beginning.
pub fn at(seconds: u64) -> Timestamp {
    later(Timestamp::from_second(1_800_000_000).unwrap(), Duration::from_secs(seconds))
}

pub fn settings() -> EngineSettings {
    EngineSettings::default()
}

pub fn id(nth: u128) -> Uuid {
    Uuid::from_u128(nth)
}

pub fn name(text: &str) -> TaskName {
    text.parse().unwrap()
}

pub fn specs(tasks: &Value) -> BTreeMap<String, TaskSpec> {
    serde_json::from_value(tasks.clone()).unwrap()
}

pub fn new_run(project: ProjectId) -> Run {
    Run {
        id: RunId(id(1)),
        project,
        group: Group::of_project(project),
        number: 1,
        place: 1,
        name: "main".to_owned(),
        phase: Phase::Queued,
        result: RunResult::Unknown,
        definition: Some(RunId(id(1))),
        on_newer: OnNewer::Queue,
        fail_fast: false,
        priority: 0,
        stop: None,
        setup_errors: Vec::new(),
        variables: BTreeMap::new(),
        annotations: BTreeMap::new(),
        cache: None,
        restart_of: None,
        queued_at: at(0),
        started_at: None,
        ended_at: None,
        deadline: None,
        paused_since: None,
        group_held_until: None,
        revision: 1,
        created_at: at(0),
        updated_at: at(0),
    }
}

/// A queued run of these tasks.
pub fn queued(tasks: &Value) -> RunState {
    let Definition { specs, graph } = check(&specs(tasks)).unwrap();
    let project = ProjectId(id(7));
    let run = new_run(project);
    let task = |(place, name): (usize, &TaskName)| {
        let task = Task {
            id: TaskId(id(100 + place as u128)),
            run: run.id,
            project,
            name: name.clone(),
            place: u32::try_from(place).unwrap(),
            labels: labels(&specs[name]),
            arch: specs[name].arch.clone(),
            pool: specs[name].concurrency.clone(),
            status: TaskStatus::NotStarted,
            reason: None,
            failure_allowed: false,
            attempts: 0,
            retries: 0,
            attempt: None,
            ready_at: None,
            not_before: None,
            queue_deadline: None,
            approval: None,
            archives_missing: false,
            kept: None,
            revision: 1,
            created_at: at(0),
            updated_at: at(0),
        };
        (name.clone(), task)
    };
    let tasks = graph.order().iter().enumerate().map(task).collect();
    RunState { run, tasks, graph, specs, attempts: BTreeMap::new() }
}

/// A run of these tasks that has started at the beginning.
pub fn started(tasks: &Value) -> RunState {
    let mut state = queued(tasks);
    start(&mut state, at(0), &settings());
    state
}

impl RunState {
    pub fn claim_at(&mut self, task: &str, now: Timestamp) -> Attempt {
        let nth = 1000 + self.attempts.len() as u128;
        let claimant = Claimant {
            attempt: AttemptId(id(nth)),
            executor: ExecutorId(id(9)),
            session: 1,
            claim: ClaimId(id(nth)),
            place: 1 + self.attempts.len() as u64,
            era: None,
            lineage: Some(HERE),
        };
        claim(self, &name(task), claimant, now, &settings()).clone()
    }

    pub fn claim(&mut self, task: &str) -> Attempt {
        self.claim_at(task, at(0))
    }

    pub fn end_at(&mut self, task: &str, ending: Ending, now: Timestamp) {
        assert!(finish(self, &name(task), ending, now, &settings()), "{task} has no live attempt");
    }

    /// Claims the task unless it runs, and lets it succeed.
    pub fn succeed(&mut self, task: &str) {
        self.end(task, succeeded());
    }

    pub fn fail(&mut self, task: &str, code: u8) {
        self.end(task, failed(code));
    }

    pub fn lose_at(&mut self, task: &str, reason: Reason, now: Timestamp) {
        assert!(lose(self, &name(task), reason, now, &settings()), "{task} has no live attempt");
    }

    fn end(&mut self, task: &str, ending: Ending) {
        if self.live_attempt(&name(task)).is_none() {
            self.claim(task);
        }
        self.end_at(task, ending, at(0));
    }

    pub fn status(&self, task: &str) -> TaskStatus {
        self.task(&name(task)).status
    }

    /// All tasks with their statuses, and whether they are ready: `a=ready b=not_started`.
    pub fn statuses(&self) -> String {
        let status = |task: &Task| match task.ready_at {
            Some(_) => format!("{}=ready", task.name),
            None => format!("{}={}", task.name, task.status),
        };
        self.tasks.values().map(status).collect::<Vec<_>>().join(" ")
    }

    /// Phase and result.
    pub fn outcome(&self) -> (Phase, RunResult) {
        (self.run.phase, self.run.result)
    }
}

pub fn step(exit: StepExit) -> StepReport {
    StepReport { exit: Some(exit), started_at: None, ended_at: None }
}

pub fn succeeded() -> Ending {
    let logs = Some(Default::default());
    Ending { reason: None, logs, ..Ending::unheard(AttemptPhase::Success, Reason::ExitCode) }
}

pub fn failed(code: u8) -> Ending {
    let logs = Some(Default::default());
    let ending = Ending { logs, ..Ending::unheard(AttemptPhase::Failed, Reason::ExitCode) };
    Ending { steps: vec![step(StepExit::Code(code))], ..ending }
}
