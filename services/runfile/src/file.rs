//! A file's runs and tasks, in their long forms. As they are written, they can be read again.

use std::collections::BTreeMap;

use drydock_api::names::Name;
use drydock_api::runservice::types::{
    AllowFailure, ApprovalRule, Dependency, OnNewer, Retry, Step, TaskSpec, TimeSpan,
};
use drydock_api::when::When;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use crate::schema;

/// The greatest size of a file, and of the tasks of one run.
pub const MAX_FILE_BYTES: usize = 256 * 1024;

/// A file that defines runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct RunFile {
    pub version: Version,
    /// The runs by their names.
    pub runs: BTreeMap<String, RunDefinition>,
}

/// The version of the file's format: 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version;

impl Version {
    pub const NUMBER: u8 = 1;
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(Version::NUMBER)
    }
}

impl JsonSchema for Version {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Version".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "const": Version::NUMBER })
    }
}

/// A run: tasks that belong together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct RunDefinition {
    /// The branches, tags and refs for which the run is started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::when")]
    pub when: Option<When>,
    /// What the run does to the runs of its group before it; `queue` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_newer: Option<OnNewer>,
    /// A failure cancels every task that cannot be part of dealing with it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub fail_fast: bool,
    /// The environment of all steps.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, EnvironmentValue>,
    /// The tasks by their names.
    pub tasks: BTreeMap<String, TaskDefinition>,
}

/// A value of the environment: a text, or the value of a variable of the project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum EnvironmentValue {
    Text(String),
    Variable(FromVariable),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct FromVariable {
    pub from_variable: Name,
}

/// A task: steps that one executor runs one after the other.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct TaskDefinition {
    /// The branches, tags and refs for which the task is run; for others it is skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::when")]
    pub when: Option<When>,
    /// The tasks that must be final before this one starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends: Vec<Dependency>,
    /// The labels that an executor must have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// The architecture that an executor must have; any if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    pub steps: Vec<Step>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalRule>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub allow_failure: AllowFailure,
    /// No two attempts of the task ever overlap, at the price that its executor kills it when it
    /// hears nothing from the service.
    #[serde(default, skip_serializing_if = "is_default")]
    pub exclusive: bool,
    /// How long an attempt may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<TimeSpan>,
    /// The named pool of which a running attempt takes one place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<String>,
}

impl TaskDefinition {
    /// The task as runservice takes it.
    pub fn spec(&self, skip: bool) -> TaskSpec {
        TaskSpec {
            depends: self.depends.clone(),
            labels: self.labels.clone(),
            arch: self.arch.clone(),
            steps: self.steps.clone(),
            retry: self.retry.clone(),
            approval: self.approval.clone(),
            allow_failure: self.allow_failure.clone(),
            exclusive: self.exclusive,
            timeout: self.timeout,
            concurrency: self.concurrency.clone(),
            skip,
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
