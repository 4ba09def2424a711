//! The nodes of a file, each with its place: what YAML says, before it means anything.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::MergeKeyPolicy;
use serde_saphyr::{DuplicateKeyPolicy, Location, Options, Spanned};

use crate::errors::{FileErrors, Position};

const MAX_DEPTH: usize = 32;
const MAX_NODES: usize = 1 << 16;
const MAX_ANCHORS: usize = 256;
const MAX_ALIASES: usize = 1024;
/// Counted after aliases are replaced.
const MAX_SCALAR_BYTES: usize = 1 << 20;

#[derive(Debug, Clone)]
pub struct Node {
    pub at: Position,
    pub value: Value,
}

#[derive(Debug, Clone)]
pub enum Value {
    Nothing,
    Bool(bool),
    Integer(i128),
    Fraction,
    /// `plain`: without quotes, so that another reader of YAML may take it for a boolean.
    Text {
        text: String,
        plain: bool,
    },
    List(Vec<Node>),
    /// The entries in the order of the file, double keys included.
    Map(Vec<(Node, Node)>),
}

impl Value {
    /// The kind of the value, as errors name it.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Nothing => "nothing",
            Value::Bool(true) => "`true`",
            Value::Bool(false) => "`false`",
            Value::Integer(_) | Value::Fraction => "a number",
            Value::Text { .. } => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }
}

/// Reads the one document of a text.
///
/// # Errors
/// The first place at which the text is no YAML, or more than a file may hold.
pub fn read(text: &str) -> Result<Node, FileErrors> {
    match serde_saphyr::from_str_with_options::<Spanned<Parsed>>(text, options()) {
        Ok(parsed) => Ok(node(parsed, text)),
        Err(error) => {
            let at = error.location().map_or(Position::START, position);
            Err(FileErrors::one(at, message(&error)))
        }
    }
}

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            max_nodes: MAX_NODES,
            max_anchors: MAX_ANCHORS,
            max_aliases: MAX_ALIASES,
            max_total_scalar_bytes: MAX_SCALAR_BYTES,
            max_documents: 1,
        },
        // Double keys are told with all other errors.
        duplicate_keys: DuplicateKeyPolicy::LastWins,
        merge_keys: MergeKeyPolicy::Error,
        strict_booleans: true,
        reject_unsupported_tags: true,
        with_snippet: false,
    }
}

/// The library's message without the places at its end, and what it calls a budget in our words.
fn message(error: &serde_saphyr::Error) -> String {
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    if matches!(error, serde_saphyr::Error::MultipleDocuments { .. }) {
        return "a file has one document".to_owned();
    }
    let Some(breach) = text.strip_prefix("budget breached: ") else { return text.to_owned() };
    match breach.split(' ').next().unwrap_or_default() {
        "Documents" => "a file has one document".to_owned(),
        "Depth" => format!("maps and lists are nested more than {MAX_DEPTH} deep"),
        _ => format!("with its aliases the file is too large: {breach}"),
    }
}

fn position(location: Location) -> Position {
    Position { line: location.line().max(1), column: location.column().max(1) }
}

/// A node as the library gives it.
enum Parsed {
    Scalar(Value),
    List(Vec<Spanned<Parsed>>),
    Map(Vec<(Spanned<Parsed>, Spanned<Parsed>)>),
}

fn node(parsed: Spanned<Parsed>, text: &str) -> Node {
    let value = match parsed.value {
        Parsed::Scalar(Value::Text { text: scalar, .. }) => {
            Value::Text { text: scalar, plain: is_plain(parsed.defined, text) }
        }
        Parsed::Scalar(value) => value,
        Parsed::List(items) => Value::List(items.into_iter().map(|it| node(it, text)).collect()),
        Parsed::Map(entries) => {
            let entry = |(key, value)| (node(key, text), node(value, text));
            Value::Map(entries.into_iter().map(entry).collect())
        }
    };
    Node { at: position(parsed.referenced), value }
}

fn is_plain(location: Location, text: &str) -> bool {
    let offset = location.span().byte_offset().and_then(|it| usize::try_from(it).ok());
    let first = offset.and_then(|it| text.get(it..)).and_then(|rest| rest.chars().next());
    first.is_none_or(|first| !"'\"|>!".contains(first))
}

impl<'de> Deserialize<'de> for Parsed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Parsed, D::Error> {
        deserializer.deserialize_any(AnyNode)
    }
}

struct AnyNode;

impl<'de> Visitor<'de> for AnyNode {
    type Value = Parsed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Parsed, E> {
        Ok(Parsed::Scalar(Value::Nothing))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Parsed, E> {
        Ok(Parsed::Scalar(Value::Bool(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Parsed, E> {
        Ok(Parsed::Scalar(Value::Integer(value.into())))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Parsed, E> {
        Ok(Parsed::Scalar(Value::Integer(value.into())))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Parsed, E> {
        Ok(Parsed::Scalar(Value::Fraction))
    }

    fn visit_str<E>(self, text: &str) -> Result<Parsed, E> {
        Ok(Parsed::Scalar(Value::Text { text: text.to_owned(), plain: true }))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Parsed, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Parsed::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Parsed, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Parsed::Map(map))
    }
}
