use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Owner, PRINTABLE, Visibility, given};
use crate::names::{Name, Ref, TreeRef};

/// A project, as answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProjectView {
    pub id: Uuid,
    pub name: Name,
    /// The id of the group above.
    pub parent: Uuid,
    /// `org/acme/web/site`
    pub path: String,
    pub owner: Owner,
    pub visibility: Visibility,
    /// Private if this or anything above is.
    pub effective_visibility: Visibility,
    /// The remote source's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_source: Option<Name>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository_path: Option<String>,
    /// Whether members of the organization may start and stop runs, not owners only.
    pub members_can_run: bool,
    /// Whether runs of forks get variables and secrets too.
    pub pass_variables_to_forks: bool,
    pub default_branch: String,
    pub revision: u64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// The body of POST `/projects`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProject {
    #[schemars(with = "Name")]
    pub name: String,
    /// The group, by id or path.
    #[schemars(with = "TreeRef")]
    pub parent: String,
    #[serde(default)]
    pub visibility: Visibility,
    /// By id or name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Ref>")]
    pub remote_source: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", length(min = 1, max = 255), regex(pattern = PRINTABLE))]
    pub repository_path: Option<String>,
    #[serde(default)]
    pub members_can_run: bool,
    #[serde(default)]
    pub pass_variables_to_forks: bool,
    /// `main` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255), regex(pattern = PRINTABLE))]
    pub default_branch: Option<String>,
}

/// The body of PUT `/projects/{ref}`; what is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectChange {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Name>")]
    pub name: Option<String>,
    /// Moves the project into this group.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<TreeRef>")]
    pub parent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visibility: Option<Visibility>,
    /// `null` takes it away.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Ref>")]
    pub remote_source: Option<Option<String>>,
    /// `null` takes it away.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", length(min = 1, max = 255), regex(pattern = PRINTABLE))]
    pub repository_path: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members_can_run: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pass_variables_to_forks: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255), regex(pattern = PRINTABLE))]
    pub default_branch: Option<String>,
}
