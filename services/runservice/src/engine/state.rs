//! A run with everything that the engine needs to decide about it.

use std::collections::BTreeMap;

use drydock_api::runservice::types::{AttemptId, TaskName, TaskSpec};

use super::graph::Graph;
use crate::record::{Attempt, Run, Task};

/// A run, its definition, its tasks, and the attempts that are not final.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunState {
    pub run: Run,
    pub specs: BTreeMap<TaskName, TaskSpec>,
    pub graph: Graph,
    pub tasks: BTreeMap<TaskName, Task>,
    /// An attempt that becomes final stays here, so that it is stored.
    pub attempts: BTreeMap<AttemptId, Attempt>,
}

impl RunState {
    /// The task's attempt that is not final.
    pub fn live_attempt(&self, name: &TaskName) -> Option<&Attempt> {
        let attempt = self.attempts.get(&self.tasks.get(name)?.attempt?)?;
        (!attempt.phase.is_final()).then_some(attempt)
    }

    pub fn live_attempt_mut(&mut self, name: &TaskName) -> Option<&mut Attempt> {
        let attempt = self.attempts.get_mut(&self.tasks.get(name)?.attempt?)?;
        (!attempt.phase.is_final()).then_some(attempt)
    }

    pub fn task(&self, name: &TaskName) -> &Task {
        self.tasks.get(name).expect("every task of the definition is an object")
    }

    pub fn task_mut(&mut self, name: &TaskName) -> &mut Task {
        self.tasks.get_mut(name).expect("every task of the definition is an object")
    }

    pub fn spec(&self, name: &TaskName) -> &TaskSpec {
        self.specs.get(name).expect("every task has a definition")
    }
}
