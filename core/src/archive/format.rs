//! The lines of an export: a header, one line per object, a trailer.
//!
//! Every line is JSON in its one canonical form and ends with a line feed. The digest covers the
//! object lines; the checksum covers everything before the trailer.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::log::format::Position;

pub const VERSION: u32 = 1;

/// The first line: `{"header":{…}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeaderLine {
    pub header: Header,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Always `drydock-export`.
    pub format: String,
    pub version: u32,
    pub service: String,
    /// The version of the service's types.
    pub schema: u32,
    pub lineage: Uuid,
    pub position: Position,
    pub time: Timestamp,
}

pub const FORMAT: &str = "drydock-export";

/// The last line: `{"trailer":{…}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrailerLine {
    pub trailer: Trailer,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trailer {
    /// The number of objects of each type, zeros included.
    pub counts: BTreeMap<String, u64>,
    /// The hash of the object lines: equal states have equal digests.
    pub digest: String,
    /// The hash of all lines before this one.
    pub checksum: String,
}

pub const TRAILER_START: &[u8] = b"{\"trailer\":";

/// The running hashes of a stream of lines.
#[derive(Default)]
pub struct Hashes {
    objects: blake3::Hasher,
    all: blake3::Hasher,
}

impl Hashes {
    pub fn header(&mut self, line: &[u8]) {
        self.all.update(line);
    }

    pub fn object(&mut self, line: &[u8]) {
        self.all.update(line);
        self.objects.update(line);
    }

    pub fn digest(&self) -> String {
        format!("blake3:{}", self.objects.finalize().to_hex())
    }

    pub fn checksum(&self) -> String {
        format!("blake3:{}", self.all.finalize().to_hex())
    }
}
