//! Names and texts in bodies: a bad one has a code of its own, or names its field.

use drydock_core::error::ApiError;
use http::Uri;

use crate::configstore::errors::{invalid_field, invalid_ref, invalid_tree_ref};
use crate::configstore::types::{VariableValue, When, WhenConditions};
use crate::names::{Name, Ref, TreeRef};

/// Characters of a text at most: a path, a branch, a pattern, an account.
const MAX_TEXT: usize = 255;
const MAX_URL: usize = 2048;
/// Keys of a secret's data, and values of a variable.
const MAX_ENTRIES: usize = 256;
/// Patterns of one condition.
const MAX_PATTERNS: usize = 64;

pub fn name(text: &str) -> Result<Name, ApiError> {
    text.parse().map_err(ApiError::from)
}

pub fn optional_name(text: Option<&str>) -> Result<Option<Name>, ApiError> {
    text.map(name).transpose()
}

pub fn reference(field: &str, text: &str) -> Result<Ref, ApiError> {
    text.parse().map_err(|_| invalid_ref(field))
}

pub fn optional_ref(field: &str, text: Option<&str>) -> Result<Option<Ref>, ApiError> {
    text.map(|text| reference(field, text)).transpose()
}

pub fn tree_ref(field: &str, text: &str) -> Result<TreeRef, ApiError> {
    text.parse().map_err(|_| invalid_tree_ref(field))
}

pub fn optional_tree_ref(field: &str, text: Option<&str>) -> Result<Option<TreeRef>, ApiError> {
    text.map(|text| tree_ref(field, text)).transpose()
}

/// A text of one line that is not empty.
pub fn text(field: &str, text: String) -> Result<String, ApiError> {
    if text.is_empty() || text.chars().count() > MAX_TEXT || text.chars().any(char::is_control) {
        let why = format!("must have 1 to {MAX_TEXT} characters, none of them a control character");
        return Err(invalid_field(field, why));
    }
    Ok(text)
}

pub fn optional_text(field: &str, given: Option<String>) -> Result<Option<String>, ApiError> {
    given.map(|given| text(field, given)).transpose()
}

/// An absolute URL of the web, without credentials in it.
pub fn url(field: &str, text: String) -> Result<String, ApiError> {
    let wrong = || invalid_field(field, "must be an `http` or `https` URL without credentials");
    let parsed: Uri = text.parse().map_err(|_| wrong())?;
    let scheme = parsed.scheme_str().is_some_and(|scheme| scheme == "http" || scheme == "https");
    let host = parsed.host().is_some_and(|host| !host.is_empty());
    let credentials = parsed.authority().is_some_and(|authority| authority.as_str().contains('@'));
    match text.len() <= MAX_URL && scheme && host && !credentials {
        true => Ok(text),
        false => Err(wrong()),
    }
}

/// The keys of a secret's data. What they stand for is anything.
pub fn keys<'a>(
    field: &str,
    keys: impl ExactSizeIterator<Item = &'a String>,
) -> Result<(), ApiError> {
    if keys.len() > MAX_ENTRIES {
        return Err(invalid_field(field, format!("has more than {MAX_ENTRIES} entries")));
    }
    for key in keys {
        text(field, key.clone()).map_err(|_| {
            invalid_field(field, "has a key that is empty, too long or not printable")
        })?;
    }
    Ok(())
}

pub fn values(values: &[VariableValue]) -> Result<(), ApiError> {
    if values.len() > MAX_ENTRIES {
        return Err(invalid_field("values", format!("has more than {MAX_ENTRIES} entries")));
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

fn patterns(condition: &WhenConditions) -> Result<(), ApiError> {
    let WhenConditions { include, exclude } = condition;
    if include.len().max(exclude.len()) > MAX_PATTERNS {
        return Err(invalid_field("when", format!("has more than {MAX_PATTERNS} patterns")));
    }
    include.iter().chain(exclude).try_for_each(|it| text("when", it.clone()).map(drop))
}
