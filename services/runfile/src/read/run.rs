//! The file and its runs.

use std::collections::BTreeMap;

use drydock_api::runservice::types::{OnNewer, TaskName};
use drydock_api::runservice::validate;

use super::condition::when;
use super::environment::environment;
use super::fields::{Fields, Shape, named_entries};
use super::graph::{self, MAX_TASKS};
use super::scalar;
use super::task::task;
use crate::errors::Errors;
use crate::file::{MAX_FILE_BYTES, RunDefinition, RunFile, TaskDefinition, Version};
use crate::node::{Node, Value};

pub const FILE: Shape = Shape { of: "the file", keys: &["version", "runs"] };
pub const RUN: Shape =
    Shape { of: "a run", keys: &["when", "on_newer", "fail_fast", "env", "tasks"] };
const MAX_RUNS: usize = 64;
const ON_NEWER: [(&str, OnNewer); 3] = [
    ("queue", OnNewer::Queue),
    ("cancel_queued", OnNewer::CancelQueued),
    ("stop_running", OnNewer::StopRunning),
];

pub fn file(node: &Node, errors: &mut Errors) -> Option<RunFile> {
    let fields = Fields::of(node, &FILE, errors)?;
    let version = fields.required("version", errors, version);
    let runs = fields.required("runs", errors, runs);
    Some(RunFile { version: version?, runs: runs? })
}

fn version(node: &Node, errors: &mut Errors) -> Option<Version> {
    if let Value::Integer(number) = node.value
        && number == i128::from(Version::NUMBER)
    {
        return Some(Version);
    }
    errors.add(node.at, format!("the version of the file is {}, a number", Version::NUMBER));
    None
}

fn runs(node: &Node, errors: &mut Errors) -> Option<BTreeMap<String, RunDefinition>> {
    let entries = named_entries(node, errors)?;
    let count = entries.len();
    if !(1..=MAX_RUNS).contains(&count) {
        errors.add(node.at, format!("a file has 1 to {MAX_RUNS} runs, not {count}"));
    }
    let mut runs = BTreeMap::new();
    for entry in entries {
        let name = validate::text("name", entry.key);
        if let Err(error) = &name {
            errors.add(entry.at, format!("the name of a run {}", error.1));
        }
        if let (Ok(name), Some(run)) = (name, run(entry.value, errors)) {
            runs.insert(name, run);
        }
    }
    (runs.len() == count).then_some(runs)
}

fn run(node: &Node, errors: &mut Errors) -> Option<RunDefinition> {
    let fields = Fields::of(node, &RUN, errors)?;
    let when = fields.optional("when", errors, when);
    let on_newer =
        fields.optional("on_newer", errors, |node, errors| scalar::word(node, &ON_NEWER, errors));
    let fail_fast = fields.optional("fail_fast", errors, scalar::boolean);
    let env = fields.optional("env", errors, environment);
    let tasks = fields.required("tasks", errors, tasks);
    Some(RunDefinition {
        when: when?,
        on_newer: on_newer?,
        fail_fast: fail_fast?.unwrap_or_default(),
        env: env?.unwrap_or_default(),
        tasks: tasks?,
    })
}

fn tasks(node: &Node, errors: &mut Errors) -> Option<BTreeMap<String, TaskDefinition>> {
    let entries = named_entries(node, errors)?;
    let count = entries.len();
    if !(1..=MAX_TASKS).contains(&count) {
        errors.add(node.at, format!("a run has 1 to {MAX_TASKS} tasks, not {count}"));
        return None;
    }
    graph::check(&entries, errors);
    let mut tasks = BTreeMap::new();
    for entry in entries {
        let name = entry.key.parse::<TaskName>();
        if let Err(error) = &name {
            errors.add(entry.at, format!("`{}`: {error}", entry.key));
        }
        if let (Ok(_), Some(task)) = (name, task(entry.value, errors)) {
            tasks.insert(entry.key, task);
        }
    }
    if tasks.len() < count {
        return None;
    }
    // Aliases may make a run larger than its text.
    let specs: BTreeMap<_, _> = tasks.iter().map(|(name, task)| (name, task.spec(true))).collect();
    let bytes = serde_json::to_vec(&specs).map_or(usize::MAX, |text| text.len());
    if bytes > MAX_FILE_BYTES {
        errors.add(node.at, format!("the tasks take more than {MAX_FILE_BYTES} bytes"));
        return None;
    }
    Some(tasks)
}
