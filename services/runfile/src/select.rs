//! Which run of a file is started, and what it is for runservice.

use std::collections::{BTreeMap, BTreeSet};

use drydock_api::runservice::types::{OnNewer, TaskSpec};
use drydock_api::when::{RefNames, When};

use crate::errors::{did_you_mean, quoted};
use crate::file::{EnvironmentValue, RunDefinition, RunFile, TaskDefinition};

/// A run of a file for one branch, tag or ref, as the body of POST `/runs` has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectedRun {
    pub name: String,
    /// The tasks by their names; those whose condition is false are to be skipped.
    pub tasks: BTreeMap<String, TaskSpec>,
    pub on_newer: Option<OnNewer>,
    pub fail_fast: bool,
    pub environment: Environment,
}

/// Why no run can be started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    #[error("the file has no run `{name}`{}", hint(name, known))]
    Unknown { name: String, known: Vec<String> },
    /// The run's own condition is false.
    #[error("the run `{0}` is not for this branch, tag or ref")]
    NotMeant(String),
    #[error("no run of the file is for this branch, tag or ref")]
    None,
    #[error("several runs of the file are for this branch, tag or ref, name one: {}", list(.0))]
    Several(Vec<String>),
}

fn list(names: &[String]) -> String {
    quoted(names.iter().map(String::as_str))
}

fn hint(name: &str, known: &[String]) -> String {
    match did_you_mean(name, known.iter().map(String::as_str)) {
        Some(end) => format!("; {end}"),
        None => format!(", it has {}", list(known)),
    }
}

impl RunFile {
    /// The names of the runs, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.runs.keys().map(String::as_str)
    }

    /// The run of that name, or the only one that is for `names`.
    ///
    /// # Errors
    /// There is no such run, its condition is false, or more than one could be meant.
    pub fn select(
        &self,
        run: Option<&str>,
        names: RefNames<'_>,
    ) -> Result<SelectedRun, SelectError> {
        if let Some(name) = run {
            let Some((name, definition)) = self.runs.get_key_value(name) else {
                let known = self.runs.keys().cloned().collect();
                return Err(SelectError::Unknown { name: name.to_owned(), known });
            };
            return match is_met(definition.when.as_ref(), names) {
                true => Ok(definition.selected(name, names)),
                false => Err(SelectError::NotMeant(name.clone())),
            };
        }
        let meant: Vec<_> =
            self.runs.iter().filter(|(_, run)| is_met(run.when.as_ref(), names)).collect();
        match meant[..] {
            [] => Err(SelectError::None),
            [(name, definition)] => Ok(definition.selected(name, names)),
            _ => Err(SelectError::Several(meant.iter().map(|(name, _)| (*name).clone()).collect())),
        }
    }
}

impl RunDefinition {
    /// The tasks by their names, none of them skipped.
    pub fn specs(&self) -> BTreeMap<String, TaskSpec> {
        self.tasks.iter().map(|(name, task)| (name.clone(), task.spec(false))).collect()
    }

    fn selected(&self, name: &str, names: RefNames<'_>) -> SelectedRun {
        let spec = |(name, task): (&String, &TaskDefinition)| {
            (name.clone(), task.spec(!is_met(task.when.as_ref(), names)))
        };
        SelectedRun {
            name: name.to_owned(),
            tasks: self.tasks.iter().map(spec).collect(),
            on_newer: self.on_newer,
            fail_fast: self.fail_fast,
            environment: Environment(self.env.clone()),
        }
    }
}

fn is_met(when: Option<&When>, names: RefNames<'_>) -> bool {
    when.is_none_or(|when| when.is_met(names))
}

/// The environment of a run, before its variables have values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<String, EnvironmentValue>);

/// Variables of the environment that have no value for this run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the environment needs variables that have no value for this run: {}", list(.0))]
pub struct MissingVariables(pub Vec<String>);

impl Environment {
    /// The names of the project's variables that the environment needs.
    pub fn variables(&self) -> BTreeSet<&str> {
        let names = self.0.values().filter_map(|value| match value {
            EnvironmentValue::Variable(variable) => Some(variable.from_variable.as_str()),
            EnvironmentValue::Text(_) => None,
        });
        names.collect()
    }

    /// The environment with the values of its variables.
    ///
    /// # Errors
    /// The variables for which there is no value.
    pub fn resolve<'v>(
        &self,
        value_of: impl Fn(&str) -> Option<&'v str>,
    ) -> Result<BTreeMap<String, String>, MissingVariables> {
        let missing: Vec<_> =
            self.variables().into_iter().filter(|name| value_of(name).is_none()).collect();
        if !missing.is_empty() {
            return Err(MissingVariables(missing.into_iter().map(str::to_owned).collect()));
        }
        let text = |value: &EnvironmentValue| match value {
            EnvironmentValue::Text(text) => text.clone(),
            EnvironmentValue::Variable(variable) => {
                value_of(variable.from_variable.as_str()).unwrap_or_default().to_owned()
            }
        };
        Ok(self.0.iter().map(|(name, value)| (name.clone(), text(value))).collect())
    }
}
