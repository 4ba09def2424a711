//! Validation of names and texts in bodies: the error has a code of its own, or names the field.

use http::Uri;

use crate::configstore::refusals::{InvalidField, InvalidRef, InvalidTreeRef};
use crate::configstore::types::{VariableValue, When, WhenConditions};
use crate::names::{InvalidName, Name, Ref, TreeRef};

/// The greatest length of a path, a branch, a pattern or an account, in characters.
const MAX_TEXT: usize = 255;
const MAX_URL: usize = 2048;
/// The greatest number of keys of a secret, and of values of a variable.
const MAX_ENTRIES: usize = 256;
/// The greatest number of patterns of one condition.
const MAX_PATTERNS: usize = 64;

pub fn name(text: &str) -> Result<Name, InvalidName> {
    text.parse()
}

pub fn optional_name(text: Option<&str>) -> Result<Option<Name>, InvalidName> {
    text.map(name).transpose()
}

pub fn reference(field: &'static str, text: &str) -> Result<Ref, InvalidRef> {
    text.parse().map_err(|_| InvalidRef(field))
}

pub fn optional_ref(field: &'static str, text: Option<&str>) -> Result<Option<Ref>, InvalidRef> {
    text.map(|text| reference(field, text)).transpose()
}

pub fn tree_ref(field: &'static str, text: &str) -> Result<TreeRef, InvalidTreeRef> {
    text.parse().map_err(|_| InvalidTreeRef(field))
}

pub fn optional_tree_ref(
    field: &'static str,
    text: Option<&str>,
) -> Result<Option<TreeRef>, InvalidTreeRef> {
    text.map(|text| tree_ref(field, text)).transpose()
}

/// Checks that a text has one line and is not empty.
pub fn text(field: &'static str, text: String) -> Result<String, InvalidField> {
    if text.is_empty() || text.chars().count() > MAX_TEXT || text.chars().any(char::is_control) {
        let why = format!("must have 1 to {MAX_TEXT} characters, none of them a control character");
        return Err(invalid(field, why));
    }
    Ok(text)
}

pub fn optional_text(
    field: &'static str,
    given: Option<String>,
) -> Result<Option<String>, InvalidField> {
    given.map(|given| text(field, given)).transpose()
}

/// Checks that a text is an absolute `http` or `https` URL without credentials.
pub fn url(field: &'static str, text: String) -> Result<String, InvalidField> {
    let wrong = || invalid(field, "must be an `http` or `https` URL without credentials");
    let parsed: Uri = text.parse().map_err(|_| wrong())?;
    let scheme = parsed.scheme_str().is_some_and(|scheme| scheme == "http" || scheme == "https");
    let host = parsed.host().is_some_and(|host| !host.is_empty());
    let credentials = parsed.authority().is_some_and(|authority| authority.as_str().contains('@'));
    match text.len() <= MAX_URL && scheme && host && !credentials {
        true => Ok(text),
        false => Err(wrong()),
    }
}

/// Checks the keys of a secret's data. The values may be any text.
pub fn keys<'a>(
    field: &'static str,
    keys: impl ExactSizeIterator<Item = &'a String>,
) -> Result<(), InvalidField> {
    if keys.len() > MAX_ENTRIES {
        return Err(invalid(field, format!("has more than {MAX_ENTRIES} entries")));
    }
    for key in keys {
        text(field, key.clone())
            .map_err(|_| invalid(field, "has a key that is empty, too long or not printable"))?;
    }
    Ok(())
}

pub fn values(values: &[VariableValue]) -> Result<(), InvalidField> {
    if values.len() > MAX_ENTRIES {
        return Err(invalid("values", format!("has more than {MAX_ENTRIES} entries")));
    }
    for value in values {
        text("secret_var", value.secret_var.clone())?;
        let Some(When { branch, tag, r#ref }) = &value.when else { continue };
        for condition in [branch, tag, r#ref].into_iter().flatten() {
            patterns(condition)?;
        }
    }
    Ok(())
}

fn patterns(condition: &WhenConditions) -> Result<(), InvalidField> {
    let WhenConditions { include, exclude } = condition;
    if include.len().max(exclude.len()) > MAX_PATTERNS {
        return Err(invalid("when", format!("has more than {MAX_PATTERNS} patterns")));
    }
    include.iter().chain(exclude).try_for_each(|it| text("when", it.clone()).map(drop))
}

fn invalid(field: &'static str, why: impl Into<String>) -> InvalidField {
    InvalidField(field, why.into())
}
