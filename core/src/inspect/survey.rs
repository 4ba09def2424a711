//! A survey of a store for operators: positions, lineages, sizes, instances, locks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::coord::{Coordination, KeyValue, Op, OpResult, RangeRequest, Txn};
use crate::lineage::Lineage;
use crate::lineage::record::RecoveryRecord;
use crate::log::format::{
    ArchivedRecord, CheckpointRecord, Commit, Head, InstanceRecord, ModeRecord, Position,
    WritesRecord, decode,
};
use crate::read_model::StoreError;
use crate::store::Store;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Survey {
    pub service: String,
    /// Absent before the first boot, and if the coordination store was lost.
    pub head: Option<Head>,
    /// Absent before the first switch.
    pub mode: Option<ModeRecord>,
    pub checkpoint: Option<CheckpointRecord>,
    pub archived: Option<ArchivedRecord>,
    /// In which version of the schema the cluster writes.
    pub writes: Option<WritesRecord>,
    pub last_recovery: Option<RecoveryRecord>,
    pub log: Log,
    pub instances: Vec<InstanceRecord>,
    /// The holder of the lock of each background task, by the task's name.
    pub tasks: BTreeMap<String, String>,
    pub lineages: Vec<Lineage>,
    /// By kind: `data`, `segments`, `checkpoints`, `lineages`, `other`, and the folders of blobs,
    /// such as `logs`.
    pub objects: BTreeMap<String, Size>,
}

/// The part of the log that the coordination store holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Log {
    pub first: Option<Position>,
    pub last: Option<Position>,
    pub commits: u64,
    pub bytes: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    pub count: u64,
    pub bytes: u64,
}

/// Keys read at a time.
const PAGE: usize = 256;

impl Store {
    pub async fn survey(&self) -> Result<Survey, StoreError> {
        let (inner, keys) = (&self.inner, &self.inner.keys);
        let read = Txn::default()
            .then(Op::get(keys.head()))
            .then(Op::get(keys.mode()))
            .then(Op::get(keys.checkpoint()))
            .then(Op::get(keys.archived()))
            .then(Op::get(keys.recovery()))
            .then(Op::Range(RangeRequest::new(keys.instances())))
            .then(Op::Range(RangeRequest::new(keys.tasks())))
            .then(Op::get(keys.writes()));
        let answer = inner.coord.txn(read).await?;
        let found = |at: usize| answer.results.get(at).and_then(OpResult::first);
        let all = |at: usize| -> &[KeyValue] {
            match answer.results.get(at) {
                Some(OpResult::Range(range)) => &range.kvs,
                _ => &[],
            }
        };
        let instances = all(5).iter().map(|kv| decode(&kv.key, &kv.value));
        let holder = |kv: &KeyValue| {
            let name = keys.name(&kv.key).unwrap_or_default();
            let name = name.strip_prefix("tasks/").unwrap_or(name).to_owned();
            (name, String::from_utf8_lossy(&kv.value).into_owned())
        };
        Ok(Survey {
            service: inner.schema.service.to_owned(),
            head: found(0).map(|kv| decode(&kv.key, &kv.value)).transpose()?,
            mode: found(1).map(|kv| decode(&kv.key, &kv.value)).transpose()?,
            checkpoint: found(2).map(|kv| decode(&kv.key, &kv.value)).transpose()?,
            archived: found(3).map(|kv| decode(&kv.key, &kv.value)).transpose()?,
            writes: found(7).map(|kv| decode(&kv.key, &kv.value)).transpose()?,
            last_recovery: found(4).map(|kv| decode(&kv.key, &kv.value)).transpose()?,
            instances: instances.collect::<Result<_, _>>()?,
            tasks: all(6).iter().map(holder).collect(),
            log: self.log().await?,
            lineages: self.lineages().await?,
            objects: self.sizes().await?,
        })
    }

    async fn log(&self) -> Result<Log, StoreError> {
        let inner = &self.inner;
        let (mut log, mut range) = (Log::default(), inner.keys.commits());
        loop {
            let page = inner.coord.range(RangeRequest::new(range).limit(PAGE)).await?;
            for kv in &page.kvs {
                let position = decode::<Commit>(&kv.key, &kv.value)?.position;
                log.first.get_or_insert(position);
                log.last = Some(position);
                log.commits += 1;
                log.bytes += kv.value.len() as u64;
            }
            match log.last {
                Some(last) if page.more => range = inner.keys.commits_after(last),
                _ => return Ok(log),
            }
        }
    }

    async fn sizes(&self) -> Result<BTreeMap<String, Size>, StoreError> {
        let inner = &self.inner;
        let mut sizes: BTreeMap<String, Size> = BTreeMap::new();
        for (key, bytes) in inner.objects.list_sizes(&inner.object_keys.all()).await? {
            let kind = match super::objects::Kind::of(inner, &key) {
                Some(kind) => kind.group(),
                None => "other",
            };
            let size = sizes.entry(kind.to_owned()).or_default();
            size.count += 1;
            size.bytes += bytes;
        }
        Ok(sizes)
    }
}
