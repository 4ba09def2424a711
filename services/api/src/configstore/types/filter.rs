use drydock_http::api::page::{CURSOR, Consistency, ListQuery};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Visibility;

/// A list's query with a filter. Objects that the filter leaves out do not count: neither the
/// length of a page nor its cursor shows that they exist.
macro_rules! filtered {
    ($(#[$doc:meta])* $name:ident { $(#[$of:meta])* $filter:ident: $type:ty }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
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
            $(#[$of])*
            #[serde(skip_serializing_if = "Option::is_none")]
            pub $filter: Option<$type>,
        }

        impl $name {
            pub fn new(list: ListQuery, $filter: Option<$type>) -> $name {
                let ListQuery { limit, cursor, order, consistency } = list;
                $name { limit, cursor, order, consistency, $filter }
            }

            /// Splits the query into the list's own query and the filter.
            pub fn split(self) -> (ListQuery, Option<$type>) {
                let $name { limit, cursor, order, consistency, $filter } = self;
                (ListQuery { limit, cursor, order, consistency }, $filter)
            }
        }
    };
}

filtered! {
    /// The query of GET `/orgs`.
    OrgsQuery {
        /// Lists only organizations that are public, or have this user as a member.
        visible_to: Uuid
    }
}

filtered! {
    /// The query of GET `/project_groups/{ref}/subgroups` and `/projects`.
    ChildrenQuery {
        /// Lists only objects whose own visibility is this; the groups above do not count.
        visibility: Visibility
    }
}
