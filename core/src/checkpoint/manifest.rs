//! The manifest of a checkpoint: which data files hold the state at one position.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::log::format::{Head, Object, Position};
use crate::log::keys::{DataName, ObjectKeys};
use crate::objects::{Envelope, ObjectError, Objects};

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
    /// The commit whose state it is.
    pub fn head(&self) -> Head {
        Head { lineage: self.lineage, position: self.position, commit: self.commit }
    }
}

impl Envelope for Manifest {
    const FORMAT: &'static str = "drydock-manifest/1";
}

/// A file of [`Object`]s, see [`datafile`](super::datafile).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataFile {
    pub name: DataName,
    pub objects: u64,
    /// Uncompressed.
    pub bytes: u64,
    pub first: SortKey,
    pub last: SortKey,
}

/// The type and id of an object, by which objects are ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SortKey {
    pub r#type: String,
    pub id: Uuid,
}

impl SortKey {
    pub fn of(object: &Object) -> SortKey {
        SortKey { r#type: object.r#type.clone(), id: object.id }
    }
}

/// The positions of a lineage's manifests, in order.
pub(crate) async fn positions(
    objects: &Objects,
    keys: &ObjectKeys,
    lineage: Uuid,
) -> Result<Vec<Position>, ObjectError> {
    let found = objects.list(&keys.manifests(lineage)).await?;
    let name = |key: &object_store::path::Path| {
        key.filename().and_then(|name| name.strip_suffix(".json")?.parse().ok())
    };
    Ok(found.iter().filter_map(name).collect())
}
