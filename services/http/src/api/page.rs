//! Lists: the query of a list and the page that answers it.
//!
//! A cursor is opaque to clients. It holds the sort key of the last item answered, so the next page
//! is right even if objects were created or deleted in between; and a tag of its list, filter and
//! order, so that it is refused in any other.

use drydock_core::store::Reads;
use drydock_core::{failures, refusals};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

const DEFAULT_LIMIT: usize = 25;
const MAX_LIMIT: usize = 100;

/// The regular expression of a cursor.
pub const CURSOR: &str = "^([0-9a-f]{2})+$";

/// The query of a list. Its fields are texts, so that each bad value has its own code.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
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
}

/// The query of a single object.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadQuery {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consistency: Option<Consistency>,
}

refusals! {
    InvalidLimit = "`limit` must be 1 to 100";
    InvalidCursor = "`cursor` must be a `next_cursor` of this list with this filter and order";
    InvalidOrder as InvalidQuery = "`order` must be `asc` or `desc`";
}

failures! {
    /// A parameter of a list has no meaning.
    InvalidPage { InvalidLimit, InvalidCursor, InvalidOrder }
}

/// How recent the state must be that an answer shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Consistency {
    #[default]
    Linearizable,
    Local,
}

impl Consistency {
    fn reads(self) -> Reads {
        match self {
            Consistency::Linearizable => Reads::Linearizable,
            Consistency::Local => Reads::Local,
        }
    }
}

impl From<Consistency> for ReadQuery {
    fn from(consistency: Consistency) -> ReadQuery {
        ReadQuery { consistency: Some(consistency) }
    }
}

impl ReadQuery {
    pub fn reads(&self) -> Reads {
        self.consistency.unwrap_or_default().reads()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    Ascending,
    Descending,
}

/// The sort key of lists by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    #[serde(rename = "n")]
    pub name: String,
    #[serde(rename = "i")]
    pub id: Uuid,
}

/// The part of a list that a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    pub limit: usize,
    pub after: Option<Cursor>,
    pub order: Order,
    list: ListTag,
}

/// A hash of a list, its filter and its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct ListTag(u32);

/// A cursor as clients see it.
#[derive(Serialize, Deserialize)]
struct TaggedCursor {
    #[serde(flatten)]
    cursor: Cursor,
    #[serde(rename = "l")]
    list: ListTag,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "{T}Page")]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Where the next page begins; `None` on the last one.
    pub next_cursor: Option<String>,
}

impl ListQuery {
    pub fn reads(&self) -> Reads {
        self.consistency.unwrap_or_default().reads()
    }

    /// Whether it can be the query of a list.
    pub fn check(&self) -> Result<(), InvalidPage> {
        self.parse().map(drop)
    }

    /// The page of a list that it asks for. `list` names the list with its scope and its filter.
    pub fn page_of(&self, list: &str) -> Result<PageRequest, InvalidPage> {
        let (limit, after, order) = self.parse()?;
        let list = ListTag::of(list, order);
        let after = match after {
            Some(tagged) if tagged.list != list => return Err(InvalidCursor.into()),
            after => after.map(|tagged| tagged.cursor),
        };
        Ok(PageRequest { limit, after, order, list })
    }

    fn parse(&self) -> Result<(usize, Option<TaggedCursor>, Order), InvalidPage> {
        let limit = match self.limit.as_deref().map(str::parse) {
            None => DEFAULT_LIMIT,
            Some(Ok(limit)) if (1..=MAX_LIMIT).contains(&limit) => limit,
            Some(_) => return Err(InvalidLimit.into()),
        };
        let after = match self.cursor.as_deref().map(TaggedCursor::decode) {
            None => None,
            Some(Some(cursor)) => Some(cursor),
            Some(None) => return Err(InvalidCursor.into()),
        };
        let order = match self.order.as_deref() {
            None | Some("asc") => Order::Ascending,
            Some("desc") => Order::Descending,
            Some(_) => return Err(InvalidOrder.into()),
        };
        Ok((limit, after, order))
    }
}

impl Cursor {
    pub fn new(name: &str, id: Uuid) -> Cursor {
        Cursor { name: name.to_owned(), id }
    }
}

impl ListTag {
    fn of(list: &str, order: Order) -> ListTag {
        let hash = blake3::hash(format!("{list}\n{order:?}").as_bytes());
        let start = hash.as_bytes().first_chunk().expect("a hash has more than 4 bytes");
        ListTag(u32::from_le_bytes(*start))
    }
}

impl TaggedCursor {
    fn encode(&self) -> String {
        hex::encode(serde_json::to_vec(self).expect("a text, an id and a number are JSON"))
    }

    fn decode(text: &str) -> Option<TaggedCursor> {
        serde_json::from_slice(&hex::decode(text).ok()?).ok()
    }
}

impl PageRequest {
    /// The number of rows to read: one more than asked for, to know whether there is a next page.
    pub fn fetch(&self) -> i64 {
        i64::try_from(self.limit + 1).expect("the limit is small")
    }

    /// Makes the page of the rows that were read, at most [`fetch`](Self::fetch).
    pub fn cut<T>(&self, mut items: Vec<T>, key: impl Fn(&T) -> Cursor) -> Page<T> {
        let more = items.len() > self.limit;
        items.truncate(self.limit);
        let next_cursor = match (more, items.last()) {
            (true, Some(last)) => {
                Some(TaggedCursor { cursor: key(last), list: self.list }.encode())
            }
            _ => None,
        };
        Page { items, next_cursor }
    }
}

impl<T> Page<T> {
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(f).collect(), next_cursor: self.next_cursor }
    }
}

#[cfg(test)]
mod tests {
    use drydock_core::error::Failure;

    use super::*;

    fn query(limit: Option<&str>, cursor: Option<&str>, order: Option<&str>) -> ListQuery {
        ListQuery {
            limit: limit.map(str::to_owned),
            cursor: cursor.map(str::to_owned),
            order: order.map(str::to_owned),
            consistency: None,
        }
    }

    #[test]
    fn every_bad_parameter_has_its_code() {
        let code = |query: ListQuery| query.page_of("a").unwrap_err().code().as_str();
        for limit in ["0", "101", "-1", "x", ""] {
            assert_eq!(code(query(Some(limit), None, None)), "invalid_limit");
        }
        for cursor in ["x", "", "7b7d"] {
            assert_eq!(code(query(None, Some(cursor), None)), "invalid_cursor");
        }
        assert_eq!(code(query(None, None, Some("up"))), "invalid_query");
    }

    #[test]
    fn a_cursor_leads_to_the_item_after_it() {
        let page = query(Some("2"), None, None).page_of("a").unwrap();
        let key = |name: &&str| Cursor { name: (*name).to_owned(), id: Uuid::nil() };
        let cut = page.cut(vec!["aa", "bb", "cc"], key);
        assert_eq!(cut.items, ["aa", "bb"]);
        let next = query(None, cut.next_cursor.as_deref(), None);
        assert_eq!(next.page_of("a").unwrap().after, Some(key(&"bb")));
        assert_eq!(next.page_of("b").unwrap_err().code().as_str(), "invalid_cursor");
        let down = query(None, next.cursor.as_deref(), Some("desc"));
        assert_eq!(down.page_of("a").unwrap_err().code().as_str(), "invalid_cursor");
        assert_eq!(page.cut(vec!["cc"], key).next_cursor, None);
        assert_eq!(page.cut(vec!["bb", "cc"], key).next_cursor, None);
    }
}
