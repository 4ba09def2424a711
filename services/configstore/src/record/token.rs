use drydock_api::configstore::types::{LinkedAccountView, TokenView};
use drydock_api::names::Name;
use drydock_http::api::precondition::etag;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Stored;

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
        etag(self.revision, &(self.id, &self.name, &self.hash, self.updated_at))
    }
}

impl Token {
    /// As answered.
    pub fn view(&self) -> TokenView {
        TokenView {
            id: self.id,
            name: self.name.clone(),
            last_used_at: self.last_used_at,
            revision: self.revision,
            created_at: self.created_at,
            updated_at: self.updated_at,
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

impl LinkedAccount {
    /// As answered.
    pub fn view(self, remote_source: Name) -> LinkedAccountView {
        LinkedAccountView {
            id: self.id,
            remote_source,
            remote_user_id: self.remote_user_id,
            remote_user_name: self.remote_user_name,
            revision: self.revision,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}
