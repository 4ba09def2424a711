//! Definitions: whether the tasks of a run can be run, and fit together.

use std::collections::{BTreeMap, BTreeSet};

use drydock_api::runservice::types::{InvalidLabel, Label, Step, TaskName, TaskSpec};

use super::graph::{Graph, GraphError, MAX_STEPS};

pub const MAX_DEFINITION_BYTES: usize = 256 * 1024;
const MAX_RETRIES: u8 = 10;
const MAX_LABELS: usize = 32;
const MAX_PATHS: usize = 64;

/// Tasks that can be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    pub specs: BTreeMap<TaskName, TaskSpec>,
    pub graph: Graph,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    #[error("`{0}` is no name of a task")]
    TaskName(String),
    #[error("`{task}` has the label `{label}`: {source}")]
    Label { task: TaskName, label: String, source: InvalidLabel },
    #[error("`{0}` has more than {MAX_LABELS} labels")]
    TooManyLabels(TaskName),
    #[error("`{task}` names `{name}`, which is no name of an architecture or a pool")]
    Word { task: TaskName, name: String },
    #[error("`{0}` has more than {MAX_STEPS} steps")]
    TooManySteps(TaskName),
    #[error("step {step} of `{task}` {problem}")]
    Step { task: TaskName, step: usize, problem: &'static str },
    #[error("`{0}` is tried again more than {MAX_RETRIES} times")]
    TooManyRetries(TaskName),
    #[error("the tasks take more than {MAX_DEFINITION_BYTES} bytes")]
    TooLarge,
    #[error(transparent)]
    Graph(#[from] GraphError),
}

/// Checks tasks as they were given.
///
/// # Errors
/// Everything that is wrong with them.
pub fn check(given: &BTreeMap<String, TaskSpec>) -> Result<Definition, Vec<SetupError>> {
    let mut errors = Vec::new();
    let mut specs = BTreeMap::new();
    for (name, spec) in given {
        match name.parse::<TaskName>() {
            Ok(name) => {
                check_task(&name, spec, &mut errors);
                specs.insert(name, spec.clone());
            }
            Err(_) => errors.push(SetupError::TaskName(name.clone())),
        }
    }
    let bytes = serde_json::to_vec(&specs).map_or(usize::MAX, |text| text.len());
    if bytes > MAX_DEFINITION_BYTES {
        errors.push(SetupError::TooLarge);
    }
    // Without all names, the graph would lack more than is wrong.
    if specs.len() < given.len() {
        return Err(errors);
    }
    match Graph::of(&specs) {
        Ok(graph) if errors.is_empty() => Ok(Definition { specs, graph }),
        Ok(_) => Err(errors),
        Err(of_graph) => {
            errors.extend(of_graph.into_iter().map(SetupError::Graph));
            Err(errors)
        }
    }
}

fn check_task(task: &TaskName, spec: &TaskSpec, errors: &mut Vec<SetupError>) {
    if spec.labels.len() > MAX_LABELS {
        errors.push(SetupError::TooManyLabels(task.clone()));
    }
    for label in &spec.labels {
        if let Err(source) = label.parse::<Label>() {
            let (task, label) = (task.clone(), label.clone());
            errors.push(SetupError::Label { task, label, source });
        }
    }
    for name in spec.arch.iter().chain(&spec.concurrency) {
        if name.parse::<Label>().is_err() {
            errors.push(SetupError::Word { task: task.clone(), name: name.clone() });
        }
    }
    if spec.steps.len() > MAX_STEPS {
        errors.push(SetupError::TooManySteps(task.clone()));
    }
    for (step, given) in spec.steps.iter().enumerate() {
        if let Some(problem) = problem(given) {
            errors.push(SetupError::Step { task: task.clone(), step, problem });
        }
    }
    if spec.retry.as_ref().is_some_and(|retry| retry.max > MAX_RETRIES) {
        errors.push(SetupError::TooManyRetries(task.clone()));
    }
}

/// What is wrong with a step.
fn problem(step: &Step) -> Option<&'static str> {
    match step {
        Step::Run(run) if run.command.trim().is_empty() => Some("has no command"),
        Step::Save(save) => problem_of_paths(&save.paths),
        Step::SaveCache { paths, key } => match key.is_empty() {
            true => Some("has no key"),
            false => problem_of_paths(paths),
        },
        Step::RestoreCache { keys } if keys.is_empty() => Some("has no key"),
        Step::Run(_) | Step::Restore {} | Step::RestoreCache { .. } => None,
    }
}

fn problem_of_paths(paths: &[String]) -> Option<&'static str> {
    let leaves = |path: &String| {
        path.is_empty() || path.starts_with('/') || path.split('/').any(|part| part == "..")
    };
    match paths.len() {
        0 => Some("has no paths"),
        1..=MAX_PATHS if paths.iter().any(leaves) => {
            Some("has a path that leaves the working folder")
        }
        1..=MAX_PATHS => None,
        _ => Some("has too many paths"),
    }
}

/// The labels of a checked task.
pub fn labels(spec: &TaskSpec) -> BTreeSet<Label> {
    spec.labels.iter().filter_map(|label| label.parse().ok()).collect()
}
