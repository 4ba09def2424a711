//! The environment of a run.

use std::collections::BTreeMap;

use drydock_api::runservice::types::MAX_ENVIRONMENT_BYTES;

use super::fields::{Fields, Shape, named_entries};
use super::scalar;
use crate::errors::Errors;
use crate::file::{EnvironmentValue, FromVariable};
use crate::node::{Node, Value};

pub const VARIABLE: Shape = Shape { of: "a value of `env`", keys: &["from_variable"] };
/// The names that executors keep for themselves begin so.
const RESERVED: &str = "DRYDOCK_";

pub fn environment(node: &Node, errors: &mut Errors) -> Option<BTreeMap<String, EnvironmentValue>> {
    let mut environment = BTreeMap::new();
    let entries = named_entries(node, errors)?;
    let (count, mut bytes) = (entries.len(), 0);
    for entry in entries {
        if let Some(problem) = problem_of_name(&entry.key) {
            errors.add(entry.at, format!("`{}` {problem}", entry.key));
            continue;
        }
        let Some(value) = value(entry.value, errors) else { continue };
        bytes += entry.key.len();
        if let EnvironmentValue::Text(text) = &value {
            bytes += text.len();
        }
        environment.insert(entry.key, value);
    }
    if bytes > MAX_ENVIRONMENT_BYTES {
        let message =
            format!("an environment has at most {MAX_ENVIRONMENT_BYTES} bytes, not {bytes}");
        errors.add(node.at, message);
        return None;
    }
    (environment.len() == count).then_some(environment)
}

fn problem_of_name(name: &str) -> Option<&'static str> {
    let inner = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !begins || !name.chars().all(inner) {
        return Some(
            "is no name in an environment: it has letters, digits and underscores, and begins \
             with no digit",
        );
    }
    name.starts_with(RESERVED).then_some("is one of the executor's own names")
}

fn value(node: &Node, errors: &mut Errors) -> Option<EnvironmentValue> {
    if !matches!(node.value, Value::Map(_)) {
        return scalar::text(node, errors).map(EnvironmentValue::Text);
    }
    let fields = Fields::of(node, &VARIABLE, errors)?;
    let from_variable = fields.required("from_variable", errors, scalar::parsed)?;
    Some(EnvironmentValue::Variable(FromVariable { from_variable }))
}
