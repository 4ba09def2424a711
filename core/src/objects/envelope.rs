//! The envelope of every JSON object in object storage: kind, format version and checksum.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    #[error("object `{place}` cannot be read")]
    Json { place: String, source: serde_json::Error },
    #[error("object `{place}` is a `{found}`, not a `{expected}`")]
    Kind { place: String, found: String, expected: &'static str },
    #[error("object `{place}` is damaged: its checksum does not match")]
    Checksum { place: String },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    /// The kind of object and its version, e.g. `drydock-manifest/1`.
    format: String,
    checksum: String,
    body: Box<RawValue>,
}

/// A type that is stored as an object of its own, in an envelope.
pub trait Envelope: Serialize + DeserializeOwned {
    const FORMAT: &'static str;
}

/// The bytes of an object: `body` in its envelope.
pub fn encode<T: Envelope>(body: &T) -> Vec<u8> {
    let body = serde_json::value::to_raw_value(body).expect("these types have string keys");
    let format = T::FORMAT.to_owned();
    let wire = Wire { format, checksum: checksum::<T>(&body), body };
    serde_json::to_vec(&wire).expect("an envelope is three texts")
}

/// Reads an object; `place` names it in errors.
pub fn decode<T: Envelope>(place: &str, bytes: &[u8]) -> Result<T, EnvelopeError> {
    let json = |source| EnvelopeError::Json { place: place.to_owned(), source };
    let wire: Wire = serde_json::from_slice(bytes).map_err(json)?;
    if wire.format != T::FORMAT {
        let (place, found) = (place.to_owned(), wire.format);
        return Err(EnvelopeError::Kind { place, found, expected: T::FORMAT });
    }
    if wire.checksum != checksum::<T>(&wire.body) {
        return Err(EnvelopeError::Checksum { place: place.to_owned() });
    }
    serde_json::from_str(wire.body.get()).map_err(json)
}

fn checksum<T: Envelope>(body: &RawValue) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(T::FORMAT.as_bytes()).update(b"\n").update(body.get().as_bytes());
    format!("blake3:{}", hasher.finalize().to_hex())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Note {
        lineage: uuid::Uuid,
    }

    impl Envelope for Note {
        const FORMAT: &'static str = "drydock-current/1";
    }

    #[derive(Debug, Serialize, Deserialize)]
    struct Other {}

    impl Envelope for Other {
        const FORMAT: &'static str = "drydock-lineage/1";
    }

    #[test]
    fn damage_anywhere_is_found() {
        let current = Note { lineage: uuid::Uuid::max() };
        let stored = encode(&current);
        assert_eq!(decode::<Note>("current.json", &stored).unwrap(), current);
        for at in 0..stored.len() {
            let mut bad = stored.clone();
            bad[at] ^= 1;
            assert!(decode::<Note>("current.json", &bad).is_err(), "byte {at}");
            assert!(decode::<Note>("current.json", &stored[..at]).is_err());
        }
    }

    #[test]
    fn another_kind_of_object_is_refused() {
        let stored = encode(&Note { lineage: uuid::Uuid::max() });
        let error = decode::<Other>("lineage.json", &stored).unwrap_err();
        let text = "object `lineage.json` is a `drydock-current/1`, not a `drydock-lineage/1`";
        assert_eq!(error.to_string(), text);
    }
}
