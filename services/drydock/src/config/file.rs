//! The configuration file: its keys, flat, each with its line.

use std::path::Path;

use toml::de::DeTable;
use toml::{Spanned, Table, Value};

use super::load::ConfigError;

/// A key of the file, in dotted form.
pub struct FileKey {
    pub path: String,
    pub value: Value,
    pub line: usize,
}

pub fn read(path: &Path) -> Result<Vec<FileKey>, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    parse(path, &text)
}

pub fn parse(path: &Path, text: &str) -> Result<Vec<FileKey>, ConfigError> {
    let malformed = |error: &toml::de::Error| ConfigError::At {
        place: place(path, line_of(text, error.span().map_or(0, |span| span.start))),
        message: error.message().to_owned(),
    };
    let spans = DeTable::parse(text).map_err(|error| malformed(&error))?;
    let values: Table = toml::from_str(text).map_err(|error| malformed(&error))?;
    let mut keys = Vec::new();
    flatten("", &values, &spans, text, &mut keys);
    Ok(keys)
}

fn flatten(
    prefix: &str,
    values: &Table,
    spans: &Spanned<DeTable<'_>>,
    text: &str,
    keys: &mut Vec<FileKey>,
) {
    for (name, span) in spans.get_ref() {
        let path = match prefix {
            "" => name.get_ref().to_string(),
            _ => format!("{prefix}.{}", name.get_ref()),
        };
        let line = line_of(text, name.span().start);
        let value = values.get(name.get_ref().as_ref());
        match (value, span.get_ref().as_table()) {
            (Some(Value::Table(inner)), Some(table)) => {
                let table = Spanned::new(span.span(), table.clone());
                flatten(&path, inner, &table, text, keys);
            }
            (Some(value), _) => keys.push(FileKey { path, value: value.clone(), line }),
            (None, _) => unreachable!("both were read from the same text"),
        }
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

pub fn place(path: &Path, line: usize) -> String {
    format!("{}:{line}", path.display())
}
