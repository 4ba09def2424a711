//! Scalars: texts, booleans, numbers, and words of a closed vocabulary.

use std::fmt::Display;
use std::str::FromStr;

use drydock_api::runservice::validate;

use crate::errors::{Errors, did_you_mean, quoted};
use crate::node::{Node, Value};

/// What YAML 1.1 reads as a boolean and YAML 1.2 as a text.
const OLD_BOOLEANS: [&str; 4] = ["yes", "no", "on", "off"];

fn is_old_boolean(text: &str) -> bool {
    OLD_BOOLEANS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// The key of an entry.
pub fn key(node: &Node, errors: &mut Errors) -> Option<String> {
    let Value::Text { text, .. } = &node.value else {
        let kind = node.value.kind();
        errors.add(node.at, format!("a key is a text, not {kind}: write it between quotes"));
        return None;
    };
    Some(text.clone())
}

/// Adds an error for a plain text that YAML 1.1 reads as a boolean.
pub fn refuse_old_boolean(node: &Node, errors: &mut Errors) {
    if let Value::Text { text, plain: true } = &node.value
        && is_old_boolean(text)
    {
        errors.add(node.at, ambiguous(text));
    }
}

fn ambiguous(text: &str) -> String {
    format!("`{text}` is a boolean to some readers of YAML: write it between quotes")
}

/// A text of any length.
pub fn text(node: &Node, errors: &mut Errors) -> Option<String> {
    match &node.value {
        Value::Text { text, plain: true } if is_old_boolean(text) => {
            errors.add(node.at, ambiguous(text));
            None
        }
        Value::Text { text, .. } if text.contains('\0') => {
            errors.add(node.at, "a text with a null character");
            None
        }
        Value::Text { text, .. } => Some(text.clone()),
        value @ (Value::Bool(_) | Value::Integer(_) | Value::Fraction) => {
            let kind = value.kind();
            errors.add(node.at, format!("expected a text, found {kind}: write it between quotes"));
            None
        }
        value => {
            errors.add(node.at, format!("expected a text, found {}", value.kind()));
            None
        }
    }
}

/// A text of one line, as names and patterns are.
pub fn line(node: &Node, errors: &mut Errors) -> Option<String> {
    let text = text(node, errors)?;
    match validate::text("it", text) {
        Ok(text) => Some(text),
        Err(error) => {
            errors.add(node.at, error.1);
            None
        }
    }
}

/// A text that is read as `T`.
pub fn parsed<T: FromStr<Err: Display>>(node: &Node, errors: &mut Errors) -> Option<T> {
    // A number that would be none between quotes either.
    if let Value::Integer(number) = node.value
        && let Err(error) = number.to_string().parse::<T>()
    {
        errors.add(node.at, format!("`{number}`: {error}"));
        return None;
    }
    let text = text(node, errors)?;
    match text.parse() {
        Ok(value) => Some(value),
        Err(error) => {
            errors.add(node.at, format!("`{text}`: {error}"));
            None
        }
    }
}

/// A text that has to be valid as `T`, and stays as it was written.
pub fn checked<T: FromStr<Err: Display>>(node: &Node, errors: &mut Errors) -> Option<String> {
    parsed::<T>(node, errors)?;
    text(node, errors)
}

pub fn boolean(node: &Node, errors: &mut Errors) -> Option<bool> {
    let found = match &node.value {
        Value::Bool(value) => return Some(*value),
        Value::Text { text, .. } => format!("`{text}`"),
        value => value.kind().to_owned(),
    };
    errors.add(node.at, format!("expected `true` or `false`, found {found}"));
    None
}

/// A number from 0 to `max`.
pub fn number(node: &Node, max: u8, errors: &mut Errors) -> Option<u8> {
    let found = match &node.value {
        Value::Integer(number) => match u8::try_from(*number) {
            Ok(number) if number <= max => return Some(number),
            _ => format!("`{number}`"),
        },
        value => value.kind().to_owned(),
    };
    errors.add(node.at, format!("expected a number from 0 to {max}, found {found}"));
    None
}

pub fn exit_code(node: &Node, errors: &mut Errors) -> Option<u8> {
    number(node, u8::MAX, errors)
}

/// One of the words that `words` knows.
pub fn word<T: Copy>(node: &Node, words: &[(&'static str, T)], errors: &mut Errors) -> Option<T> {
    let text = text(node, errors)?;
    let known = words.iter().map(|(word, _)| *word);
    if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
        return Some(*value);
    }
    let begin = format!("`{text}` is none of {}", quoted(known.clone()));
    errors.add(
        node.at,
        match did_you_mean(&text, known) {
            Some(end) => format!("{begin}; {end}"),
            None => begin,
        },
    );
    None
}
