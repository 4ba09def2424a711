use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Visibility;
use crate::names::{Name, OwnerKind, TreeRef};

/// A project group, as answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProjectGroupView {
    pub id: Uuid,
    /// Empty for a root group.
    pub name: String,
    /// The id of the group above; absent for a root group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Uuid>,
    /// `org/acme/web`
    pub path: String,
    pub owner: Owner,
    pub visibility: Visibility,
    /// Private if this or anything above is.
    pub effective_visibility: Visibility,
    pub revision: u64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// The user or organization at the root of a tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Owner {
    pub kind: OwnerKind,
    pub id: Uuid,
    pub name: Name,
}

/// The body of POST `/project_groups`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProjectGroup {
    #[schemars(with = "Name")]
    pub name: String,
    /// The group above, by id or path.
    #[schemars(with = "TreeRef")]
    pub parent: String,
    #[serde(default)]
    pub visibility: Visibility,
}

/// The body of PUT `/project_groups/{ref}`; what is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectGroupChange {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Name>")]
    pub name: Option<String>,
    /// Moves the group, with everything in it, below this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<TreeRef>")]
    pub parent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visibility: Option<Visibility>,
}
