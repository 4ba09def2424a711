//! Plans as files: everything that one simulation depends on, as data.

use std::fmt;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// What a simulator runs. A run is a function of its plan and of the binary, of nothing else.
pub trait Plan: Serialize + DeserializeOwned {
    /// What made it; only for people.
    fn scenario(&self) -> &str;

    fn seed(&self) -> u64;

    /// Whether it can be used.
    fn check(&self) -> Result<(), Misfit>;

    fn read(path: &Path) -> Result<Self, PlanError> {
        let file = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&file, &text),
            Err(source) => Err(PlanError::Read { file, source }),
        }
    }

    /// Reads a plan; `file` is for the error.
    fn parse(file: &str, text: &str) -> Result<Self, PlanError> {
        let plan: Self = toml::from_str(text).map_err(|source| PlanError::Syntax {
            file: file.to_owned(),
            source: Box::new(source),
        })?;
        plan.check().map_err(|fault| PlanError::Meaning {
            file: file.to_owned(),
            field: fault.field,
            problem: fault.problem,
        })?;
        Ok(plan)
    }

    /// # Panics
    /// If a field of the plan has no form in TOML.
    fn to_toml(&self) -> String {
        toml::to_string(self).expect("every field of a plan has a form in TOML")
    }

    /// `scenario-seed`: how files and reports name it.
    fn name(&self) -> String {
        format!("{}-{}", self.scenario(), self.seed())
    }
}

/// A plan that cannot be used; says where.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    #[error("plan `{file}` cannot be read: {source}")]
    Read { file: String, source: std::io::Error },
    #[error("plan `{file}` is not valid: {source}")]
    Syntax { file: String, source: Box<toml::de::Error> },
    #[error("plan `{file}` is not valid: `{field}` {problem}")]
    Meaning { file: String, field: String, problem: String },
}

/// What is wrong with a plan, and where.
#[derive(Debug)]
pub struct Misfit {
    pub field: String,
    pub problem: String,
}

impl Misfit {
    pub fn new(field: impl fmt::Display, problem: impl fmt::Display) -> Misfit {
        Misfit { field: field.to_string(), problem: problem.to_string() }
    }

    /// Refuses a number that is out of bounds.
    pub fn unless_within(field: &str, value: u64, least: u64, greatest: u64) -> Result<(), Misfit> {
        if (least..=greatest).contains(&value) {
            return Ok(());
        }
        let problem = format!("is `{value}`, allowed are {least} to {greatest}");
        Err(Misfit::new(field, problem))
    }
}
