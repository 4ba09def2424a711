use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{PRINTABLE, User};
use crate::names::{Name, Ref};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokenView {
    pub id: Uuid,
    pub name: Name,
    pub last_used_at: Option<Timestamp>,
    pub revision: u64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// The body of POST `/users/{ref}/tokens`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    #[schemars(with = "Name")]
    pub name: String,
}

/// The one answer that holds a token's value.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NewTokenView {
    #[serde(flatten)]
    pub token: TokenView,
    pub value: String,
}

/// The body of POST `/tokens/resolve`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResolveToken {
    pub value: String,
}

/// Whose token it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ResolvedToken {
    pub user: User,
    pub token: TokenView,
}

impl fmt::Debug for NewTokenView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewTokenView").field("token", &self.token).finish_non_exhaustive()
    }
}

impl fmt::Debug for ResolveToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResolveToken").finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LinkedAccountView {
    pub id: Uuid,
    /// The remote source's name.
    pub remote_source: Name,
    pub remote_user_id: String,
    pub remote_user_name: String,
    pub revision: u64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// The body of POST `/users/{ref}/linked_accounts`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLinkedAccount {
    /// By id or name.
    #[schemars(with = "Ref")]
    pub remote_source: String,
    #[schemars(length(min = 1, max = 255), regex(pattern = PRINTABLE))]
    pub remote_user_id: String,
    #[schemars(length(min = 1, max = 255), regex(pattern = PRINTABLE))]
    pub remote_user_name: String,
}
