//! One of the two: runs a sequence, and notes what comes back without what may differ.

use std::time::Duration;

use etcd_client::proto::{
    PbDeleteResponse, PbEvent, PbKeyValue, PbPutResponse, PbRangeResponse, PbResponseHeader,
    PbTxnOpResponse, PbTxnResponse, PbWatchResponse,
};
use etcd_client::{
    Client, CompactionOptions, Compare as ClientCompare, DeleteOptions, Error, GetOptions,
    LeaseGrantOptions, LeaseTimeToLiveOptions, PutOptions, Txn as ClientTxn, TxnOp, WatchOptions,
    WatchStream,
};

use super::ops::{Compare, Delete, End, Get, Op, Put, Target, Txn};

/// Long enough for any event to arrive, and for no lease to end.
const PATIENCE: Duration = Duration::from_secs(5);
const TTL: i64 = 3600;

pub struct Side {
    /// For messages.
    name: &'static str,
    client: Client,
    /// The revision at which the sequence began.
    base: i64,
    /// The revision of the last compaction.
    compacted: i64,
    /// No watch is begun there: the real etcd forgets deletions at that revision.
    forgetful: bool,
    _server: Box<dyn std::any::Any>,
}

#[derive(Debug, PartialEq)]
pub struct Answer {
    pub fine: bool,
    said: String,
    /// What watchers of everything were told.
    events: Vec<PbEvent>,
}

impl Side {
    pub fn new(name: &'static str, client: Client, server: impl std::any::Any) -> Side {
        Side { name, client, base: 0, compacted: 0, forgetful: false, _server: Box::new(server) }
    }

    pub fn forgetful(self, forgetful: bool) -> Side {
        Side { forgetful, ..self }
    }

    pub async fn run(&mut self, ops: &[Op]) -> Vec<Answer> {
        for lease in self.client.leases().await.unwrap().leases().to_vec() {
            self.client.lease_revoke(lease.id()).await.unwrap();
        }
        // So that there is something to delete, and the base has an event to be watched.
        self.client.put("first", "", None).await.unwrap();
        let all = DeleteOptions::new().with_all_keys();
        let deleted = self.client.delete("", Some(all)).await.unwrap();
        self.base = deleted.header().unwrap().revision();
        let mut watch = self.watch(1).await;
        let mut seen = self.base;
        let mut answers = Vec::new();
        for op in ops {
            let (fine, said) = match self.ask(op).await {
                Ok((fine, said)) => (fine, said),
                Err(Error::GRpcStatus(status)) => {
                    (false, format!("{:?} {}", status.code(), status.message()))
                }
                Err(other) => panic!("{op:?}: {other}"),
            };
            let now = self.client.get("now", None).await.unwrap();
            let now = now.header().unwrap().revision();
            let events = self.events(&mut watch, &mut seen, now).await;
            answers.push(Answer { fine, said, events });
        }
        answers
    }

    async fn ask(&mut self, op: &Op) -> Result<(bool, String), Error> {
        let said = match op {
            Op::Put(put) => {
                let mut answer =
                    self.client.put(&*put.key, &*put.value, Some(put_options(put))).await?.0;
                self.put_answer(&mut answer);
                format!("{answer:?}")
            }
            Op::Get(get) => {
                let mut answer = self.client.get(&*get.key, Some(self.get_options(get))).await?.0;
                self.range_answer(&mut answer);
                format!("{answer:?}")
            }
            Op::Delete(delete) => {
                let options = Some(delete_options(delete));
                let mut answer = self.client.delete(&*delete.key, options).await?.0;
                self.delete_answer(&mut answer);
                format!("{answer:?}")
            }
            Op::Txn(txn) => {
                let mut answer = self.client.txn(self.txn(txn)).await?.0;
                self.txn_answer(&mut answer);
                format!("{answer:?}")
            }
            Op::Compact(revision) => {
                // Physical: it is over when it is answered.
                let options = Some(CompactionOptions::new().with_physical());
                let answer = self.client.compact(self.base + revision, options).await?;
                self.compacted = self.base + revision;
                format!("{}", answer.header().unwrap().revision() - self.base)
            }
            Op::Grant(id) => {
                let options = LeaseGrantOptions::new().with_id(*id);
                format!("{}", self.client.lease_grant(TTL, Some(options)).await?.ttl())
            }
            Op::Revoke(id) => {
                let answer = self.client.lease_revoke(*id).await?;
                format!("{}", answer.header().unwrap().revision() - self.base)
            }
            Op::KeepAlive(id) => return self.keep_alive(*id).await,
            Op::TimeToLive(id) => return self.time_to_live(*id).await,
            Op::Watch(revision) => return Ok(self.history(*revision).await),
        };
        Ok((true, said))
    }

