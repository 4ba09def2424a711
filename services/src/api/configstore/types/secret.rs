use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

use super::{PRINTABLE, Stored};
use crate::api::names::Name;
use crate::http::server::reply;
use crate::runtime::encryption::Sealed;

/// A secret, as stored. It has exactly one of `project` and `project_group`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    pub id: Uuid,
    pub name: Name,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_group: Option<Uuid>,
    pub data: Sealed,
    pub revision: u64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// Where a secret or a variable is defined.
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

/// A secret, as answered: without its data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecretView {
    pub id: Uuid,
    pub name: Name,
    pub parent: Scope,
    pub revision: u64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

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
    pub data: BTreeMap<String, String>,
}

/// The body of PUT `…/secrets/{name}`; what is absent stays as it is. Data is replaced as a whole.
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
    pub data: Option<BTreeMap<String, String>>,
}

/// A map in which no key is there twice: of which the wrong one might be used.
fn distinct<'de, D>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error>
where
    D: Deserializer<'de>,
{
    deserializer.deserialize_map(Distinct)
}

fn optional_distinct<'de, D>(deserializer: D) -> Result<Option<BTreeMap<String, String>>, D::Error>
where
    D: Deserializer<'de>,
{
    distinct(deserializer).map(Some)
}

struct Distinct;

impl<'de> Visitor<'de> for Distinct {
    type Value = BTreeMap<String, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of texts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut map = BTreeMap::new();
        while let Some((key, value)) = entries.next_entry()? {
            if map.insert(key, value).is_some() {
                return Err(serde::de::Error::custom("a key is there twice"));
            }
        }
        Ok(map)
    }
}

impl Secret {
    /// The id of the project or project group where it is defined.
    pub fn place(&self) -> Option<Uuid> {
        self.project.or(self.project_group)
    }
}

/// Its entity tag is that of a change: sealing the same data anew is none.
impl Stored for Secret {
    fn revision(&self) -> u64 {
        self.revision
    }

    fn touch(&mut self, now: Timestamp) {
        self.revision += 1;
        self.updated_at = now;
    }

    fn etag(&self) -> String {
        reply::etag(self.revision, &(self.id, &self.name, self.place(), self.updated_at))
    }
}

impl SecretView {
    pub fn new(secret: &Secret, parent: Scope) -> SecretView {
        SecretView {
            id: secret.id,
            name: secret.name.clone(),
            parent,
            revision: secret.revision,
            created_at: secret.created_at,
            updated_at: secret.updated_at,
        }
    }
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
