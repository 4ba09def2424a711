use std::collections::BTreeMap;
use std::fmt;

use drydock_http::api::page::Consistency;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::names::Name;

/// The query of GET `/projects/{ref}/run_environment`: what the run is of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentQuery {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#ref: Option<String>,
    /// Whether the run comes from a fork of the project's repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fork: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consistency: Option<Consistency>,
}

/// What a run of a project gets. The one answer that holds values of secrets.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunEnvironment {
    /// Values by the names of variables.
    pub variables: BTreeMap<Name, String>,
    /// Variables of which a value was chosen whose secret, or key in it, does not exist.
    pub unresolved: Vec<Name>,
}

impl fmt::Debug for RunEnvironment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.variables.keys().collect();
        f.debug_struct("RunEnvironment")
            .field("names", &names)
            .field("unresolved", &self.unresolved)
            .finish_non_exhaustive()
    }
}
