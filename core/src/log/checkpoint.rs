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

use super::format::{Object, Position};
use super::keys::{DataName, ObjectKeys};
use super::seal::Sealed;
use crate::objects::{ObjectError, Objects};

/// Uncompressed bytes at which a data file ends.
pub const DATA_FILE_BYTES: usize = 8 << 20;
/// The largest data file that is read; larger ones are not ours.
const DATA_FILE_BYTES_MAX: usize = 64 << 20;
const ZSTD_LEVEL: i32 = 3;

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

impl Sealed for Manifest {
    const FORMAT: &'static str = "drydock-manifest/1";
}

/// A file of [`Object`]s, one JSON line each, compressed.
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
    lines: Vec<u8>,
    first: Option<Place>,
    last: Option<Place>,
    in_file: u64,
    counts: BTreeMap<String, u64>,
    files: Vec<DataFile>,
}

impl<'a> DataWriter<'a> {
    pub fn new(objects: &'a Objects, keys: &'a ObjectKeys) -> DataWriter<'a> {
        DataWriter {
            objects,
            keys,
            lines: Vec::new(),
            first: None,
            last: None,
            in_file: 0,
            counts: BTreeMap::new(),
            files: Vec::new(),
        }
    }

    pub async fn push(&mut self, object: &Object) -> Result<(), ObjectError> {
        serde_json::to_writer(&mut self.lines, object).expect("an object is texts");
        self.lines.push(b'\n');
        let place = Place { r#type: object.r#type.clone(), id: object.id };
        self.first.get_or_insert_with(|| place.clone());
        self.last = Some(place);
        self.in_file += 1;
        *self.counts.entry(object.r#type.clone()).or_default() += 1;
        if self.lines.len() >= DATA_FILE_BYTES {
            self.cut().await?;
        }
        Ok(())
    }

    /// The files and the number of objects of each type, all stored.
    pub async fn finish(mut self) -> Result<(Vec<DataFile>, BTreeMap<String, u64>), ObjectError> {
        self.cut().await?;
        Ok((self.files, self.counts))
    }

    async fn cut(&mut self) -> Result<(), ObjectError> {
        let (Some(first), Some(last)) = (self.first.take(), self.last.take()) else {
            return Ok(());
        };
        let compressed = compress(&self.lines);
        let name = DataName::of(&compressed);
        self.objects.put(&self.keys.data(&name), compressed).await?;
        let (objects, bytes) = (self.in_file, self.lines.len() as u64);
        self.files.push(DataFile { name, objects, bytes, first, last });
        self.lines.clear();
        self.in_file = 0;
        Ok(())
    }
}

pub(crate) fn compress(bytes: &[u8]) -> Bytes {
    zstd::bulk::compress(bytes, ZSTD_LEVEL).expect("memory is the only thing it needs").into()
}

/// Reads and verifies a compressed object that is named by its hash.
pub async fn read_data(
    objects: &Objects,
    keys: &ObjectKeys,
    name: &DataName,
) -> Result<Vec<u8>, CheckpointError> {
    let damaged = |why: String| CheckpointError::Damaged(name.as_str().to_owned(), why);
    let compressed = objects.get(&keys.data(name)).await?;
    if DataName::of(&compressed) != *name {
        return Err(damaged("its name is not the hash of its bytes".to_owned()));
    }
    zstd::bulk::decompress(&compressed, DATA_FILE_BYTES_MAX)
        .map_err(|error| damaged(error.to_string()))
}

/// The objects of one data file.
pub async fn read_file(
    objects: &Objects,
    keys: &ObjectKeys,
    file: &DataFile,
) -> Result<Vec<Object>, CheckpointError> {
    let damaged = |why: String| CheckpointError::Damaged(file.name.as_str().to_owned(), why);
    let lines = read_data(objects, keys, &file.name).await?;
    let found = lines
        .split_inclusive(|byte| *byte == b'\n')
        .map(serde_json::from_slice)
        .collect::<Result<Vec<Object>, _>>()
        .map_err(|error| damaged(error.to_string()))?;
    if found.len() as u64 != file.objects {
        return Err(damaged(format!("`{}` objects instead of `{}`", found.len(), file.objects)));
    }
    Ok(found)
}
