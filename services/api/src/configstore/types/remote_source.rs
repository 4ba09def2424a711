use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::names::Name;

/// URLs that are surely taken, as a regular expression.
const URL: &str = "^https?://[A-Za-z0-9]+([.-][A-Za-z0-9]+)*(:[0-9]{1,4})?(/[A-Za-z0-9._~-]*)*$";

/// A server with repositories.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoteSource {
    pub id: Uuid,
    pub name: Name,
    pub api_url: String,
    pub kind: RemoteSourceKind,
    pub auth_kind: AuthKind,
    pub revision: u64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RemoteSourceKind {
    Gitea,
    Github,
    Gitlab,
}

/// How users prove to it who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthKind {
    Oauth2,
    Password,
    Token,
}

/// The body of POST `/remote_sources`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRemoteSource {
    #[schemars(with = "Name")]
    pub name: String,
    /// An absolute `http` or `https` URL without credentials.
    #[schemars(length(max = 2048), regex(pattern = URL))]
    pub api_url: String,
    pub kind: RemoteSourceKind,
    pub auth_kind: AuthKind,
}

/// The body of PUT `/remote_sources/{ref}`; what is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoteSourceChange {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Name>")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048), regex(pattern = URL))]
    pub api_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<RemoteSourceKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_kind: Option<AuthKind>,
}
