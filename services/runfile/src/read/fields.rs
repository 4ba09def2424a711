//! Maps and lists: known keys, double keys, bounds.

use std::collections::BTreeMap;

use crate::errors::{Errors, Position, nearest, quoted};
use crate::node::{Node, Value};

use super::scalar;

/// The keys that a kind of map may have.
#[derive(Debug)]
pub struct Shape {
    /// The kind, as errors name it.
    pub of: &'static str,
    pub keys: &'static [&'static str],
}

/// The values of a map by their keys.
pub struct Fields<'n> {
    shape: &'static Shape,
    at: Position,
    nodes: BTreeMap<String, &'n Node>,
    /// The keys that are probably there under a wrong name.
    meant: Vec<&'static str>,
}

impl<'n> Fields<'n> {
    /// The fields of a map; unknown and double keys are errors.
    pub fn of(node: &'n Node, shape: &'static Shape, errors: &mut Errors) -> Option<Fields<'n>> {
        let (mut nodes, mut meant) = (BTreeMap::new(), Vec::new());
        for entry in entries(node, errors)? {
            if shape.keys.contains(&&*entry.key) {
                nodes.insert(entry.key, entry.value);
                continue;
            }
            let begin = format!("`{}` is no key of {}", entry.key, shape.of);
            let message = match nearest(&entry.key, shape.keys.iter().copied()) {
                Some(key) => {
                    meant.push(key);
                    format!("{begin}; did you mean `{key}`?")
                }
                None if shape.keys.is_empty() => format!("{begin}, which has none"),
                None => format!("{begin}, which has {}", quoted(shape.keys.iter().copied())),
            };
            errors.add(entry.at, message);
        }
        Some(Fields { shape, at: node.at, nodes, meant })
    }

    pub fn node(&self, key: &str) -> Option<&'n Node> {
        debug_assert!(self.shape.keys.contains(&key), "`{key}` is no key of {}", self.shape.of);
        self.nodes.get(key).copied()
    }

    /// The value of a key that may be absent: `Some(None)` without it.
    pub fn optional<T>(
        &self,
        key: &str,
        errors: &mut Errors,
        read: impl FnOnce(&'n Node, &mut Errors) -> Option<T>,
    ) -> Option<Option<T>> {
        match self.node(key) {
            Some(node) => read(node, errors).map(Some),
            None => Some(None),
        }
    }

    /// The value of a key that has to be there.
    pub fn required<T>(
        &self,
        key: &str,
        errors: &mut Errors,
        read: impl FnOnce(&'n Node, &mut Errors) -> Option<T>,
    ) -> Option<T> {
        match self.node(key) {
            Some(node) => read(node, errors),
            // The wrong name is an error already.
            None if self.meant.contains(&key) => None,
            None => {
                errors.add(self.at, format!("{} needs `{key}`", self.shape.of));
                None
            }
        }
    }
}

pub struct Entry<'n> {
    pub key: String,
    /// The place of the key.
    pub at: Position,
    pub value: &'n Node,
}

/// The entries of a map in the order of the file, each key once.
pub fn entries<'n>(node: &'n Node, errors: &mut Errors) -> Option<Vec<Entry<'n>>> {
    let Value::Map(map) = &node.value else {
        errors.add(node.at, format!("expected a map, found {}", node.value.kind()));
        return None;
    };
    let mut entries: Vec<Entry<'n>> = Vec::new();
    let mut lines = BTreeMap::new();
    for (key, value) in map {
        let Some(text) = scalar::key(key, errors) else { continue };
        match lines.get(&text) {
            Some(line) => {
                errors.add(key.at, format!("`{text}` is there twice, first in line {line}"));
            }
            None => {
                lines.insert(text.clone(), key.at.line);
                entries.push(Entry { key: text, at: key.at, value });
            }
        }
    }
    Some(entries)
}

/// The same for keys that people choose: of these, none is a boolean to another reader of YAML.
pub fn named_entries<'n>(node: &'n Node, errors: &mut Errors) -> Option<Vec<Entry<'n>>> {
    let entries = entries(node, errors)?;
    if let Value::Map(map) = &node.value {
        map.iter().for_each(|(key, _)| scalar::refuse_old_boolean(key, errors));
    }
    Some(entries)
}

/// The items of a list that has no more than `max`.
pub fn list<'n, T>(
    node: &'n Node,
    max: usize,
    errors: &mut Errors,
    read: impl Fn(&'n Node, &mut Errors) -> Option<T>,
) -> Option<Vec<T>> {
    let Value::List(items) = &node.value else {
        errors.add(node.at, format!("expected a list, found {}", node.value.kind()));
        return None;
    };
    if items.len() > max {
        errors
            .add(node.at, format!("a list of {} entries, at most {max} are possible", items.len()));
        return None;
    }
    // All items are read before the first error counts.
    let read: Vec<Option<T>> = items.iter().map(|item| read(item, errors)).collect();
    read.into_iter().collect()
}

/// A list with at least one item.
pub fn filled_list<'n, T>(
    node: &'n Node,
    max: usize,
    errors: &mut Errors,
    read: impl Fn(&'n Node, &mut Errors) -> Option<T>,
) -> Option<Vec<T>> {
    let list = list(node, max, errors, read)?;
    if list.is_empty() {
        errors.add(node.at, "an empty list, one entry is needed");
        return None;
    }
    Some(list)
}
