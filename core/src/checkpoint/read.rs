//! Objects that are named by the hash of their bytes: data files, and the mutations of a large
//! commit.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::datafile;
use super::manifest::DataFile;
use crate::error::FailureClass;
use crate::log::format::{Mutation, Object};
use crate::log::keys::{DataName, ObjectKeys};
use crate::objects::compression::{compress, decompress};
use crate::objects::{ObjectError, Objects};

/// The largest list of mutations that is read; this version writes no larger one.
const MUTATIONS_BYTES_MAX: usize = 256 << 20;

#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    #[error(transparent)]
    Objects(#[from] ObjectError),
    #[error("data file `{0}` is damaged: {1}")]
    Damaged(String, String),
}

impl CheckpointError {
    pub fn class(&self) -> FailureClass {
        match self {
            CheckpointError::Objects(error) => error.class(),
            CheckpointError::Damaged(..) => FailureClass::Other,
        }
    }
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

/// A list of mutations as an object. It holds `id`, the id of its commit, so that no other writer
/// stores the same bytes.
pub(crate) fn encode_mutations(id: Uuid, mutations: &[Mutation]) -> Bytes {
    let list = MutationList { commit: id, mutations: mutations.to_vec() };
    let text = serde_json::to_vec(&list).expect("mutations are texts");
    compress(&text).into()
}

/// Reads and verifies a list of mutations.
pub async fn read_mutations(
    objects: &Objects,
    keys: &ObjectKeys,
    name: &DataName,
) -> Result<Vec<Mutation>, CheckpointError> {
    let damaged = |why: String| CheckpointError::Damaged(name.as_str().to_owned(), why);
    let bytes = read_data(objects, keys, name).await?;
    let text = decompress(&bytes, MUTATIONS_BYTES_MAX).map_err(damaged)?;
    let list: Result<MutationList, _> = serde_json::from_slice(&text);
    Ok(list.map_err(|error| damaged(error.to_string()))?.mutations)
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MutationList {
    commit: Uuid,
    #[serde(rename = "actions")]
    mutations: Vec<Mutation>,
}

/// Reads an object that is named by its hash, and verifies the hash.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_mutations_is_stored_under_the_name_that_it_always_had() {
        let text = decompress(&encode_mutations(Uuid::nil(), &[]), MUTATIONS_BYTES_MAX).unwrap();
        let expected = br#"{"commit":"00000000-0000-0000-0000-000000000000","actions":[]}"#;
        assert_eq!(text, expected);
    }
}
