use drydock_http::api::page::{CURSOR, Consistency, ListQuery};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The query of a list of secrets or variables: that of any list, and `tree`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TreeQuery {
    #[schemars(with = "Option<u32>", range(min = 1, max = 100))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    #[schemars(regex(pattern = CURSOR))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    #[schemars(extend("enum" = ["asc", "desc"]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consistency: Option<Consistency>,
    /// Whether what is defined above is listed too: the nearest first, each by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tree: Option<bool>,
}

impl TreeQuery {
    pub fn new(list: ListQuery, tree: bool) -> TreeQuery {
        let ListQuery { limit, cursor, order, consistency } = list;
        TreeQuery { limit, cursor, order, consistency, tree: tree.then_some(true) }
    }

    /// The list's own part, and whether the tree is wanted.
    pub fn split(self) -> (ListQuery, bool) {
        let TreeQuery { limit, cursor, order, consistency, tree } = self;
        (ListQuery { limit, cursor, order, consistency }, tree.unwrap_or(false))
    }
}
