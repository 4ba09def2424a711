//! Coordination as hosts of the world: members of a simulated etcd, and the history of all that
//! they did.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use drydock_core::coord::{Event, EventKind, KeyValue, LeaseId, Revision};
use drydock_core::net::Net;
use drydock_harness::record::Recorder;
use drydock_harness::world::{self, Stop};
use drydock_sim_etcd::machine::is_delete;
use drydock_sim_etcd::trace::{RangeLine, TxnLine};
use drydock_sim_etcd::{Clock, Cluster, Config, Etcd, MemberConfig, Node, Observer, serve};
use etcd_client::proto::{
    PbKeyValue, PbRangeRequest, PbRangeResponse, PbTxnRequest, PbTxnResponse,
};

use super::etcd_faults::EtcdFaults;
use crate::plan::Plan;
use crate::plan::fault::{CoordinationFault, EtcdFault, FaultKind, Replacement};
use crate::plan::hosts::{ETCD_PORT, etcd_name, host_of};
use crate::storage::seams::HostNet;
use crate::storage::{Accepts, StorageFaults};
use crate::timeline::{Past, RevisionLog};

/// The members, and what became of all the clusters that they were.
#[derive(Clone)]
pub struct EtcdHosts {
    etcd: Arc<Etcd>,
    history: Arc<History>,
    faults: StorageFaults,
    revisions: RevisionLog,
    shape: Shape,
    /// Of the leases that a backup brings back.
    ttl: Duration,
}

impl EtcdHosts {
    pub fn new(
        plan: &Plan,
        faults: &EtcdFaults,
        recorder: &Recorder,
        revisions: &RevisionLog,
    ) -> Self {
        let shape = Shape::of(plan);
        let history = Arc::new(History::new(revisions));
        let etcd = Etcd::observed(
            Cluster::new(config(shape, 0)),
            Arc::new(WorldClock(recorder.clone())),
            Arc::new(faults.clone()),
            history.clone(),
        );
        EtcdHosts {
            etcd,
            history,
            faults: faults.faults.clone(),
            revisions: revisions.clone(),
            shape,
            ttl: Duration::from_millis(plan.settings.lease_ttl_ms),
        }
    }

    pub fn hosts(&self) -> impl Iterator<Item = String> {
        (1..=self.shape.members).map(etcd_name)
    }

    pub fn endpoints(&self) -> Vec<String> {
        (1..=self.shape.members).map(client_url).collect()
    }

    pub fn add_to(&self, world: &mut world::Cluster) {
        for number in 1..=self.shape.members {
            let (host, stop) = (etcd_name(number), Stop::default());
            let (net, etcd, stopped) = (HostNet(world.net(&host)), self.etcd.clone(), stop.clone());
            world.host(&host, stop, move || {
                let (net, etcd, shutdown) = (net.clone(), etcd.clone(), stopped.renew());
                async move {
                    let member = number - 1;
                    etcd.change(|cluster, now| cluster.start(member, now));
                    let listener = net.listen(&format!("0.0.0.0:{ETCD_PORT}")).await;
                    let listener = listener.expect("nobody else listens on a host of etcd");
                    serve(Box::new(Accepts(listener)), Node::new(etcd, member), shutdown).await;
                }
            });
        }
    }

    /// A fault begins; what it takes down is down already.
    pub fn begins(&self, index: usize) {
        let kind = self.faults.kind(index);
        if let Some(by) = kind.coordination().and_then(CoordinationFault::replacement) {
            return self.replace(index, by);
        }
        // Also without a fault of etcd: those who wait have to look whether they are concerned.
        let hits = self
            .etcd
            .change(|cluster, now| kind.etcd().map_or(0, |fault| fault.begin(cluster, now)));
        self.faults.hit(index, hits);
    }

    pub fn ends(&self, index: usize) {
        let fault = self.faults.kind(index).etcd();
        let hits = self.etcd.change(|cluster, now| fault.map_or(0, |it| it.end(cluster, now)));
        self.faults.hit(index, hits);
    }

    /// The process of a host is dead.
    pub fn dies(&self, host: &str) {
        let member = (1..=self.shape.members).find(|number| etcd_name(*number) == host);
        if let Some(number) = member {
            self.etcd.change(|cluster, now| cluster.stop(number - 1, now));
        }
    }

    pub fn past(&self) -> Vec<Past> {
        self.history.eras().iter().map(|era| era.past.clone()).collect()
    }

    /// From now on there is another cluster: an empty one, or one from a backup.
    fn replace(&self, index: usize, by: Replacement) {
        self.faults.hit(index, 1);
        self.etcd.forget_postponed();
        let era = self.history.eras().len();
        let mut cluster = Cluster::new(config(self.shape, era));
        let mut inherited = Vec::new();
        if let Replacement::Backup(age) = by {
            let wanted = self.revisions.revision_at(self.revisions.now().saturating_sub(age));
            inherited = self.history.eras().pop().map(|era| era.past.whole()).unwrap_or_default();
            self.etcd.look(|old, now| cluster.take_over(old, wanted, self.ttl, now));
            let revision = cluster.machine().revision();
            inherited.retain(|event| event.kv.mod_revision <= revision);
        }
        self.history.begin(cluster.machine().revision(), inherited);
        self.etcd.change(|current, now| {
            *current = cluster;
            // All of them are down until the fault is over.
            (0..self.shape.members).for_each(|member| current.stop(member, now));
        });
    }
}

