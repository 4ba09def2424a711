//! Raises the version of the schema in which the cluster writes.
//!
//! Invariants: it is raised only as far as every live instance reads, in a transaction that
//! compares its last value, and that no instance has begun since the look at the live ones; it does
//! not go back. An instance that is not live cannot commit, and finds the newer version when it
//! comes back.

use std::sync::Arc;
use std::time::Duration;

use super::parts::Inner;
use crate::coord::{
    Compare, Coordination, KeyValue, Op, OpResult, RangeRequest, Revision, Txn, Value,
};
use crate::error::Chain;
use crate::log::format::{InstanceRecord, WritesRecord, decode, encode};
use crate::read_model::StoreError;

/// How often it is tried while the cluster writes an older version than this instance reads.
const PERIOD: Duration = Duration::from_secs(1);
/// How often the key is read otherwise.
const IDLE_PERIOD: Duration = Duration::from_secs(10);

pub(super) struct Upgrade {
    inner: Arc<Inner>,
}

impl Upgrade {
    pub(super) fn new(inner: Arc<Inner>) -> Upgrade {
        Upgrade { inner }
    }

    pub(super) async fn run(self) {
        loop {
            if let Err(error) = self.inner.raise_writes().await {
                let error = Chain(&error);
                tracing::debug!(%error, "the version that the cluster writes cannot be raised");
            }
            let newest = self.inner.writes.get() >= self.inner.schema.version;
            tokio::time::sleep(if newest { IDLE_PERIOD } else { PERIOD }).await;
        }
    }
}

/// What is written, and what the live instances read, at one moment.
pub(crate) struct Look {
    writes: u32,
    writes_found: Option<Value>,
    /// When an instance began last.
    joined: Revision,
    /// The newest version that every live instance reads; `None`: there is no live one.
    all_read: Option<u32>,
}

impl Inner {
    /// Raises the version that the cluster writes, if every live instance reads a newer one.
    async fn raise_writes(&self) -> Result<(), StoreError> {
        let Some(look) = self.look_at_versions().await? else { return Ok(()) };
        self.raise_after(look).await
    }

    /// `None`: a store without `head` is about to be recovered.
    pub(crate) async fn look_at_versions(&self) -> Result<Option<Look>, StoreError> {
        let read = Txn::default()
            .then(Op::get(self.keys.writes()))
            .then(Op::get(self.keys.joined()))
            .then(Op::Range(RangeRequest::new(self.keys.instances())))
            .then(Op::get(self.keys.head()));
        let answer = self.coord.txn(read).await?;
        let found = |at: usize| answer.results.get(at).and_then(OpResult::first);
        let instances: &[KeyValue] = match answer.results.get(2) {
            Some(OpResult::Range(range)) => &range.kvs,
            _ => &[],
        };
        let instances = instances.iter().map(|kv| decode(&kv.key, &kv.value));
        let instances = instances.collect::<Result<Vec<InstanceRecord>, _>>()?;
        let writes = found(0).map(|kv| decode::<WritesRecord>(&kv.key, &kv.value)).transpose()?;
        Ok(found(3).map(|_head| Look {
            writes: writes.map_or(0, |record| record.schema),
            writes_found: found(0).map(|kv| kv.value.clone()),
            joined: found(1).map_or(0, |kv| kv.mod_revision),
            all_read: instances.iter().map(|instance| instance.schema).min(),
        }))
    }

    pub(crate) async fn raise_after(&self, look: Look) -> Result<(), StoreError> {
        let Look { writes, writes_found, joined, all_read } = look;
        let Some(all_read) = all_read.filter(|_| writes <= self.schema.version) else {
            return Ok(());
        };
        self.writes.found(writes);
        let schema = all_read.min(self.schema.version).max(self.writes_version());
        if schema <= writes {
            return Ok(());
        }
        let record = WritesRecord { schema, since: self.env.now() };
        let raise = Txn::default()
            .when(Compare::unchanged(self.keys.writes(), writes_found))
            .when(Compare::mod_revision(self.keys.joined(), joined))
            .then(Op::put(self.keys.writes(), encode(&record)));
        self.env.point("upgrade.before_raise").await?;
        if self.coord.txn(raise).await?.succeeded {
            self.writes.found(schema);
            tracing::info!(from = writes, to = schema, "the cluster writes a newer version now");
        }
        self.env.point("upgrade.after_raise").await?;
        Ok(())
    }
}
