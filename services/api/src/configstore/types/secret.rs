use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

use super::PRINTABLE;
use crate::distinct;
use crate::names::Name;

/// The project or project group in which a secret or a variable is defined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Scope {
    pub kind: ScopeKind,
    pub id: Uuid,
    pub path: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScopeKind {
    Project,
    ProjectGroup,
}

/// A secret, as it is answered: without its data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecretView {
    pub id: Uuid,
    pub name: Name,
    pub parent: Scope,
    pub revision: u64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A secret's data, by key.
pub type SecretData = BTreeMap<String, String>;

/// The body of POST `…/secrets`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSecret {
    #[schemars(with = "Name")]
    pub name: String,
    #[serde(deserialize_with = "distinct")]
    #[schemars(extend(
        "maxProperties" = 256,
        "propertyNames" = { "minLength": 1, "maxLength": 255, "pattern": PRINTABLE }
    ))]
    pub data: SecretData,
}

/// The body of PUT `…/secrets/{name}`; absent fields do not change. Data is replaced as a whole.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretChange {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Name>")]
    pub name: Option<String>,
    #[serde(
        default,
        deserialize_with = "optional_distinct",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(extend(
        "maxProperties" = 256,
        "propertyNames" = { "minLength": 1, "maxLength": 255, "pattern": PRINTABLE }
    ))]
    pub data: Option<SecretData>,
}

fn optional_distinct<'de, D>(deserializer: D) -> Result<Option<SecretData>, D::Error>
where
    D: Deserializer<'de>,
{
    distinct(deserializer).map(Some)
}

impl fmt::Debug for NewSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSecret").field("name", &self.name).finish_non_exhaustive()
    }
}

impl fmt::Debug for SecretChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretChange").field("name", &self.name).finish_non_exhaustive()
    }
}
