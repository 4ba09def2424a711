//! Secrets and variables, as stored. Each has exactly one of `project` and `project_group`.

use drydock_api::configstore::scoped::{ScopedKind, SecretKind, VariableKind};
use drydock_api::configstore::types::{Scope, SecretView, VariableValue, VariableView};
use drydock_api::names::Name;
use drydock_http::api::precondition::etag;
use drydock_runtime::encryption::Encrypted;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Stored;

/// An object that is defined in a scope.
pub trait ScopedRecord:
    Stored + DeserializeOwned + Clone + PartialEq + Send + Sync + 'static
{
    type Kind: ScopedKind;
    /// The fields besides the name, as they are stored.
    type Content;

    /// The type of the object, and the table.
    const TABLE: &'static str;

    fn new(identity: Identity, content: Self::Content) -> Self;

    fn id(&self) -> Uuid;

    fn name(&self) -> &Name;

    fn rename(&mut self, name: &Name);

    /// The id of the project or project group where it is defined.
    fn scope(&self) -> Option<Uuid>;

    fn set_content(&mut self, content: Self::Content);

    /// The object as it is answered.
    fn view(&self, parent: Scope) -> <Self::Kind as ScopedKind>::View;
}

/// The fields with which an object begins.
pub struct Identity {
    pub id: Uuid,
    pub name: Name,
    pub project: Option<Uuid>,
    pub project_group: Option<Uuid>,
    pub created_at: Timestamp,
}

macro_rules! scoped_records {
    ($($name:ident: $kind:ident, $table:literal, $field:ident: $content:ty;)*) => {$(
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            pub id: Uuid,
            pub name: Name,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub project: Option<Uuid>,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub project_group: Option<Uuid>,
            pub $field: $content,
            pub revision: u64,
            pub created_at: Timestamp,
            pub updated_at: Timestamp,
        }

        impl ScopedRecord for $name {
            type Kind = $kind;
            type Content = $content;

            const TABLE: &'static str = $table;

            fn new(identity: Identity, $field: $content) -> $name {
                let Identity { id, name, project, project_group, created_at } = identity;
                let (revision, updated_at) = (1, created_at);
                $name { id, name, project, project_group, $field, revision, created_at, updated_at }
            }

            fn id(&self) -> Uuid {
                self.id
            }

            fn name(&self) -> &Name {
                &self.name
            }

            fn rename(&mut self, name: &Name) {
                self.name = name.clone();
            }

            fn scope(&self) -> Option<Uuid> {
                self.project.or(self.project_group)
            }

            fn set_content(&mut self, content: $content) {
                self.$field = content;
            }

            fn view(&self, parent: Scope) -> <$kind as ScopedKind>::View {
                self.answered(parent)
            }
        }
    )*};
}

scoped_records! {
    Secret: SecretKind, "secrets", data: Encrypted;
    Variable: VariableKind, "variables", values: Vec<VariableValue>;
}

/// The entity tag changes with a change by a client; encrypting the same data again is none.
impl Stored for Secret {
    fn revision(&self) -> u64 {
        self.revision
    }

    fn touch(&mut self, now: Timestamp) {
        self.revision += 1;
        self.updated_at = now;
    }

    fn etag(&self) -> String {
        etag(self.revision, &(self.id, &self.name, self.scope(), self.updated_at))
    }
}

impl Secret {
    fn answered(&self, parent: Scope) -> SecretView {
        let Secret { id, name, revision, created_at, updated_at, .. } = self.clone();
        SecretView { id, name, parent, revision, created_at, updated_at }
    }
}

impl Variable {
    fn answered(&self, parent: Scope) -> VariableView {
        let Variable { id, name, values, revision, created_at, updated_at, .. } = self.clone();
        VariableView { id, name, parent, values, revision, created_at, updated_at }
    }
}
