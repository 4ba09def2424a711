use drydock_http::api::object;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{PRINTABLE, Scope};
use crate::names::Name;
use crate::when::When;

/// One value of a variable: a key of a secret, and the condition under which runs take it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VariableValue {
    pub secret_name: Name,
    /// The key in the secret's data.
    #[schemars(length(min = 1, max = 255), regex(pattern = PRINTABLE))]
    pub secret_var: String,
    /// The condition; without one every run takes the value.
    #[serde(
        default,
        deserialize_with = "object::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub when: Option<When>,
}

/// A variable, as it is answered.
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

/// The body of PUT `…/variables/{name}`; absent fields do not change.
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
