//! References to project groups and projects: an id, or the path from the owner down.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::name::{ID_PATTERN, NAME_PATTERN};
use super::{InvalidName, Name, Ref};

/// The greatest number of names in a path, the owner's not counted.
const MAX_NAMES: usize = 64;
/// The greatest number of names with the owner's.
const MOST: usize = MAX_NAMES + 1;
/// A regular expression that checks the length of the name that follows.
const LENGTH: &str = "(?=[^/]{2,64}(/|$))";

/// The kind of the owner of a tree of project groups.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum OwnerKind {
    User,
    Org,
}

impl OwnerKind {
    pub fn as_str(self) -> &'static str {
        match self {
            OwnerKind::User => "user",
            OwnerKind::Org => "org",
        }
    }
}

/// `user/alice/web/site`: the kind of owner, its name, and the names below. Without names below it
/// is the owner's root group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TreePath {
    pub kind: OwnerKind,
    pub owner: Name,
    pub names: Vec<Name>,
}

/// A reference to a project group or a project, in a path or a body: a text that parses as a UUID
/// is an id, any other a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum TreeRef {
    Id(Uuid),
    Path(TreePath),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTreeRef {
    #[error("a path begins with `user` or `org`, then the owner's name")]
    Owner,
    #[error("a path has at most {MAX_NAMES} names below its owner")]
    Length,
    #[error(transparent)]
    Name(#[from] InvalidName),
}

impl FromStr for TreePath {
    type Err = InvalidTreeRef;

    fn from_str(text: &str) -> Result<TreePath, InvalidTreeRef> {
        let mut parts = text.split('/');
        let kind = match parts.next() {
            Some("user") => OwnerKind::User,
            Some("org") => OwnerKind::Org,
            _ => return Err(InvalidTreeRef::Owner),
        };
        let owner = parts.next().ok_or(InvalidTreeRef::Owner)?.parse()?;
        let mut names = Vec::new();
        for part in parts {
            if names.len() == MAX_NAMES {
                return Err(InvalidTreeRef::Length);
            }
            names.push(part.parse()?);
        }
        Ok(TreePath { kind, owner, names })
    }
}

impl fmt::Display for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.as_str(), self.owner)?;
        self.names.iter().try_for_each(|name| write!(f, "/{name}"))
    }
}

impl JsonSchema for TreeRef {
    fn schema_name() -> Cow<'static, str> {
        "TreeRef".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "an id, or a path such as `org/acme/web`",
            "type": "string",
            "pattern": format!("^({ID_PATTERN}|(user|org)(/{LENGTH}{NAME_PATTERN}){{1,{MOST}}})$"),
        })
    }
}

/// Makes the schema of a path parameter, by its name: for the API document.
pub fn path_schema(name: &str, generator: &mut SchemaGenerator) -> Schema {
    match name {
        "group" | "project" => generator.subschema_for::<TreeRef>(),
        "attempt" | "id" | "lineage" | "run" => generator.subschema_for::<Uuid>(),
        "task" => generator.subschema_for::<String>(),
        "number" => generator.subschema_for::<u64>(),
        _ => generator.subschema_for::<Ref>(),
    }
}

impl FromStr for TreeRef {
    type Err = InvalidTreeRef;

    fn from_str(text: &str) -> Result<TreeRef, InvalidTreeRef> {
        match Uuid::try_parse(text) {
            Ok(id) => Ok(TreeRef::Id(id)),
            Err(_) => text.parse().map(TreeRef::Path),
        }
    }
}

impl TryFrom<String> for TreeRef {
    type Error = InvalidTreeRef;

    fn try_from(text: String) -> Result<TreeRef, InvalidTreeRef> {
        text.parse()
    }
}

impl From<TreeRef> for String {
    fn from(reference: TreeRef) -> String {
        reference.to_string()
    }
}

impl fmt::Display for TreeRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TreeRef::Id(id) => id.fmt(f),
            TreeRef::Path(path) => path.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_read_back_as_they_were_written() {
        for text in ["user/alice", "org/acme/web", "org/acme/web/site"] {
            assert_eq!(text.parse::<TreeRef>().unwrap().to_string(), text);
        }
        let id = "0190163d-8694-739b-aea5-966c26f8ad91";
        assert!(matches!(id.parse(), Ok(TreeRef::Id(_))));
    }

    #[test]
    fn invalid_paths_are_refused() {
        let long = format!("org/acme{}", "/ab".repeat(MAX_NAMES + 1));
        for text in [
            "",
            "/",
            "user",
            "user/",
            "alice",
            "team/acme",
            "org//site",
            "org/acme/",
            "/org/acme",
            "org/acme/../other",
            "org/acme/a b",
            &long,
        ] {
            assert!(text.parse::<TreeRef>().is_err(), "{text}");
        }
    }
}
