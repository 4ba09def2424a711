use drydock_http::api::object;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{PRINTABLE, Scope};
use crate::names::Name;

/// One of a variable's values: a part of a secret, and when it is taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VariableValue {
    pub secret_name: Name,
    /// The key in the secret's data.
    #[schemars(length(min = 1, max = 255), regex(pattern = PRINTABLE))]
    pub secret_var: String,
    /// Always, if absent.
    #[serde(
        default,
        deserialize_with = "object::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub when: Option<When>,
}

/// When a value is taken: if any of these includes the run's branch, tag or ref, and none excludes
/// it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct When {
    #[serde(
        default,
        deserialize_with = "object::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub branch: Option<WhenConditions>,
    #[serde(
        default,
        deserialize_with = "object::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub tag: Option<WhenConditions>,
    #[serde(
        default,
        deserialize_with = "object::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub r#ref: Option<WhenConditions>,
}

/// Patterns, in which `*` stands for any number of characters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WhenConditions {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 255), regex(pattern = PRINTABLE)))]
    pub include: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 255), regex(pattern = PRINTABLE)))]
    pub exclude: Vec<String>,
}

/// A variable, as answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VariableView {
    pub id: Uuid,
    pub name: Name,
    pub parent: Scope,
    pub values: Vec<VariableValue>,
    pub revision: u64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// The body of POST `…/variables`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewVariable {
    #[schemars(with = "Name")]
    pub name: String,
    #[serde(deserialize_with = "object::many")]
    #[schemars(length(max = 256))]
    pub values: Vec<VariableValue>,
}

/// The body of PUT `…/variables/{name}`; what is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VariableChange {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Name>")]
    pub name: Option<String>,
    #[serde(
        default,
        deserialize_with = "object::optional_many",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(length(max = 256))]
    pub values: Option<Vec<VariableValue>>,
}
