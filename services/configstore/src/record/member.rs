use drydock_api::configstore::types::{MemberView, Role, UserName};
use drydock_api::names::Name;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A membership, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    pub id: Uuid,
    pub org: Uuid,
    pub user: Uuid,
    pub role: Role,
    pub revision: u64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Member {
    /// As answered.
    pub fn view(&self, user: Name) -> MemberView {
        MemberView {
            id: self.id,
            user: UserName { id: self.user, name: user },
            role: self.role,
            revision: self.revision,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}
