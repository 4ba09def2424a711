use drydock_api::configstore::types::{Scope, VariableValue, VariableView};
use drydock_api::names::Name;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A variable, as stored. It has exactly one of `project` and `project_group`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    pub id: Uuid,
    pub name: Name,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_group: Option<Uuid>,
    pub values: Vec<VariableValue>,
    pub revision: u64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Variable {
    /// The id of the project or project group where it is defined.
    pub fn place(&self) -> Option<Uuid> {
        self.project.or(self.project_group)
    }
}

impl Variable {
    /// As answered.
    pub fn view(&self, parent: Scope) -> VariableView {
        VariableView {
            id: self.id,
            name: self.name.clone(),
            parent,
            values: self.values.clone(),
            revision: self.revision,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}
