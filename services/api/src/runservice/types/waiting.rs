use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Label, TaskName};

/// What a task waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "for", rename_all = "snake_case", deny_unknown_fields)]
pub enum WaitingFor {
    /// Another run of the group.
    Group,
    /// The resume gate, which lets runs start slowly after maintenance.
    Gate,
    /// A lost executor may still run an exclusive task of the group.
    Executor {
        until: Timestamp,
    },
    Approval {
        expires_at: Timestamp,
    },
    /// Tasks above it that are not final.
    Tasks {
        tasks: Vec<TaskName>,
    },
    /// The pause before a further attempt.
    Retry {
        at: Timestamp,
    },
    /// The project has as many running tasks as it may have.
    ProjectLimit {
        limit: u32,
    },
    /// A place in a named pool.
    Pool {
        pool: String,
    },
    /// No executor is alive and enabled.
    AnyExecutor,
    /// No executor that is alive has all of the labels and the architecture. `missing`: the labels
    /// that none has.
    Labels {
        labels: Vec<Label>,
        missing: Vec<Label>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        arch: Option<String>,
    },
    /// Every executor that could run it has as many attempts as it takes.
    FreeExecutor,
    /// Nothing but its turn.
    Turn,
}
