//! Names of coordination keys and objects.
//!
//! Invariants: positions are padded so that byte order is number order; no object's key is a
//! directory prefix of another's.

use object_store::path::Path;
use uuid::Uuid;

use super::ballot::Ballot;
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

    pub fn all(&self) -> KeyRange {
        KeyRange::prefix(self.prefix.clone())
    }

    /// The part of a key after the common prefix.
    pub fn name<'a>(&self, key: &'a [u8]) -> Option<&'a str> {
        std::str::from_utf8(key).ok()?.strip_prefix(&self.prefix)
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

    pub fn archived(&self) -> String {
        format!("{}archived", self.prefix)
    }

    pub fn recovery(&self) -> String {
        format!("{}recovery", self.prefix)
    }

    /// The version of the schema in which the cluster writes.
    pub fn writes(&self) -> String {
        format!("{}writes", self.prefix)
    }

    /// The last instance that began; written together with its own key.
    pub fn joined(&self) -> String {
        format!("{}joined", self.prefix)
    }

    /// The lock of the instance to which the others forward changes.
    pub fn leader(&self) -> String {
        format!("{}leader", self.prefix)
    }

    /// The lock of a background task.
    pub fn task(&self, name: &str) -> String {
        format!("{}tasks/{name}", self.prefix)
    }

    pub fn tasks(&self) -> KeyRange {
        KeyRange::prefix(format!("{}tasks/", self.prefix))
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

    /// The commits up to `position`.
    pub fn commits_until(&self, position: Position) -> KeyRange {
        KeyRange::between(self.commit(0), self.commit(position + 1))
    }

    pub fn instance(&self, id: &str) -> String {
        format!("{}instances/{id}", self.prefix)
    }

    pub fn instances(&self) -> KeyRange {
        KeyRange::prefix(format!("{}instances/", self.prefix))
    }

    /// The leased key of something outside that instances hear, such as an executor.
    pub fn leased(&self, kind: &str, id: Uuid) -> String {
        format!("{}leased/{kind}/{id}", self.prefix)
    }

    pub fn leases(&self, kind: &str) -> KeyRange {
        KeyRange::prefix(format!("{}leased/{kind}/", self.prefix))
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

    pub fn all(&self) -> Path {
        Path::from(self.prefix.as_str())
    }

    /// The object that names the current lineage; the only one that is ever overwritten. See
    /// [`crate::lineage::notes`].
    pub fn current(&self) -> Path {
        Path::from(format!("{}current.json", self.prefix))
    }

    pub fn lineage(&self, lineage: Uuid) -> Path {
        Path::from(format!("{}lineages/{lineage}/lineage.json", self.prefix))
    }

    pub fn manifest(&self, lineage: Uuid, position: Position) -> Path {
        Path::from(format!("{}lineages/{lineage}/checkpoints/{position:020}.json", self.prefix))
    }

    pub fn lineages(&self) -> Path {
        Path::from(format!("{}lineages", self.prefix))
    }

    pub fn manifests(&self, lineage: Uuid) -> Path {
        Path::from(format!("{}lineages/{lineage}/checkpoints", self.prefix))
    }

    pub fn segments(&self, lineage: Uuid) -> Path {
        Path::from(format!("{}lineages/{lineage}/log", self.prefix))
    }

    pub fn segment(&self, lineage: Uuid, span: Span) -> Path {
        self.segments(lineage).join(span.to_string())
    }

    pub fn all_data(&self) -> Path {
        Path::from(format!("{}data", self.prefix))
    }

    /// The data object with this name.
    pub fn data(&self, name: &DataName) -> Path {
        Path::from(format!("{}{}", self.prefix, name.0))
    }
}

/// The positions of a segment, both included, and who stored it: `<first>-<last>-<ballot>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    pub first: Position,
    pub last: Position,
    pub ballot: Ballot,
}

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:020}-{:020}", self.first, self.last)?;
        if self.ballot == Ballot::NONE { Ok(()) } else { write!(f, "-{}", self.ballot) }
    }
}

impl Span {
    /// Reads the last part of a segment's key.
    pub fn parse(name: &str) -> Option<Span> {
        let mut parts = name.splitn(3, '-');
        let (first, last) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let ballot = parts.next().map_or(Some(Ballot::NONE), Ballot::parse)?;
        let span = Span { first, last, ballot };
        (span.to_string() == name && span.first <= span.last).then_some(span)
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
