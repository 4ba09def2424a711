//! The values of coordination keys, and commits.
//!
//! Every coordination value carries [`FORMAT`]; a value of another format, or with an unknown
//! field, is an error and never a guess.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::keys::DataName;

/// Counts the commits of a service since its first boot.
pub type Position = u64;

/// The format of all coordination values.
pub const FORMAT: u32 = 1;

/// The schema version of stored data that names none.
pub const FIRST_SCHEMA: u32 = 1;

pub(crate) fn first_schema() -> u32 {
    FIRST_SCHEMA
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
pub(crate) fn is_first_schema(version: &u32) -> bool {
    *version == FIRST_SCHEMA
}

#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    #[error("value of `{place}` cannot be read")]
    Json { place: String, source: serde_json::Error },
    #[error("value of `{place}` has format `{found}`, this version reads `{FORMAT}`")]
    Version { place: String, found: u32 },
}

/// The end of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    pub lineage: Uuid,
    pub position: Position,
    /// The id of the commit at `position`; the lineage's own id before the first commit.
    pub commit: Uuid,
}

/// One commit of the log.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commit {
    pub lineage: Uuid,
    pub position: Position,
    pub previous: Uuid,
    pub id: Uuid,
    /// The writer's wall clock: for people; nothing is ordered by it.
    pub time: Timestamp,
    /// The version of the schema that its objects are written in.
    #[serde(default = "first_schema", skip_serializing_if = "is_first_schema")]
    pub schema: u32,
    pub body: Body,
}

impl Commit {
    /// Whether this is the very next commit after `head`.
    pub fn follows(&self, head: &Head) -> bool {
        self.position == head.position + 1
            && self.previous == head.commit
            && self.lineage == head.lineage
    }

    /// The head that this commit makes.
    pub fn head(&self) -> Head {
        Head { lineage: self.lineage, position: self.position, commit: self.id }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Body {
    #[serde(rename = "actions")]
    Mutations(Vec<Mutation>),
    /// The mutations, compressed, in an object.
    Object(DataName),
    /// From this commit on the lineage is the commit's, and the state is that of its first
    /// checkpoint.
    Switch { reason: Reason },
}

/// Why a lineage began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    Bootstrap,
    Import,
    /// The coordination store was lost or set back; objects are the truth.
    Recovery,
    /// An operator went back to a lineage that was kept.
    Restore,
}

/// A change of one object.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Mutation {
    Put(Object),
    Delete { r#type: String, id: Uuid },
}

/// One typed object. `data` is canonical JSON, see [`canonical`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Object {
    pub r#type: String,
    pub id: Uuid,
    pub data: Box<RawValue>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    Normal,
    Maintenance,
}

/// The barrier's key. Before the first switch it does not exist: normal, generation 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModeRecord {
    pub mode: Mode,
    /// Grows by one with every switch.
    pub generation: u64,
    pub since: Timestamp,
    pub requested_by: String,
    pub reason: Option<String>,
}

/// The version of the schema in which the cluster writes. Raised when every live instance reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WritesRecord {
    pub schema: u32,
    pub since: Timestamp,
}

/// What an instance says of itself, under its lease. Older instances read what newer ones say:
/// unknown fields are left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InstanceRecord {
    pub id: String,
    pub version: String,
    /// The newest version of the schema that it reads.
    #[serde(default = "first_schema")]
    pub schema: u32,
    pub address: String,
    pub state: InstanceState,
    /// The newest mode generation that it has acknowledged.
    pub generation: u64,
    /// The position of its read model, if loaded.
    pub position: Option<Position>,
    pub seen_at: Timestamp,
}

/// The instance to which the others forward changes, under its own lease: a hint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaderRecord {
    /// As in [`InstanceRecord`].
    pub id: String,
    pub address: String,
    #[serde(default)]
    pub transport: Transport,
}

/// How an instance is spoken to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    #[default]
    Plain,
    Tls,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InstanceState {
    /// Not serving yet, or making its read model anew.
    Loading,
    Normal,
    /// Letting the last requests finish.
    Draining,
    Maintenance,
}

/// The newest checkpoint published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointRecord {
    pub lineage: Uuid,
    pub position: Position,
}

/// The last commit that is archived in object storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchivedRecord {
    pub lineage: Uuid,
    pub position: Position,
    /// The commit at `position`, which the next segment names as its predecessor. The lineage's own
    /// id while nothing of it is archived, its first state included: then nothing is promised.
    pub commit: Uuid,
}

impl ArchivedRecord {
    /// Of a lineage that begins and is not archived itself. `position`: as far as its past is.
    pub fn begins(lineage: Uuid, position: Position) -> ArchivedRecord {
        ArchivedRecord { lineage, position, commit: lineage }
    }

    /// Whether it says that something is archived: then everything before that is, too.
    pub fn is_published(&self) -> bool {
        self.commit != self.lineage
    }