fn client_url(number: usize) -> String {
    format!("http://{}:{ETCD_PORT}", etcd_name(number))
}

/// What a plan says of every cluster.
#[derive(Clone, Copy)]
struct Shape {
    members: usize,
    /// 0: etcd's default.
    quota_bytes: usize,
    has_bugs: bool,
}

impl Shape {
    fn of(plan: &Plan) -> Shape {
        let topology = &plan.topology;
        let (members, quota_bytes) = (topology.etcd_members, topology.etcd_quota_bytes);
        Shape { members, quota_bytes, has_bugs: has_bugs(plan) }
    }
}

fn has_bugs(plan: &Plan) -> bool {
    plan.faults.iter().any(|fault| matches!(fault.what, FaultKind::Etcd(EtcdFault::Bug { .. })))
}

/// Leases that a cluster may grant before its ids run into those of the next one.
const LEASES: i64 = 1 << 32;

/// Each cluster of a run has ids of its own, also of leases: etcd's come from member and time.
fn config(shape: Shape, era: usize) -> Config {
    let members = (1..=shape.members).map(|number| MemberConfig {
        name: etcd_name(number),
        // Nobody listens there: members share their state.
        peer_url: format!("http://{}:2380", etcd_name(number)),
        client_url: client_url(number),
    });
    let mut config = Config::new(format!("simulated-{era}"), members.collect());
    if shape.quota_bytes > 0 {
        config.quota_bytes = shape.quota_bytes;
    }
    if shape.has_bugs {
        // Those of watches show when one falls behind, which takes long otherwise.
        config.watch_buffer = 2;
        config.watch_batch = 2;
    }
    config.first_lease += LEASES * i64::try_from(era).expect("there are few clusters in a run");
    config
}

/// The time of the host that asks; between hosts, that of the last step.
struct WorldClock(Recorder);

impl Clock for WorldClock {
    fn now(&self) -> Duration {
        self.0.now()
    }
}

/// Everything that ever happened to the clusters.
pub struct History {
    revisions: RevisionLog,
    eras: Mutex<Vec<Era>>,
}

/// The time of one cluster.
#[derive(Clone)]
struct Era {
    /// The last revision that was noted.
    revision: Revision,
    past: Past,
}

impl History {
    fn new(revisions: &RevisionLog) -> History {
        let first = Era { revision: 1, past: Past::default() };
        History { revisions: revisions.clone(), eras: Mutex::new(vec![first]) }
    }

    fn begin(&self, revision: Revision, inherited: Vec<Event>) {
        self.revisions.new_era(revision);
        let past = Past { inherited, events: Vec::new() };
        self.lock().push(Era { revision, past });
    }

    fn eras(&self) -> Vec<Era> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Era>> {
        self.eras.lock().expect("no holder of this lock panics")
    }
}

impl Observer for History {
    fn changed(&self, cluster: &Cluster) {
        let newest = cluster.machine().revision();
        let mut eras = self.lock();
        let era = eras.last_mut().expect("there is always a cluster");
        if newest < era.revision {
            // It has lost what it had acknowledged: from here on it is another one.
            let mut inherited = era.past.clone().whole();
            inherited.retain(|event| event.kv.mod_revision <= newest);
            drop(eras);
            return self.begin(newest, inherited);
        }
        for (revision, changes) in cluster.machine().log(era.revision + 1, newest) {
            self.revisions.seen(revision);
            era.past.events.extend(changes.iter().map(|change| event(change)));
        }
        era.revision = era.revision.max(newest);
    }

    fn decided(&self, peer: &str, txn: &PbTxnRequest, answer: &PbTxnResponse) {
        let revision = answer.header.as_ref().map_or(0, |header| header.revision);
        let succeeded = answer.succeeded;
        let txn = TxnLine { txn, succeeded };
        self.revisions.decided(host_of(peer), format_args!("txn {txn}"), succeeded, revision);
    }

    fn read(&self, peer: &str, range: &PbRangeRequest, answer: &PbRangeResponse) {
        let (count, range) = (answer.kvs.len(), RangeLine(range));
        self.revisions.note(host_of(peer), format_args!("{range}: {count} keys"));
    }
}

fn event(version: &PbKeyValue) -> Event {
    let kind = if is_delete(version) { EventKind::Delete } else { EventKind::Put };
    let kv = KeyValue {
        key: Bytes::copy_from_slice(&version.key),
        value: Bytes::copy_from_slice(&version.value),
        create_revision: version.create_revision,
        mod_revision: version.mod_revision,
        version: version.version,
        lease: (version.lease != 0).then_some(LeaseId(version.lease)),
    };
    Event { kind, kv, prev: None }
}
