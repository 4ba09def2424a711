//! The tables: changes by revision, leases, and four numbers.
//!
//! Like etcd's, the main table is keyed by revision: a batch appends changes, a compaction removes
//! superseded ones.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::Duration;

use bytes::Bytes;
use drydock_core::coord::mvcc::{Saved, State};
use drydock_core::coord::{Event, EventKind, Key, KeyValue, Lease, LeaseId, Revision};
use redb::{
    Database, Durability, ReadableDatabase, ReadableTable, StorageBackend, Table, TableDefinition,
};

const FORMAT: i64 = 1;

/// The state is in memory: pages are read when the file is opened, and for writing.
const CACHE_BYTES: usize = 16 << 20;

const META: TableDefinition<&str, i64> = TableDefinition::new("meta");
/// Id and time to live in seconds.
const LEASES: TableDefinition<i64, u64> = TableDefinition::new("leases");
/// Revision and place in it; whether it is a put, key, value, create revision, version, lease or 0.
const CHANGES: TableDefinition<(i64, u32), Change> = TableDefinition::new("changes");
type Change = (bool, &'static [u8], &'static [u8], i64, i64, i64);

#[derive(Debug, thiserror::Error)]
pub(super) enum DiskError {
    #[error("format `{found}`, this build reads `{FORMAT}`")]
    Format { found: i64 },
    #[error("`{0}` is missing")]
    Missing(&'static str),
    #[error(transparent)]
    Database(redb::Error),
}

impl DiskError {
    /// Whether the disk is full.
    pub(super) fn is_full(&self) -> bool {
        let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
        matches!(self, DiskError::Database(redb::Error::Io(error)) if full.contains(&error.kind()))
    }
}

impl<E: Into<redb::Error>> From<E> for DiskError {
    fn from(error: E) -> DiskError {
        DiskError::Database(error.into())
    }
}

pub(super) struct Disk {
    db: Database,
    /// The newest revision on disk.
    pub(super) revision: Revision,
    compacted: Revision,
    leases: BTreeMap<LeaseId, Lease>,
}

/// The changes of a batch.
pub(super) struct Delta {
    pub(super) revision: Revision,
    next_lease: LeaseId,
    pub(super) events: Vec<Event>,
    granted: Vec<Lease>,
    ended: Vec<LeaseId>,
    compaction: Option<Compaction>,
}

struct Compaction {
    revision: Revision,
    alive: BTreeSet<(Revision, Key)>,
}

impl Disk {
    /// Opens or creates the tables; answers the saved state, `None` if the tables are new.
    pub(super) fn open(backend: impl StorageBackend) -> Result<(Disk, Option<Saved>), DiskError> {
        let mut builder = Database::builder();
        builder.set_cache_size(CACHE_BYTES);
        let db = builder.create_with_backend(backend)?;
        let saved = load(&db)?;
        let disk = Disk {
            db,
            revision: saved.as_ref().map_or(0, |saved| saved.revision),
            compacted: saved.as_ref().map_or(0, |saved| saved.compacted),
            leases: saved.iter().flat_map(|saved| by_id(&saved.leases)).collect(),
        };
        Ok((disk, saved))
    }

    /// The part of `state` that is not on disk yet; `None` if all of it is.
    pub(super) fn delta(&self, state: &State) -> Option<Delta> {
        let revision = state.revision();
        let now: BTreeMap<LeaseId, Lease> = state.leases().map(|lease| (lease.id, lease)).collect();
        let granted = now.iter().filter(|(id, _)| !self.leases.contains_key(id));
        let ended = self.leases.keys().filter(|id| !now.contains_key(id));
        let changes = state.log(self.revision + 1, revision);
        let delta = Delta {
            revision,
            next_lease: state.next_lease(),
            events: changes.flat_map(|(_, events)| events.to_vec()).collect(),
            granted: granted.map(|(_, lease)| *lease).collect(),
            ended: ended.copied().collect(),
            compaction: (state.compacted() > self.compacted).then(|| Compaction {
                revision: state.compacted(),
                alive: state.alive_before_compaction(),
            }),
        };
        let leases_changed = !delta.granted.is_empty() || !delta.ended.is_empty();
        let changed = revision > self.revision || leases_changed || delta.compaction.is_some();
        changed.then_some(delta)
    }

