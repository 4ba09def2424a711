//! Reads objects that are named by the hash of their bytes: data files, and the actions of a large
//! commit.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::datafile;
use super::manifest::DataFile;
use crate::log::format::{Action, Object};
use crate::log::keys::{DataName, ObjectKeys};
use crate::objects::compression::{compress, decompress};
use crate::objects::{ObjectError, Objects};

/// The largest list of actions that is read; larger ones are not ours.
const ACTIONS_BYTES_MAX: usize = 256 << 20;

#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    #[error(transparent)]
    Objects(#[from] ObjectError),
    #[error("data file `{0}` is damaged: {1}")]
    Damaged(String, String),
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

/// A list of actions as an object that only one writer can write: `id` is its commit's.
pub(crate) fn encode_actions(id: Uuid, actions: &[Action]) -> Bytes {
    let list = ActionList { commit: id, actions: actions.to_vec() };
    let text = serde_json::to_vec(&list).expect("actions are texts");
    compress(&text).into()
}

/// Reads and verifies a list of actions.
pub async fn read_actions(
    objects: &Objects,
    keys: &ObjectKeys,
    name: &DataName,
) -> Result<Vec<Action>, CheckpointError> {
    let damaged = |why: String| CheckpointError::Damaged(name.as_str().to_owned(), why);
    let bytes = read_data(objects, keys, name).await?;
    let text = decompress(&bytes, ACTIONS_BYTES_MAX).map_err(damaged)?;
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
