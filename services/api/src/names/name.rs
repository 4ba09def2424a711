//! Names of objects, and references to objects in paths.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use drydock_core::error::{Code, Failure};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The regular expression of a name, without its greatest length.
pub(super) const NAME_PATTERN: &str = "[A-Za-z]([A-Za-z0-9]|-[A-Za-z0-9])+";
/// The regular expression of an id in its usual form.
pub(super) const ID_PATTERN: &str = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}";
/// The regular expression of a text without control characters.
pub(crate) const PRINTABLE: &str = r"^[^\x00-\x1f\x7f-\x9f]*$";
const MIN_LENGTH: usize = 2;
const MAX_LENGTH: usize = 64;

/// A letter, then letters, digits and single inner dashes; 2 to 64 characters; not a UUID.
/// Case-sensitive.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Name(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    #[error("a name has {MIN_LENGTH} to {MAX_LENGTH} characters")]
    Length,
    #[error("a name begins with a letter and holds only letters, digits and single inner dashes")]
    Characters,
    #[error("a name is not a UUID")]
    Uuid,
}

impl Name {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Name, InvalidName> {
        if !(MIN_LENGTH..=MAX_LENGTH).contains(&text.chars().count()) {
            return Err(InvalidName::Length);
        }
        let word = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric());
        if !text.starts_with(|c: char| c.is_ascii_alphabetic()) || !text.split('-').all(word) {
            return Err(InvalidName::Characters);
        }
        // 32 hexadecimal digits without dashes are an id, too.
        if Uuid::try_parse(text).is_ok() {
            return Err(InvalidName::Uuid);
        }
        Ok(Name(text.to_owned()))
    }
}

impl TryFrom<String> for Name {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Name, InvalidName> {
        text.parse()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl JsonSchema for Name {
    fn schema_name() -> Cow<'static, str> {
        "Name".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": format!("^{NAME_PATTERN}$"),
            "minLength": MIN_LENGTH,
            "maxLength": MAX_LENGTH,
        })
    }
}

impl Failure for InvalidName {
    fn codes() -> Vec<Code> {
        vec![Code::InvalidName]
    }

    fn code(&self) -> Code {
        Code::InvalidName
    }
}

/// A reference to an object in a path: a text that parses as a UUID is an id, any other a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Ref {
    Id(Uuid),
    Name(Name),
}

impl From<Name> for Ref {
    fn from(name: Name) -> Ref {
        Ref::Name(name)
    }
}

impl FromStr for Ref {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Ref, InvalidName> {
        match Uuid::try_parse(text) {
            Ok(id) => Ok(Ref::Id(id)),
            Err(_) => text.parse().map(Ref::Name),
        }
    }
}

impl JsonSchema for Ref {
    fn schema_name() -> Cow<'static, str> {
        "Ref".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "an id or a name",
            "type": "string",
            "pattern": format!("^({ID_PATTERN}|{NAME_PATTERN})$"),
            "minLength": MIN_LENGTH,
            "maxLength": MAX_LENGTH,
        })
    }
}

impl TryFrom<String> for Ref {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Ref, InvalidName> {
        text.parse()
    }
}

impl From<Ref> for String {
    fn from(reference: Ref) -> String {
        reference.to_string()
    }
}

impl fmt::Display for Ref {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ref::Id(id) => id.fmt(f),
            Ref::Name(name) => name.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_letters_digits_and_single_inner_dashes_make_a_name() {
        for good in ["ab", "Alice", "a1-b2-c3", &"x".repeat(64)] {
            assert!(good.parse::<Name>().is_ok(), "{good}");
        }
        for (bad, error) in [
            ("", InvalidName::Length),
            ("a", InvalidName::Length),
            (&*"x".repeat(65), InvalidName::Length),
            ("1a", InvalidName::Characters),
            ("-ab", InvalidName::Characters),
            ("ab-", InvalidName::Characters),
            ("a--b", InvalidName::Characters),
            ("a b", InvalidName::Characters),
            ("a/b", InvalidName::Characters),
            ("élan", InvalidName::Characters),
            ("abcdefabcdefabcdefabcdefabcdefab", InvalidName::Uuid),
        ] {
            assert_eq!(bad.parse::<Name>(), Err(error), "{bad}");
        }
    }

    #[test]
    fn a_reference_that_parses_as_a_uuid_is_an_id() {
        let id = "0190163d-8694-739b-aea5-966c26f8ad91";
        assert!(matches!(id.parse(), Ok(Ref::Id(_))));
        assert!(matches!("alice".parse(), Ok(Ref::Name(_))));
        assert!("@@".parse::<Ref>().is_err());
    }
}
