use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{Code, S3Error};
use crate::wire::digest::{Algorithm, Checksum};

/// Tags in the order in which they were set.
pub type Tags = Vec<(String, String)>;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    #[serde(with = "body")]
    pub body: Bytes,
    /// Without its quotes.
    pub etag: String,
    /// Whole seconds, as the service keeps them.
    pub modified: Timestamp,
    /// Headers that are given back as they came, user metadata among them.
    pub headers: BTreeMap<String, String>,
    pub tags: Tags,
    /// What the uploader sent.
    pub checksum: Option<Checksum>,
    /// Sizes of the parts it was made of; empty for one that was put in one piece.
    pub parts: Vec<u64>,
}

impl Object {
    pub fn size(&self) -> u64 {
        self.body.len() as u64
    }

    /// The checksum that was sent, or else the one that the service computes by itself.
    pub fn checksum(&self) -> Checksum {
        let sent = self.checksum.clone();
        sent.unwrap_or_else(|| Checksum::of(Algorithm::Crc64Nvme, &self.body))
    }

    pub fn storage_class(&self) -> &str {
        self.headers.get("x-amz-storage-class").map_or("STANDARD", String::as_str)
    }

    /// Whether it must be restored before it can be read: nothing here ever is.
    pub fn check_readable(&self) -> Result<(), S3Error> {
        match self.storage_class() {
            class @ ("GLACIER" | "DEEP_ARCHIVE") => {
                Err(S3Error::from(Code::InvalidObjectState).with("StorageClass", class))
            }
            _ => Ok(()),
        }
    }
}

/// Bodies in a dump.
pub mod body {
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    use crate::wire::digest::{base64, unbase64};

    pub fn serialize<S: Serializer>(body: &Bytes, to: S) -> Result<S::Ok, S::Error> {
        base64(body).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Bytes, D::Error> {
        let text = String::deserialize(from)?;
        let body = unbase64(&text).ok_or_else(|| D::Error::custom("a body is not base64"))?;
        Ok(body.into())
    }
}
