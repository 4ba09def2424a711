use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    Public,
    #[default]
    Private,
}

impl Visibility {
    /// Of something with one visibility below something with the other: private if either is.
    pub fn and(self, other: Visibility) -> Visibility {
        match (self, other) {
            (Visibility::Public, Visibility::Public) => Visibility::Public,
            _ => Visibility::Private,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Visibility::Public => "public",
            Visibility::Private => "private",
        }
    }
}
