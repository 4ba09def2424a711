//! Conditions: `when` of runs and tasks, and the edges of `depends`.

use std::collections::BTreeMap;

use drydock_api::runservice::types::{Condition, Conditions, Dependency};
use drydock_api::when::{When, WhenConditions};

use super::fields::{Fields, Shape, filled_list, list, named_entries};
use super::graph::MAX_PARENTS;
use super::scalar;
use crate::errors::Errors;
use crate::node::{Node, Value};

pub const WHEN: Shape = Shape { of: "`when`", keys: &["branch", "tag", "ref"] };
pub const CONDITIONS: Shape = Shape { of: "a condition on names", keys: &["include", "exclude"] };
const MAX_PATTERNS: usize = 64;
const WORDS: [(&str, Condition); 4] = [
    ("on_success", Condition::OnSuccess),
    ("on_failure", Condition::OnFailure),
    ("on_skipped", Condition::OnSkipped),
    ("always", Condition::Always),
];

pub fn when(node: &Node, errors: &mut Errors) -> Option<When> {
    let fields = Fields::of(node, &WHEN, errors)?;
    let branch = fields.optional("branch", errors, patterns);
    let tag = fields.optional("tag", errors, patterns);
    let r#ref = fields.optional("ref", errors, patterns);
    let when = When { branch: branch?, tag: tag?, r#ref: r#ref? };
    if when == When::default() {
        errors.add(node.at, "`when` needs `branch`, `tag` or `ref`");
        return None;
    }
    Some(when)
}

/// One pattern, a list of patterns, or patterns to include and to exclude.
fn patterns(node: &Node, errors: &mut Errors) -> Option<WhenConditions> {
    let some =
        |node: &Node, errors: &mut Errors| filled_list(node, MAX_PATTERNS, errors, scalar::line);
    match &node.value {
        Value::List(_) => {
            Some(WhenConditions { include: some(node, errors)?, exclude: Vec::new() })
        }
        Value::Map(_) => {
            let fields = Fields::of(node, &CONDITIONS, errors)?;
            let include = fields.optional("include", errors, some);
            let exclude = fields.optional("exclude", errors, some);
            let (include, exclude) = (include?, exclude?);
            if include.is_none() && exclude.is_none() {
                errors.add(node.at, "needs `include` or `exclude`");
                return None;
            }
            Some(WhenConditions {
                include: include.unwrap_or_default(),
                exclude: exclude.unwrap_or_default(),
            })
        }
        _ => {
            let pattern = scalar::line(node, errors)?;
            Some(WhenConditions { include: vec![pattern], exclude: Vec::new() })
        }
    }
}

/// The tasks above a task. Whether they are there, the graph's checks say.
pub fn depends(node: &Node, errors: &mut Errors) -> Option<Vec<Dependency>> {
    list(node, MAX_PARENTS, errors, |item, errors| match &item.value {
        Value::Map(_) => conditional(item, errors),
        _ => scalar::text(item, errors).map(Dependency::Name),
    })
}

fn conditional(node: &Node, errors: &mut Errors) -> Option<Dependency> {
    let mut parents = BTreeMap::new();
    let entries = named_entries(node, errors)?;
    if entries.is_empty() {
        errors.add(node.at, "an empty map, the name of a task is needed");
        return None;
    }
    let count = entries.len();
    for entry in entries {
        let conditions = match &entry.value.value {
            Value::List(_) => {
                filled_list(entry.value, WORDS.len(), errors, condition).map(Conditions::Any)
            }
            _ => condition(entry.value, errors).map(Conditions::One),
        };
        if let Some(conditions) = conditions {
            parents.insert(entry.key, conditions);
        }
    }
    (parents.len() == count).then_some(Dependency::Conditional(parents))
}

fn condition(node: &Node, errors: &mut Errors) -> Option<Condition> {
    scalar::word(node, &WORDS, errors)
}
