//! The graph of a run's tasks: whether they fit together, each mistake with its place.

use std::collections::{BTreeMap, BTreeSet};

use super::fields::Entry;
use crate::errors::{Errors, Position, did_you_mean, quoted};
use crate::node::{Node, Value};

pub const MAX_TASKS: usize = 256;
pub const MAX_PARENTS: usize = 64;

/// The parents of each task, with the places that name them.
type Parents<'n> = BTreeMap<&'n str, BTreeMap<&'n str, Position>>;

/// Adds an error for every edge that cannot be, and for every circle. What else may be wrong with
/// tasks and edges is not seen here.
pub fn check(tasks: &[Entry<'_>], errors: &mut Errors) {
    let names: BTreeSet<&str> = tasks.iter().map(|task| &*task.key).collect();
    let mut parents = Parents::new();
    for task in tasks {
        let mut edges = BTreeMap::new();
        for (parent, at) in edges_of(task.value) {
            if !names.contains(parent) {
                let end = did_you_mean(parent, names.iter().copied().filter(|it| *it != task.key));
                let end = end.map(|end| format!("; {end}")).unwrap_or_default();
                errors.add(at, format!("there is no task `{parent}` in this run{end}"));
            } else if parent == task.key {
                errors.add(at, format!("`{parent}` depends on itself"));
            } else if edges.insert(parent, at).is_some() {
                errors.add(at, format!("`{}` depends on `{parent}` twice", task.key));
            }
        }
        if edges.len() > MAX_PARENTS {
            let message = format!("`{}` depends on more than {MAX_PARENTS} tasks", task.key);
            errors.add(task.at, message);
        }
        parents.insert(&task.key, edges);
    }
    while let Some(circle) = circle(&mut parents) {
        let at = parents[circle[0]][circle[1]];
        let names = quoted(circle.iter().copied());
        errors.add(at, format!("these tasks depend on each other in a circle: {names}"));
        // Without these the next circle is found.
        parents.retain(|name, _| !circle.contains(name));
    }
}

/// The names in the list `depends` of a task's node.
fn edges_of(task: &Node) -> Vec<(&str, Position)> {
    let Value::Map(fields) = &task.value else { return Vec::new() };
    let is_depends =
        |key: &Node| matches!(&key.value, Value::Text { text, .. } if text == "depends");
    let items = fields.iter().filter(|(key, _)| is_depends(key)).map(|(_, value)| &value.value);
    let items = items.filter_map(|value| match value {
        Value::List(items) => Some(items),
        _ => None,
    });
    let mut edges = Vec::new();
    for item in items.flatten() {
        match &item.value {
            Value::Text { text, .. } => edges.push((&**text, item.at)),
            Value::Map(entries) => {
                let named = entries.iter().filter_map(|(key, _)| match &key.value {
                    Value::Text { text, .. } => Some((&**text, key.at)),
                    _ => None,
                });
                edges.extend(named);
            }
            _ => {}
        }
    }
    edges
}

/// A circle, if there is one: each task depends on the next, and the last on the first. Tasks that
/// are in none are removed.
fn circle<'n>(parents: &mut Parents<'n>) -> Option<Vec<&'n str>> {
    loop {
        let left: BTreeSet<&str> = parents.keys().copied().collect();
        let before = parents.len();
        parents.retain(|_, above| above.keys().any(|parent| left.contains(parent)));
        if parents.len() == before {
            break;
        }
    }
    // From parent to parent: every task that is left has one.
    let mut path = vec![*parents.keys().next()?];
    loop {
        let last = path[path.len() - 1];
        let above = parents[last].keys().find(|parent| parents.contains_key(*parent));
        let above = *above.expect("a task without a parent was removed");
        if let Some(first) = path.iter().position(|name| *name == above) {
            path.drain(..first);
            break;
        }
        path.push(above);
    }
    let smallest = path.iter().enumerate().min_by_key(|(_, name)| **name).map(|(nth, _)| nth);
    path.rotate_left(smallest.unwrap_or_default());
    Some(path)
}
