//! The envelope of every JSON object in object storage: kind, format version and checksum.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error("object `{place}` cannot be read")]
    Json { place: String, source: serde_json::Error },
    #[error("object `{place}` is a `{found}`, not a `{expected}`")]
    Kind { place: String, found: String, expected: &'static str },
    #[error("object `{place}` is damaged: its checksum does not match")]
    Checksum { place: String },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    /// What it is, and in which version: `drydock-manifest/1`.
    format: String,
    checksum: String,
    body: Box<RawValue>,
}

/// A type that is stored as an object of its own.
pub trait Sealed: Serialize + DeserializeOwned {
    const FORMAT: &'static str;
}

impl Sealed for super::format::CurrentLineage {
    const FORMAT: &'static str = "drydock-current/1";
}

impl Sealed for super::format::LineageRecord {
    const FORMAT: &'static str = "drydock-lineage/1";
}

pub fn seal<T: Sealed>(body: &T) -> Vec<u8> {
    let body = serde_json::value::to_raw_value(body).expect("sealed types have string keys");
    let format = T::FORMAT.to_owned();
    let envelope = Envelope { format, checksum: checksum::<T>(&body), body };
    serde_json::to_vec(&envelope).expect("an envelope is three texts")
}

/// Reads an object; `place` names it in errors.
pub fn unseal<T: Sealed>(place: &str, bytes: &[u8]) -> Result<T, SealError> {
    let json = |source| SealError::Json { place: place.to_owned(), source };
    let envelope: Envelope = serde_json::from_slice(bytes).map_err(json)?;
    if envelope.format != T::FORMAT {
        let (place, found) = (place.to_owned(), envelope.format);
        return Err(SealError::Kind { place, found, expected: T::FORMAT });
    }
    if envelope.checksum != checksum::<T>(&envelope.body) {
        return Err(SealError::Checksum { place: place.to_owned() });
    }
    serde_json::from_str(envelope.body.get()).map_err(json)
}

fn checksum<T: Sealed>(body: &RawValue) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(T::FORMAT.as_bytes()).update(b"\n").update(body.get().as_bytes());
    format!("blake3:{}", hasher.finalize().to_hex())
}

#[cfg(test)]
mod tests {
    use super::super::format::{CurrentLineage, LineageRecord};
    use super::*;

    #[test]
    fn damage_anywhere_is_found() {
        let current = CurrentLineage { lineage: uuid::Uuid::max() };
        let sealed = seal(&current);
        assert_eq!(unseal::<CurrentLineage>("current.json", &sealed).unwrap(), current);
        for at in 0..sealed.len() {
            let mut bad = sealed.clone();
            bad[at] ^= 1;
            assert!(unseal::<CurrentLineage>("current.json", &bad).is_err(), "byte {at}");
            assert!(unseal::<CurrentLineage>("current.json", &sealed[..at]).is_err());
        }
    }

    #[test]
    fn another_kind_of_object_is_refused() {
        let sealed = seal(&CurrentLineage { lineage: uuid::Uuid::max() });
        let error = unseal::<LineageRecord>("lineage.json", &sealed).unwrap_err();
        let text = "object `lineage.json` is a `drydock-current/1`, not a `drydock-lineage/1`";
        assert_eq!(error.to_string(), text);
    }
}
