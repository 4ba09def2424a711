//! The state of a service in the coordination store at one revision: mode, head, live instances.
//!
//! Reading it needs no read model, so it works when the store cannot be loaded.

use crate::coord::{Coordination, KeyValue, Op, OpResult, RangeRequest, Revision, Txn};
use crate::lineage::record::RecoveryRecord;
use crate::log::format::{Head, InstanceRecord, InstanceState, Mode, WritesRecord, decode};
use crate::log::keys::Keys;
use crate::maintenance::SeenMode;
use crate::read_model::StoreError;

#[derive(Debug, Clone)]
pub struct Overview {
    pub mode: SeenMode,
    pub head: Option<Head>,
    /// The revision at which `head` was last written.
    pub head_revision: Revision,
    /// The instances whose leases are alive, by id.
    pub instances: Vec<InstanceRecord>,
    pub last_recovery: Option<RecoveryRecord>,
    /// In which version of the schema the cluster writes.
    pub writes: Option<WritesRecord>,
}

impl Overview {
    pub async fn read(coord: &dyn Coordination, keys: &Keys) -> Result<Overview, StoreError> {
        let read = Txn::default()
            .then(Op::get(keys.mode()))
            .then(Op::get(keys.head()))
            .then(Op::Range(RangeRequest::new(keys.instances())))
            .then(Op::get(keys.recovery()))
            .then(Op::get(keys.writes()));
        let answer = coord.txn(read).await?;
        let found = |at: usize| answer.results.get(at).and_then(OpResult::first);
        let instances: &[KeyValue] = match answer.results.get(2) {
            Some(OpResult::Range(range)) => &range.kvs,
            _ => &[],
        };
        let instances = instances.iter().map(|kv| decode(&kv.key, &kv.value));
        Ok(Overview {
            mode: SeenMode::decode(found(0))?,
            head: found(1).map(|kv| decode(&kv.key, &kv.value)).transpose()?,
            head_revision: found(1).map_or(0, |kv| kv.mod_revision),
            instances: instances.collect::<Result<_, _>>()?,
            last_recovery: found(3).map(|kv| decode(&kv.key, &kv.value)).transpose()?,
            writes: found(4).map(|kv| decode(&kv.key, &kv.value)).transpose()?,
        })
    }

    /// Whether an import is possible: the service is in maintenance, every live instance has
    /// acknowledged that, and there is a log to be switched. Without an instance that says so, or
    /// without a log, the coordination store was lost: instances are about to find that out.
    pub fn ready(&self) -> bool {
        self.head.is_some() && !self.instances.is_empty() && self.is_acknowledged()
    }

    /// Whether every live instance has acknowledged the maintenance.
    pub fn is_acknowledged(&self) -> bool {
        self.mode.mode == Mode::Maintenance
            && self.instances.iter().all(|instance| {
                instance.state == InstanceState::Maintenance
                    && instance.generation == self.mode.generation
            })
    }
}
