//! The values of a project's variables for a run. Only configstore resolves them, and they go to
//! runservice and nowhere else.

use std::collections::BTreeMap;

use drydock_api::configstore::refusals::ProjectNotExist;
use drydock_api::configstore::types::EnvironmentQuery;
use drydock_api::names::TreeRef;
use drydock_core::error::ActionError;

use super::group::Source;
use crate::auth::require::Runs;
use crate::auth::{Permit, ProjectRuns};
use crate::errors;

/// The values of variables by their names. Absent on purpose: `Debug`.
pub struct Values(BTreeMap<String, String>);

impl Values {
    /// Asks for the values that a run of this source gets, if it needs any.
    pub async fn resolve<F: From<ProjectNotExist>>(
        permit: &Permit<Runs>,
        runs: &ProjectRuns,
        source: Option<&Source>,
        mut needed: impl Iterator,
    ) -> Result<Values, ActionError<F>> {
        if needed.next().is_none() {
            return Ok(Values(BTreeMap::new()));
        }
        let project = TreeRef::Id(runs.project.id);
        let query = source.map(Source::query).unwrap_or_default();
        let found = permit.configstore().run_environment(&runs.ctx, &project, &query).await;
        let found = found.map_err(|error| {
            errors::refused(error, [ProjectNotExist(permit.given.clone()).into()])
        })?;
        let values = found.variables.into_iter();
        Ok(Values(values.map(|(name, value)| (name.to_string(), value)).collect()))
    }

    pub fn get(&self, variable: &str) -> Option<&str> {
        self.0.get(variable).map(String::as_str)
    }
}

impl Source {
    /// What configstore compares with the conditions of values.
    fn query(&self) -> EnvironmentQuery {
        let none = EnvironmentQuery::default();
        match self.clone() {
            Source::Branch(name) => EnvironmentQuery { branch: Some(name), ..none },
            Source::Tag(name) => EnvironmentQuery { tag: Some(name), ..none },
            Source::Ref(name) => EnvironmentQuery { r#ref: Some(name), ..none },
        }
    }
}