    /// Writes a delta: all of it is on disk when this returns.
    pub(super) fn write(&mut self, delta: &Delta) -> Result<(), DiskError> {
        let mut txn = self.db.begin_write()?;
        txn.set_durability(Durability::Immediate)?;
        {
            let mut changes = txn.open_table(CHANGES)?;
            append(&mut changes, &delta.events)?;
            if let Some(compaction) = &delta.compaction {
                forget(&mut changes, compaction)?;
            }
            let mut leases = txn.open_table(LEASES)?;
            for lease in &delta.granted {
                leases.insert(lease.id.0, lease.ttl.as_secs())?;
            }
            for id in &delta.ended {
                leases.remove(id.0)?;
            }
            let compaction = delta.compaction.as_ref();
            let mut meta = txn.open_table(META)?;
            meta.insert("format", FORMAT)?;
            meta.insert("revision", delta.revision)?;
            meta.insert("next_lease", delta.next_lease.0)?;
            let compacted = compaction.map_or(self.compacted, |compaction| compaction.revision);
            meta.insert("compacted", compacted)?;
            self.compacted = compacted;
        }
        txn.commit()?;
        self.revision = delta.revision;
        self.leases.extend(by_id(&delta.granted));
        for id in &delta.ended {
            self.leases.remove(id);
        }
        Ok(())
    }
}

fn by_id(leases: &[Lease]) -> impl Iterator<Item = (LeaseId, Lease)> {
    leases.iter().map(|lease| (lease.id, *lease))
}

fn append(changes: &mut Table<'_, (i64, u32), Change>, events: &[Event]) -> Result<(), DiskError> {
    let same_revision = |one: &Event, next: &Event| one.kv.mod_revision == next.kv.mod_revision;
    for events in events.chunk_by(same_revision) {
        for (place, Event { kind, kv, .. }) in (0u32..).zip(events) {
            let change = (
                *kind == EventKind::Put,
                &kv.key[..],
                &kv.value[..],
                kv.create_revision,
                kv.version,
                kv.lease.map_or(0, |lease| lease.0),
            );
            changes.insert((kv.mod_revision, place), change)?;
        }
    }
    Ok(())
}

/// Removes the changes that are superseded at the compacted revision. The changes of that revision
/// itself stay, for watchers.
fn forget(
    changes: &mut Table<'_, (i64, u32), Change>,
    compaction: &Compaction,
) -> Result<(), DiskError> {
    let before = ..(compaction.revision, 0);
    changes.retain_in(before, |(revision, _), (_, key, ..)| {
        let key = Bytes::copy_from_slice(key);
        compaction.alive.contains(&(revision, key))
    })?;
    Ok(())
}

fn load(db: &Database) -> Result<Option<Saved>, DiskError> {
    let txn = db.begin_read()?;
    let meta = match txn.open_table(META) {
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
        meta => meta?,
    };
    let number = |name: &'static str| -> Result<i64, DiskError> {
        let found = meta.get(name)?.ok_or(DiskError::Missing(name))?;
        Ok(found.value())
    };
    match number("format")? {
        FORMAT => {}
        found => return Err(DiskError::Format { found }),
    }
    let mut leases = Vec::new();
    for entry in txn.open_table(LEASES)?.iter()? {
        let (id, ttl_s) = entry?;
        leases.push(Lease { id: LeaseId(id.value()), ttl: Duration::from_secs(ttl_s.value()) });
    }
    let mut changes = Vec::new();
    for entry in txn.open_table(CHANGES)?.iter()? {
        let (at, change) = entry?;
        let (put, key, value, create_revision, version, lease) = change.value();
        let kind = if put { EventKind::Put } else { EventKind::Delete };
        let kv = KeyValue {
            key: Bytes::copy_from_slice(key),
            value: Bytes::copy_from_slice(value),
            create_revision,
            mod_revision: at.value().0,
            version,
            lease: (lease != 0).then_some(LeaseId(lease)),
        };
        changes.push((kind, kv));
    }
    Ok(Some(Saved {
        revision: number("revision")?,
        compacted: number("compacted")?,
        next_lease: LeaseId(number("next_lease")?),
        leases,
        changes,
    }))
}
