//! Edges: whether the state of a parent lets its child start.

use drydock_api::runservice::types::{Condition, TaskStatus};

use crate::record::Task;

/// The conditions of an edge; any of them is enough.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ConditionSet {
    pub on_success: bool,
    pub on_failure: bool,
    pub on_skipped: bool,
}

impl ConditionSet {
    pub const SUCCESS: ConditionSet =
        ConditionSet { on_success: true, on_failure: false, on_skipped: false };

    pub fn of(conditions: &[Condition]) -> ConditionSet {
        let has = |wanted| conditions.contains(&wanted) || conditions.contains(&Condition::Always);
        ConditionSet {
            on_success: has(Condition::OnSuccess),
            on_failure: has(Condition::OnFailure),
            on_skipped: has(Condition::OnSkipped),
        }
    }

    pub fn is_empty(self) -> bool {
        self == ConditionSet::default()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    Satisfied,
    Unsatisfied,
    /// The parent is not final.
    Wait,
}

/// How the edge from `parent` stands. A failure that is allowed is a success; a parent that was
/// cancelled or stopped satisfies nothing.
pub fn edge(conditions: ConditionSet, parent: &Task) -> Edge {
    let satisfied = match parent.status {
        TaskStatus::NotStarted | TaskStatus::Running | TaskStatus::Stopping => return Edge::Wait,
        TaskStatus::Success => conditions.on_success,
        TaskStatus::Failed if parent.failure_allowed => conditions.on_success,
        TaskStatus::Failed => conditions.on_failure,
        TaskStatus::Skipped => conditions.on_skipped,
        TaskStatus::Cancelled | TaskStatus::Stopped => false,
    };
    if satisfied { Edge::Satisfied } else { Edge::Unsatisfied }
}