    async fn keep_alive(&mut self, id: i64) -> Result<(bool, String), Error> {
        let kept = self.client.lease_keep_alive(id).await;
        // The client itself turns the answer for an unknown lease into an error.
        let fine = match kept {
            Ok((_, _)) => true,
            Err(Error::LeaseKeepAliveError(_)) => false,
            Err(other) => return Err(other),
        };
        Ok((fine, String::new()))
    }

    async fn time_to_live(&mut self, id: i64) -> Result<(bool, String), Error> {
        let options = LeaseTimeToLiveOptions::new().with_keys();
        let answer = self.client.lease_time_to_live(id, Some(options)).await?;
        let mut keys = answer.keys().to_vec();
        keys.sort();
        Ok((answer.ttl() > 0, format!("{} {} {keys:?}", answer.ttl() < 0, answer.granted_ttl())))
    }

    async fn watch(&mut self, revision: i64) -> WatchStream {
        let options = WatchOptions::new()
            .with_all_keys()
            .with_start_revision(self.base + revision)
            .with_prev_key();
        let mut watch = self.client.watch("", Some(options)).await.unwrap();
        assert!(watch.message().await.unwrap().unwrap().created());
        watch
    }

    /// All that a new watch tells of what has happened.
    async fn history(&mut self, revision: i64) -> (bool, String) {
        let forgotten = self.forgetful && self.base + revision == self.compacted;
        let revision = revision + i64::from(forgotten);
        let now = self.client.get("now", None).await.unwrap();
        let now = now.header().unwrap().revision();
        let mut watch = self.watch(revision).await;
        let mut seen = self.base + revision - 1;
        if seen >= now {
            return (true, "the future".to_owned());
        }
        let first = self.message(&mut watch).await;
        if first.canceled {
            return (false, format!("compacted at {}", first.compact_revision - self.base));
        }
        let mut events = self.told(first, &mut seen);
        events.extend(self.events(&mut watch, &mut seen, now).await);
        (true, format!("{:?}", events.iter().map(|event| &event.kv).collect::<Vec<_>>()))
    }

    /// What a watch tells of the revisions up to `now`.
    async fn events(&self, watch: &mut WatchStream, seen: &mut i64, now: i64) -> Vec<PbEvent> {
        let mut events = Vec::new();
        while *seen < now {
            events.extend(self.told(self.message(watch).await, seen));
        }
        events
    }

    fn told(&self, response: PbWatchResponse, seen: &mut i64) -> Vec<PbEvent> {
        assert!(!response.canceled && !response.fragment, "{response:?}");
        let mut events = response.events;
        for event in &mut events {
            let kv = event.kv.as_mut().unwrap();
            *seen = (*seen).max(kv.mod_revision);
            self.kv(kv);
            event.prev_kv.iter_mut().for_each(|kv| self.kv(kv));
        }
        events
    }

    fn get_options(&self, get: &Get) -> GetOptions {
        let mut options = GetOptions::new().with_limit(get.limit).with_sort(get.sort.0, get.sort.1);
        options = match &get.end {
            End::Single => options,
            End::FromKey => options.with_from_key(),
            End::Before(end) => options.with_range(&**end),
        };
        if let Some(revision) = get.revision {
            options = options.with_revision(self.base + revision);
        }
        if let Some(revision) = get.min_mod {
            options = options.with_min_mod_revision(self.base + revision);
        }
        if let Some(revision) = get.max_create {
            options = options.with_max_create_revision(self.base + revision);
        }
        if get.keys_only {
            options = options.with_keys_only();
        }
        if get.count_only {
            options = options.with_count_only();
        }
        options
    }