    pub fn at(head: &Head) -> ArchivedRecord {
        let Head { lineage, position, commit } = *head;
        ArchivedRecord { lineage, position, commit }
    }

    pub fn head(&self) -> Head {
        let ArchivedRecord { lineage, position, commit } = *self;
        Head { lineage, position, commit }
    }
}

#[derive(Serialize)]
struct Outgoing<'a, T> {
    format: u32,
    value: &'a T,
}

#[derive(Deserialize)]
struct Version {
    format: u32,
}

#[derive(Deserialize)]
struct Incoming<T> {
    format: u32,
    value: T,
}

/// A coordination value as bytes.
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    let outgoing = Outgoing { format: FORMAT, value };
    serde_json::to_vec(&outgoing).expect("these types have string keys and no failing parts")
}

/// Reads a coordination value; `place` names it in errors.
pub fn decode<T: DeserializeOwned>(place: &[u8], bytes: &[u8]) -> Result<T, FormatError> {
    let unread = match serde_json::from_slice::<Incoming<T>>(bytes) {
        Ok(Incoming { format: FORMAT, value }) => return Ok(value),
        Ok(_) => None,
        Err(error) => Some(error),
    };
    // A value of another format may have another shape, too: the format is checked first.
    let place = || String::from_utf8_lossy(place).into_owned();
    let json = |source| FormatError::Json { place: place(), source };
    let version: Version = serde_json::from_slice(bytes).map_err(json)?;
    match unread {
        Some(source) if version.format == FORMAT => Err(json(source)),
        _ => Err(FormatError::Version { place: place(), found: version.format }),
    }
}

/// The canonical JSON text of a value: keys sorted, no white space. Equal values have equal texts.
pub fn canonical<T: Serialize>(value: &T) -> Result<Box<RawValue>, serde_json::Error> {
    // `Value` sorts its keys unless a dependency turns on `preserve_order`; a test checks that.
    let value = serde_json::to_value(value)?;
    RawValue::from_string(serde_json::to_string(&value)?)
}

/// Whether `text` is its own canonical form.
pub fn is_canonical(text: &RawValue) -> bool {
    let value = serde_json::from_str::<serde_json::Value>(text.get());
    value.is_ok_and(|value| canonical(&value).is_ok_and(|canon| canon.get() == text.get()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_text_sorts_keys_at_every_depth() {
        let value: serde_json::Value =
            serde_json::from_str(r#"{"b": {"z": 1, "a": [ {"y":1,"x":2} ]}, "a": "é"}"#).unwrap();
        let text = canonical(&value).unwrap();
        assert_eq!(text.get(), r#"{"a":"é","b":{"a":[{"x":2,"y":1}],"z":1}}"#);
        assert!(is_canonical(&text));
        let spaced = RawValue::from_string(r#"{"a": 1}"#.to_owned()).unwrap();
        assert!(!is_canonical(&spaced));
        let doubled = RawValue::from_string(r#"{"a":1,"a":2}"#.to_owned()).unwrap();
        assert!(!is_canonical(&doubled));
    }

    #[test]
    fn values_read_back_and_name_their_place_when_they_do_not() {
        let head = Head { lineage: Uuid::nil(), position: 7, commit: Uuid::max() };
        assert_eq!(decode::<Head>(b"k/head", &encode(&head)).unwrap(), head);
        let newer = br#"{"format":2,"value":{}}"#;
        let error = decode::<Head>(b"k/head", newer).unwrap_err();
        assert_eq!(error.to_string(), "value of `k/head` has format `2`, this version reads `1`");
        let extra = br#"{"format":1,"value":{"mode":"normal","extra":1}}"#;
        assert!(decode::<ModeRecord>(b"k/mode", extra).is_err());
    }

    #[test]
    fn a_commit_keeps_the_text_of_its_objects() {
        let data = canonical(&serde_json::json!({"name": "ä\u{0}", "n": 1.0})).unwrap();
        let object = Object { r#type: "user".to_owned(), id: Uuid::max(), data };
        let commit = Commit {
            lineage: Uuid::nil(),
            position: 1,
            previous: Uuid::nil(),
            id: Uuid::max(),
            time: Timestamp::UNIX_EPOCH,
            schema: FIRST_SCHEMA,
            body: Body::Mutations(vec![Mutation::Put(object.clone())]),
        };
        let stored = encode(&commit);
        assert!(String::from_utf8_lossy(&stored).contains(r#""body":{"actions":[{"put":"#));
        let back: Commit = decode(b"log/1", &stored).unwrap();
        let Body::Mutations(mutations) = back.body else { panic!("{:?}", back.body) };
        let Mutation::Put(found) = &mutations[0] else { panic!("{mutations:?}") };
        assert_eq!(found.data.get(), object.data.get());
    }
}
