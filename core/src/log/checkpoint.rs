//! Checkpoints: a manifest that names sorted, compressed, content-addressed data files.
//!
//! Invariants: objects are in the order of the schema's types, then of ids; a data file is named by
//! the hash of its bytes and verified when read; a manifest is complete before anything names it.
//! Memory stays bounded by one data file, whatever the size of the state.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::datafile::{self, Encoder};
use super::format::{Action, Head, Object, Position};
use super::keys::{DataName, ObjectKeys};
use super::seal::Sealed;
use crate::env::Env;
use crate::objects::{ObjectError, Objects};

/// Uncompressed bytes at which a data file ends.
pub const DATA_FILE_BYTES: usize = 12 << 20;
/// The largest list of actions that is read; larger ones are not ours.
const ACTIONS_BYTES_MAX: usize = 256 << 20;

/// The state at one position, as a list of data files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub service: String,
    /// The version of the schema that wrote it.
    pub schema: u32,
    pub lineage: Uuid,
    pub position: Position,
    pub commit: Uuid,
    pub created: Timestamp,
    pub counts: BTreeMap<String, u64>,
    pub files: Vec<DataFile>,
}

impl Manifest {
    /// The commit that it is the state at.
    pub fn head(&self) -> Head {
        Head { lineage: self.lineage, position: self.position, commit: self.commit }
    }
}

impl Sealed for Manifest {
    const FORMAT: &'static str = "drydock-manifest/1";
}

/// A file of [`Object`]s, see [`datafile`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataFile {
    pub name: DataName,
    pub objects: u64,
    /// Uncompressed.
    pub bytes: u64,
    pub first: Place,
    pub last: Place,
}

/// Where an object stands in the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    pub r#type: String,
    pub id: Uuid,
}

impl Place {
    pub fn of(object: &Object) -> Place {
        Place { r#type: object.r#type.clone(), id: object.id }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    #[error(transparent)]
    Objects(#[from] ObjectError),
    #[error("data file `{0}` is damaged: {1}")]
    Damaged(String, String),
}

/// Writes objects, given in order, as data files.
pub struct DataWriter<'a> {
    objects: &'a Objects,
    keys: &'a ObjectKeys,
    env: &'a Env,
    file: Option<Open>,
    files: Vec<DataFile>,
}

/// The file that is being written.
struct Open {
    encoder: Encoder,
    first: Place,
    last: Place,
    objects: u64,
    bytes: usize,
}

impl<'a> DataWriter<'a> {
    pub fn new(objects: &'a Objects, keys: &'a ObjectKeys, env: &'a Env) -> DataWriter<'a> {
        DataWriter { objects, keys, env, file: None, files: Vec::new() }
    }

    pub async fn push(&mut self, object: &Object) -> Result<(), ObjectError> {
        let file = self.file.get_or_insert_with(|| Open {
            encoder: Encoder::new(self.env.new_id()),
            first: Place::of(object),
            last: Place::of(object),
            objects: 0,
            bytes: 0,
        });
        file.bytes += file.encoder.push(object);
        file.objects += 1;
        file.last = Place::of(object);
        if file.bytes >= DATA_FILE_BYTES {
            self.cut().await?;
        }
        Ok(())
    }

    /// Ends the file that is being written, stored.
    pub async fn cut(&mut self) -> Result<(), ObjectError> {
        let Some(file) = self.file.take() else { return Ok(()) };
        let Open { encoder, first, last, objects, bytes } = file;
        let encoded = encoder.finish();
        let name = DataName::of(&encoded);
        self.objects.put(&self.keys.data(&name), encoded).await?;
        self.files.push(DataFile { name, objects, bytes: bytes as u64, first, last });
        Ok(())
    }

    /// Bytes in the file that is being written.
    pub fn open_bytes(&self) -> usize {
        self.file.as_ref().map_or(0, |file| file.bytes)
    }

    /// Takes over a file of an earlier checkpoint as it is. Only between two files.
    pub fn share(&mut self, file: DataFile) {
        assert!(self.file.is_none(), "a file is shared between two others");
        self.files.push(file);
    }

    /// The files, all stored.
    pub async fn finish(mut self) -> Result<Vec<DataFile>, ObjectError> {
        self.cut().await?;
        Ok(self.files)
    }
}

/// A list of actions as an object that only one writer can write: `id` is its commit's.
pub(crate) fn encode_actions(id: Uuid, actions: &[Action]) -> Bytes {
    let list = ActionList { commit: id, actions: actions.to_vec() };
    let text = serde_json::to_vec(&list).expect("actions are texts");
    datafile::compress(&text).into()
}

/// Reads and verifies a list of actions.
pub async fn read_actions(
    objects: &Objects,
    keys: &ObjectKeys,
    name: &DataName,
) -> Result<Vec<Action>, CheckpointError> {
    let damaged = |why: String| CheckpointError::Damaged(name.as_str().to_owned(), why);
    let bytes = read_data(objects, keys, name).await?;
    let text = datafile::decompress(&bytes, ACTIONS_BYTES_MAX).map_err(damaged)?;
    let list: Result<ActionList, _> = serde_json::from_slice(&text);
    Ok(list.map_err(|error| damaged(error.to_string()))?.actions)
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ActionList {
    commit: Uuid,
    actions: Vec<Action>,
}

/// Reads an object that is named by its hash, and verifies it.
async fn read_data(
    objects: &Objects,
    keys: &ObjectKeys,
    name: &DataName,
) -> Result<Bytes, CheckpointError> {
    let bytes = objects.get(&keys.data(name)).await?;
    if DataName::of(&bytes) != *name {
        let why = "its name is not the hash of its bytes".to_owned();
        return Err(CheckpointError::Damaged(name.as_str().to_owned(), why));
    }
    Ok(bytes)
}

/// The objects of one data file.
pub async fn read_file(
    objects: &Objects,
    keys: &ObjectKeys,
    file: &DataFile,
) -> Result<Vec<Object>, CheckpointError> {
    let damaged = |why: String| CheckpointError::Damaged(file.name.as_str().to_owned(), why);
    let bytes = read_data(objects, keys, &file.name).await?;
    let found = datafile::decode(&bytes).map_err(damaged)?;
    if found.len() as u64 != file.objects {
        return Err(damaged(format!("`{}` objects instead of `{}`", found.len(), file.objects)));
    }
    Ok(found)
}
