//! Names of tasks, labels of executors, and the groups in which runs follow each other.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::ProjectId;

const MAX_WORD_LENGTH: usize = 64;
const MAX_GROUP_LENGTH: usize = 512;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a task's name has 1 to {MAX_WORD_LENGTH} letters, digits, dashes, dots and underscores, and \
     begins with a letter or a digit"
)]
pub struct InvalidTaskName;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a label has 1 to {MAX_WORD_LENGTH} letters, digits, dashes, dots and underscores, and begins \
     with a letter or a digit"
)]
pub struct InvalidLabel;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a group is an absolute path of at most {MAX_GROUP_LENGTH} bytes below `/project/<id>`, \
     without empty segments and control characters"
)]
pub struct InvalidGroup;

fn is_word(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    text.len() <= MAX_WORD_LENGTH
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(inner)
}

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident, $error:ident, $valid:path, $schema:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = $error;

            fn from_str(text: &str) -> Result<$name, $error> {
                if $valid(text) { Ok($name(text.to_owned())) } else { Err($error) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = $error;

            fn try_from(text: String) -> Result<$name, $error> {
                text.parse()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    )*};
}

texts! {
    /// The name of a task, unique in its run.
    TaskName, InvalidTaskName, is_word, word_schema();
    /// A label that a task requires and an executor has.
    Label, InvalidLabel, is_word, word_schema();
    /// The runs of one group follow each other. Groups are compared byte for byte.
    Group, InvalidGroup, is_group, group_schema();
}

fn word_schema() -> Schema {
    json_schema!({
        "type": "string",
        "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]*$",
        "minLength": 1,
        "maxLength": MAX_WORD_LENGTH,
    })
}

fn group_schema() -> Schema {
    json_schema!({
        "type": "string",
        "pattern": "^/project/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(/[^/\\x00-\\x1f\\x7f]+)*$",
        "maxLength": MAX_GROUP_LENGTH,
    })
}

fn is_group(text: &str) -> bool {
    text.len() <= MAX_GROUP_LENGTH
        && project_of(text).is_some()
        && text.split('/').skip(1).all(|segment| !segment.is_empty())
        && !text.chars().any(char::is_control)
}

fn project_of(text: &str) -> Option<ProjectId> {
    let id = text.strip_prefix("/project/")?.split('/').next()?;
    // The usual form only: two forms of one id would be two groups.
    id.parse().ok().filter(|project: &ProjectId| project.to_string() == id)
}

impl Group {
    /// The group of all runs of a project that name no other.
    pub fn of_project(project: ProjectId) -> Group {
        Group(format!("/project/{project}"))
    }

    /// The project whose runs are in the group.
    pub fn project(&self) -> ProjectId {
        project_of(&self.0).expect("a group names its project")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_below_a_project_and_compared_exactly() {
        let id = "01900000-0000-7000-8000-000000000001";
        for (text, valid) in [
            (format!("/project/{id}"), true),
            (format!("/project/{id}/branch/a_b"), true),
            (format!("/project/{id}/branch/Ünïcode %"), true),
            (format!("/project/{id}/"), false),
            (format!("/project/{id}//branch"), false),
            (format!("/project/{id}/a\nb"), false),
            (format!("/project/{}", id.replace('-', "")), false),
            (format!("/project/{}", id.to_uppercase().replace('0', "A")), false),
            ("/project/site".to_owned(), false),
            ("/user/x".to_owned(), false),
            (String::new(), false),
        ] {
            assert_eq!(text.parse::<Group>().is_ok(), valid, "{text}");
        }
        let group = |text: &str| format!("/project/{id}/branch/{text}").parse::<Group>().unwrap();
        assert_ne!(group("a_b"), group("a-b"));
        assert_ne!(group("Dev"), group("dev"));
        assert_eq!(group("x").project().to_string(), id);
    }

    #[test]
    fn names_of_tasks_are_words() {
        for (text, valid) in
            [("a", true), ("build.x-1_2", true), ("", false), ("-a", false), ("a b", false)]
        {
            assert_eq!(text.parse::<TaskName>().is_ok(), valid, "{text}");
        }
        assert!("a".repeat(64).parse::<Label>().is_ok());
        assert!("a".repeat(65).parse::<Label>().is_err());
    }
}
