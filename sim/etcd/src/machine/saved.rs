//! The state machine as it is written to a file.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use etcd_client::proto::PbKeyValue;
use serde::{Deserialize, Serialize};

use super::kv::{Machine, cost};
use super::lease::Lease;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    revision: i64,
    compacted: i64,
    /// Member and kind.
    alarms: Vec<(u64, i32)>,
    leases: Vec<SavedLease>,
    /// All that are kept, in the order in which they were written.
    versions: Vec<SavedVersion>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct SavedLease {
    id: i64,
    ttl: i64,
    remaining_ms: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct SavedVersion {
    key: Bytes,
    value: Bytes,
    create_revision: i64,
    mod_revision: i64,
    version: i64,
    lease: i64,
}

/// Text where it is text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Bytes {
    Text(String),
    Hex { hex: String },
}

#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    #[error("`{0}` is not hexadecimal")]
    NotHex(String),
    #[error("the version of revision {found} comes after revision {newest}")]
    Order { found: i64, newest: i64 },
}

impl Machine {
    pub fn save(&self, now: Duration) -> Saved {
        let logged_from = self.log.keys().next().copied().unwrap_or(i64::MAX);
        let older = self.keys.values().flatten().filter(|kv| kv.mod_revision < logged_from);
        let mut versions: Vec<&Arc<PbKeyValue>> = older.collect();
        versions.sort_by_key(|kv| kv.mod_revision);
        versions.extend(self.log.values().flatten());
        let leases = self.leases.iter().map(|(id, lease)| SavedLease {
            id: *id,
            ttl: lease.ttl,
            remaining_ms: u64::try_from(lease.remaining(now).as_millis()).unwrap_or(u64::MAX),
        });
        Saved {
            revision: self.revision,
            compacted: self.compacted,
            alarms: self.alarms.iter().copied().collect(),
            leases: leases.collect(),
            versions: versions.into_iter().map(|kv| SavedVersion::of(kv)).collect(),
        }
    }

    pub fn restore(saved: Saved, now: Duration) -> Result<Machine, RestoreError> {
        let mut machine = Machine::new();
        machine.revision = saved.revision;
        machine.compacted = saved.compacted;
        machine.alarms = saved.alarms.into_iter().collect();
        for SavedLease { id, ttl, remaining_ms } in saved.leases {
            let expires = now + Duration::from_millis(remaining_ms);
            machine.leases.insert(id, Lease { ttl, expires, keys: Default::default() });
        }
        let mut log: BTreeMap<i64, Vec<Arc<PbKeyValue>>> = BTreeMap::new();
        let mut before = 0;
        for version in saved.versions {
            let kv = Arc::new(version.restore()?);
            let newest = saved.revision;
            if kv.mod_revision < before || kv.mod_revision > newest {
                return Err(RestoreError::Order { found: kv.mod_revision, newest: before });
            }
            before = kv.mod_revision;
            machine.bytes += cost(&kv);
            machine.keys.entry(kv.key.clone()).or_default().push(kv.clone());
            if kv.mod_revision >= saved.compacted {
                log.entry(kv.mod_revision).or_default().push(kv);
            }
        }
        machine.log = log;
        machine.attach_all();
        Ok(machine)
    }
}

impl SavedVersion {
    fn of(kv: &PbKeyValue) -> SavedVersion {
        SavedVersion {
            key: Bytes::of(&kv.key),
            value: Bytes::of(&kv.value),
            create_revision: kv.create_revision,
            mod_revision: kv.mod_revision,
            version: kv.version,
            lease: kv.lease,
        }
    }

    fn restore(self) -> Result<PbKeyValue, RestoreError> {
        Ok(PbKeyValue {
            key: self.key.restore()?,
            value: self.value.restore()?,
            create_revision: self.create_revision,
            mod_revision: self.mod_revision,
            version: self.version,
            lease: self.lease,
        })
    }
}

impl Bytes {
    fn of(bytes: &[u8]) -> Bytes {
        match std::str::from_utf8(bytes) {
            Ok(text) => Bytes::Text(text.to_owned()),
            Err(_) => Bytes::Hex { hex: hex::encode(bytes) },
        }
    }

    fn restore(self) -> Result<Vec<u8>, RestoreError> {
        match self {
            Bytes::Text(text) => Ok(text.into_bytes()),
            Bytes::Hex { hex } => hex::decode(&hex).map_err(|_| RestoreError::NotHex(hex)),
        }
    }
}
