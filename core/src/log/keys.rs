//! Names of coordination keys and objects.
//!
//! Invariants: positions are padded so that byte order is number order; no object's key is a
//! directory prefix of another's.

use object_store::path::Path;
use uuid::Uuid;

use super::format::Position;
use crate::coord::KeyRange;

/// The coordination keys of one service in one cluster.
#[derive(Debug, Clone)]
pub struct Keys {
    prefix: String,
}

impl Keys {
    pub fn new(cluster: &str, service: &str) -> Keys {
        Keys { prefix: format!("drydock/{cluster}/{service}/") }
    }

    pub fn head(&self) -> String {
        format!("{}head", self.prefix)
    }

    pub fn mode(&self) -> String {
        format!("{}mode", self.prefix)
    }

    pub fn checkpoint(&self) -> String {
        format!("{}checkpoint", self.prefix)
    }

    pub fn commit(&self, position: Position) -> String {
        format!("{}log/{position:020}", self.prefix)
    }

    pub fn commits(&self) -> KeyRange {
        KeyRange::prefix(format!("{}log/", self.prefix))
    }

    /// The commits after `position`.
    pub fn commits_after(&self, position: Position) -> KeyRange {
        KeyRange { start: self.commit(position + 1).into(), ..self.commits() }
    }

    pub fn instance(&self, id: &str) -> String {
        format!("{}instances/{id}", self.prefix)
    }

    pub fn instances(&self) -> KeyRange {
        KeyRange::prefix(format!("{}instances/", self.prefix))
    }
}

/// The object names of one service in one cluster.
#[derive(Debug, Clone)]
pub struct ObjectKeys {
    prefix: String,
}

impl ObjectKeys {
    pub fn new(cluster: &str, service: &str) -> ObjectKeys {
        ObjectKeys { prefix: format!("{cluster}/{service}/") }
    }

    /// The lineage in force; the only object that is ever overwritten.
    pub fn current(&self) -> Path {
        Path::from(format!("{}current.json", self.prefix))
    }

    pub fn lineage(&self, lineage: Uuid) -> Path {
        Path::from(format!("{}lineages/{lineage}/lineage.json", self.prefix))
    }

    pub fn manifest(&self, lineage: Uuid, position: Position) -> Path {
        Path::from(format!("{}lineages/{lineage}/checkpoints/{position:020}.json", self.prefix))
    }

    /// The object that another one names as `data/<hash>`.
    pub fn data(&self, name: &DataName) -> Path {
        Path::from(format!("{}{}", self.prefix, name.0))
    }
}

/// `data/<blake3 of the bytes>`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct DataName(String);

impl DataName {
    pub fn of(bytes: &[u8]) -> DataName {
        DataName(format!("data/{}", blake3::hash(bytes).to_hex()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_order_of_commit_keys_is_number_order() {
        let keys = Keys::new("c", "configstore");
        let positions = [0, 1, 9, 10, 99, 12_345, u64::MAX];
        let names: Vec<_> = positions.iter().map(|p| keys.commit(*p)).collect();
        assert!(names.is_sorted());
        assert!(names.iter().all(|name| keys.commits().contains(name.as_bytes())));
        assert!(!keys.commits_after(9).contains(names[2].as_bytes()));
        assert!(keys.commits_after(9).contains(names[3].as_bytes()));
        assert!(!keys.commits_after(9).contains(keys.mode().as_bytes()));
    }
}
