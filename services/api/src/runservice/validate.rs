//! Validation of fields of bodies: the refusal names the field.

use std::collections::BTreeSet;

use super::refusals::InvalidField;
use super::types::{Label, MAX_TEXT};

const MAX_LABELS: usize = 32;

pub fn invalid(field: &'static str, why: impl Into<String>) -> InvalidField {
    InvalidField(field, why.into())
}

pub fn required<T>(field: &'static str, given: Option<T>) -> Result<T, InvalidField> {
    given.ok_or_else(|| invalid(field, "is missing"))
}

/// Checks that a text has one line and is not empty.
pub fn text(field: &'static str, text: String) -> Result<String, InvalidField> {
    if text.is_empty() || text.chars().count() > MAX_TEXT || text.chars().any(char::is_control) {
        let why = format!("must have 1 to {MAX_TEXT} characters, none of them a control character");
        return Err(invalid(field, why));
    }
    Ok(text)
}

pub fn few_labels(labels: &BTreeSet<Label>) -> Result<(), InvalidField> {
    match labels.len() <= MAX_LABELS {
        true => Ok(()),
        false => Err(invalid("labels", format!("has more than {MAX_LABELS} entries"))),
    }
}
