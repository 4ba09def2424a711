//! One piece of a log in object storage: a line of JSON, and the bytes.

use bytes::Bytes;
use drydock_api::runservice::types::{AttemptId, LogStep};
use serde::{Deserialize, Serialize};

const FORMAT: &str = "drydock-log-part/1";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format: String,
    attempt: AttemptId,
    step: LogStep,
    start: u64,
    /// Of the bytes.
    blake3: String,
}

#[derive(Debug, thiserror::Error)]
#[error("not a part of this log: {0}")]
pub struct PartError(String);

/// The whole object.
pub fn encode(attempt: AttemptId, step: LogStep, start: u64, bytes: &[u8]) -> Bytes {
    let blake3 = blake3::hash(bytes).to_hex().to_string();
    let header = Header { format: FORMAT.to_owned(), attempt, step, start, blake3 };
    let mut part = serde_json::to_vec(&header).expect("texts and numbers are JSON");
    part.push(b'\n');
    part.extend_from_slice(bytes);
    part.into()
}

/// The bytes of the log in an object, which begin at `start`.
pub fn decode(
    attempt: AttemptId,
    step: LogStep,
    start: u64,
    mut part: Bytes,
) -> Result<Bytes, PartError> {
    let line = part.iter().position(|byte| *byte == b'\n');
    let line = line.ok_or_else(|| PartError("it has no header".to_owned()))?;
    let header = part.split_to(line + 1);
    let header: Header =
        serde_json::from_slice(&header).map_err(|error| PartError(error.to_string()))?;
    let expected = (FORMAT, attempt, step, start);
    if (header.format.as_str(), header.attempt, header.step, header.start) != expected {
        return Err(PartError("its header says otherwise".to_owned()));
    }
    if blake3::hash(&part).to_hex().as_str() != header.blake3 {
        return Err(PartError("its bytes have another digest".to_owned()));
    }
    Ok(part)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_was_written_is_read_and_nothing_else() {
        let (attempt, step) = (AttemptId(Uuid::nil()), LogStep::Step(1));
        let whole = encode(attempt, step, 7, b"a\nb");
        assert_eq!(decode(attempt, step, 7, whole.clone()).unwrap(), "a\nb");
        assert!(decode(attempt, step, 8, whole.clone()).is_err());
        assert!(decode(attempt, LogStep::Setup, 7, whole.clone()).is_err());
        assert!(decode(attempt, step, 7, whole.slice(..whole.len() - 1)).is_err());
        assert!(decode(attempt, step, 7, Bytes::from("rubbish")).is_err());
    }
}
