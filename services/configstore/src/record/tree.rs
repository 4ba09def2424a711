//! The objects in the tree of an owner: project groups and projects.

use drydock_api::configstore::types::Visibility;
use drydock_api::names::Name;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A project group, as stored. It has exactly one of `user`, `org` (a root group, whose name is
/// empty), `parent`, and `deleted_at`: the root of a subtree that nobody sees any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProjectGroup {
    pub id: Uuid,
    /// Absent for a root group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub org: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
    pub visibility: Visibility,
    pub revision: u64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A project, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Project {
    pub id: Uuid,
    pub name: Name,
    pub parent: Uuid,
    pub visibility: Visibility,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_source: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository_path: Option<String>,
    pub members_can_run: bool,
    pub pass_variables_to_forks: bool,
    pub default_branch: String,
    pub revision: u64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}
