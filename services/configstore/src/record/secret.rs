use drydock_api::configstore::types::{Scope, SecretView};
use drydock_api::names::Name;
use drydock_http::api::precondition::etag;
use drydock_runtime::encryption::Sealed;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Stored;

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
        etag(self.revision, &(self.id, &self.name, self.place(), self.updated_at))
    }
}

impl Secret {
    /// As answered.
    pub fn view(&self, parent: Scope) -> SecretView {
        SecretView {
            id: self.id,
            name: self.name.clone(),
            parent,
            revision: self.revision,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}
