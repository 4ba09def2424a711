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
    /// The effective visibility of an object below another one: private if either is private.
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