    fn txn(&self, txn: &Txn) -> ClientTxn {
        let compares: Vec<_> = txn.compares.iter().map(|compare| self.compare(compare)).collect();
        let ops = |ops: &[Op]| ops.iter().map(|op| self.txn_op(op)).collect::<Vec<_>>();
        ClientTxn::new().when(compares).and_then(ops(&txn.then)).or_else(ops(&txn.otherwise))
    }

    fn txn_op(&self, op: &Op) -> TxnOp {
        match op {
            Op::Put(put) => TxnOp::put(&*put.key, &*put.value, Some(put_options(put))),
            Op::Get(get) => TxnOp::get(&*get.key, Some(self.get_options(get))),
            Op::Delete(delete) => TxnOp::delete(&*delete.key, Some(delete_options(delete))),
            Op::Txn(txn) => TxnOp::txn(self.txn(txn)),
            other => unreachable!("a transaction holds `{other:?}`"),
        }
    }

    fn compare(&self, compare: &Compare) -> ClientCompare {
        let (key, with) = (&*compare.key, compare.with);
        let made = match &compare.target {
            Target::Version(version) => ClientCompare::version(key, with, *version),
            Target::Create(revision) => {
                ClientCompare::create_revision(key, with, self.base + revision)
            }
            Target::Mod(revision) => ClientCompare::mod_revision(key, with, self.base + revision),
            Target::Value(value) => ClientCompare::value(key, with, &**value),
            Target::Lease(lease) => ClientCompare::lease(key, with, *lease),
        };
        match &compare.end {
            Some(end) => made.with_range(&**end),
            None => made,
        }
    }

    fn put_answer(&self, answer: &mut PbPutResponse) {
        self.header(&mut answer.header);
        answer.prev_kv.iter_mut().for_each(|kv| self.kv(kv));
    }

    fn range_answer(&self, answer: &mut PbRangeResponse) {
        self.header(&mut answer.header);
        answer.kvs.iter_mut().for_each(|kv| self.kv(kv));
    }

    fn delete_answer(&self, answer: &mut PbDeleteResponse) {
        self.header(&mut answer.header);
        answer.prev_kvs.iter_mut().for_each(|kv| self.kv(kv));
    }

    fn txn_answer(&self, answer: &mut PbTxnResponse) {
        self.header(&mut answer.header);
        for op in &mut answer.responses {
            match op.response.as_mut().unwrap() {
                PbTxnOpResponse::ResponsePut(answer) => self.put_answer(answer),
                PbTxnOpResponse::ResponseRange(answer) => self.range_answer(answer),
                PbTxnOpResponse::ResponseDeleteRange(answer) => self.delete_answer(answer),
                PbTxnOpResponse::ResponseTxn(answer) => self.txn_answer(answer),
            }
        }
    }

    async fn message(&self, watch: &mut WatchStream) -> PbWatchResponse {
        match tokio::time::timeout(PATIENCE, watch.message()).await {
            Ok(told) => told.unwrap().unwrap().0,
            Err(_) => panic!("the watch of the {} one tells nothing", self.name),
        }
    }

    fn header(&self, header: &mut Option<PbResponseHeader>) {
        if let Some(header) = header {
            // 0 is what an inner transaction says.
            let revision = if header.revision == 0 { 0 } else { header.revision - self.base };
            *header = PbResponseHeader { revision, ..Default::default() };
        }
    }

    fn kv(&self, kv: &mut PbKeyValue) {
        if kv.create_revision != 0 {
            kv.create_revision -= self.base;
        }
        kv.mod_revision -= self.base;
    }
}

fn put_options(put: &Put) -> PutOptions {
    let mut options = PutOptions::new().with_lease(put.lease);
    if put.prev {
        options = options.with_prev_key();
    }
    if put.ignore_value {
        options = options.with_ignore_value();
    }
    if put.ignore_lease {
        options = options.with_ignore_lease();
    }
    options
}

fn delete_options(delete: &Delete) -> DeleteOptions {
    let mut options = DeleteOptions::new();
    options = match &delete.end {
        End::Single => options,
        End::FromKey => options.with_from_key(),
        End::Before(end) => options.with_range(&**end),
    };
    if delete.prev { options.with_prev_key() } else { options }
}
