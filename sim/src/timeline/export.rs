//! Exports, read with code that shares nothing with the product's.

use drydock_core::log::format::Object;
use serde::Deserialize;
use serde_json::Value;

use crate::history::Named;
use crate::timeline::versions::plain_object;
use crate::timeline::{State, entry};

/// A complete export.
#[derive(Debug)]
pub struct Export {
    pub lineage: uuid::Uuid,
    pub position: u64,
    pub digest: String,
    pub state: State,
}

#[derive(Deserialize)]
struct HeaderLine {
    header: Header,
}

#[derive(Deserialize)]
struct Header {
    schema: u32,
    lineage: uuid::Uuid,
    position: u64,
}

#[derive(Deserialize)]
struct TrailerLine {
    trailer: Trailer,
}

#[derive(Deserialize)]
struct Trailer {
    counts: std::collections::BTreeMap<String, u64>,
    digest: String,
}

impl Export {
    /// Reads an export; the error says why it is not one.
    pub fn parse(bytes: &[u8]) -> Result<Export, String> {
        let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        let [first, objects @ .., last] = &lines[..] else {
            return Err(format!("it has {} lines", lines.len()));
        };
        let header: HeaderLine = parsed("header", first)?;
        let trailer: TrailerLine = parsed("trailer", last)?;
        let (header, trailer) = (header.header, trailer.trailer);
        let mut state = State::new();
        let mut counts = trailer.counts.clone();
        counts.values_mut().for_each(|count| *count = 0);
        let mut hash = blake3::Hasher::new();
        for line in objects {
            hash.update(line);
            let mut object: Object = parsed("object", line)?;
            plain_object(&mut object, header.schema);
            *counts.entry(object.r#type.clone()).or_default() += 1;
            let (key, value) = entry(&object);
            if state.insert(key, value).is_some() {
                return Err(format!("object `{}` is there twice", object.id));
            }
        }
        if counts != trailer.counts {
            return Err(format!("it counts {:?} and holds {counts:?}", trailer.counts));
        }
        let digest = format!("blake3:{}", hash.finalize().to_hex());
        if digest != trailer.digest {
            return Err(format!("its digest is {}, its lines have {digest}", trailer.digest));
        }
        Ok(Export { lineage: header.lineage, position: header.position, digest, state })
    }
}

fn parsed<'a, T: Deserialize<'a>>(what: &str, line: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(line).map_err(|error| format!("its {what} cannot be read: {error}"))
}

/// The users of an export; none if it is not one.
pub fn users(bytes: &[u8]) -> Vec<Named> {
    let state = Export::parse(bytes).map_or_else(|_| State::new(), |export| export.state);
    named(&state, "users")
}

/// The objects of one type that have a name.
pub fn named(state: &State, wanted: &str) -> Vec<Named> {
    let found = state.iter().filter(|((kind, _), _)| kind == wanted);
    found
        .filter_map(|((_, id), value)| Some(Named { id: *id, name: name_of(value)?.to_owned() }))
        .collect()
}

pub fn name_of(value: &Value) -> Option<&str> {
    value.get("name").and_then(Value::as_str)
}
