use drydock_http::api::page::{CURSOR, Consistency, ListQuery};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Visibility;

/// A list's query with one parameter more, which says what is left out. A page is as long as one
/// of a list without the others: neither its length nor its cursor tells of them.
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

            /// The list's own part, and the filter.
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
        /// Only what is public, or has this user as a member.
        visible_to: Uuid
    }
}

filtered! {
    /// The query of GET `/project_groups/{ref}/subgroups` and `/projects`.
    ChildrenQuery {
        /// Only what has this visibility itself, whatever stands above.
        visibility: Visibility
    }
}
