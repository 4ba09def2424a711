use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{PRINTABLE, Stored, User};
use crate::api::names::{Name, Ref};
use crate::http::server::reply;

/// A user's token, as stored: a hash, never the value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    pub id: Uuid,
    pub user: Uuid,
    pub name: Name,
    /// SHA-256 of the value, in hexadecimal. The value is random, so nobody can guess it from this.
    pub hash: String,
    /// Late by up to an hour, and `None` before the first use.
    pub last_used_at: Option<Timestamp>,
    pub revision: u64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

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

/// Its entity tag is that of a change: a use is none.
impl Stored for Token {
    fn revision(&self) -> u64 {
        self.revision
    }

    fn touch(&mut self, now: Timestamp) {
        self.revision += 1;
        self.updated_at = now;
    }

    fn etag(&self) -> String {
        reply::etag(self.revision, &(self.id, &self.name, &self.hash, self.updated_at))
    }
}

impl TokenView {
    pub fn new(token: &Token) -> TokenView {
        TokenView {
            id: token.id,
            name: token.name.clone(),
            last_used_at: token.last_used_at,
            revision: token.revision,
            created_at: token.created_at,
            updated_at: token.updated_at,
        }
    }
}

/// Who a user is to a remote source, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkedAccount {
    pub id: Uuid,
    pub user: Uuid,
    pub remote_source: Uuid,
    /// The remote source's own id of the user.
    pub remote_user_id: String,
    pub remote_user_name: String,
    pub revision: u64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
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

impl LinkedAccountView {
    pub fn new(account: LinkedAccount, remote_source: Name) -> LinkedAccountView {
        LinkedAccountView {
            id: account.id,
            remote_source,
            remote_user_id: account.remote_user_id,
            remote_user_name: account.remote_user_name,
            revision: account.revision,
            created_at: account.created_at,
            updated_at: account.updated_at,
        }
    }
}
