//! Both parts of storage, at the plan's fidelity.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use drydock_backends::etcd::{Etcd, EtcdSettings};
use drydock_core::coord::Coordination;
use drydock_core::env::{Env, RngTree};
use drydock_core::error::BoxError;
use drydock_harness::fault::Faults;
use drydock_harness::record::{Recorder, Seq};
use drydock_harness::world::{self, FaultHooks, Stop};
use object_store::ObjectStore;
use object_store::memory::InMemory;

use super::embedded::EmbeddedPair;
use super::faults::StorageFaults;
use super::seams::{HostClock, HostNet};
use super::traced::{Asker, TracedCoordination, TracedObjects};
use super::wire::{EtcdFaults, EtcdHosts, S3Faults, S3Host};
use crate::plan::fault::ProcessFault;
use crate::plan::hosts::S3_HOST;
use crate::plan::{Fidelity, InstanceId, Plan};
use crate::storage::direct::{FaultyCoordination, FaultyObjects, LateTxns, StorageLink, Stores};
use crate::timeline::{ObjectHistory, Past, RevisionLog};

/// How often leases in memory are looked at, and late transactions applied.
const COORDINATION_MS: u64 = 20;

/// Coordination and objects of a run.
#[derive(Clone)]
pub struct Storage {
    plan: Arc<Plan>,
    faults: StorageFaults,
    recorder: Recorder,
    revisions: RevisionLog,
    pub object_history: ObjectHistory,
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    Direct { stores: Stores, late: LateTxns, objects: Arc<InMemory> },
    Wire { etcd: EtcdHosts, s3: S3Host },
    Embedded(EmbeddedPair),
}

/// A process's way to storage.
pub struct Reached {
    pub coord: Arc<dyn Coordination>,
    pub objects: Arc<dyn ObjectStore>,
}

impl Storage {
    pub fn new(
        plan: &Arc<Plan>,
        faults: &Faults,
        recorder: &Recorder,
        revisions: &RevisionLog,
    ) -> Self {
        let clock = HostClock::shared(plan.epoch, None, faults);
        let active = faults;
        let faults = StorageFaults::new(plan, faults);
        let rng = RngTree::from_seed(plan.seed);
        let object_history = ObjectHistory::new(recorder);
        let kind = match plan.fidelity {
            Fidelity::Direct => Kind::Direct {
                stores: Stores::new(
                    clock,
                    revisions,
                    Duration::from_millis(plan.settings.lease_ttl_ms),
                ),
                late: LateTxns::default(),
                objects: Arc::new(InMemory::new()),
            },
            Fidelity::Embedded => {
                let rng = rng.child("storage").stream("disk");
                Kind::Embedded(EmbeddedPair::new(active, &object_history, clock, revisions, rng))
            }
            Fidelity::Wire => {
                let stream = |name| Arc::new(Mutex::new(rng.child("storage").stream(name)));
                let (faults, revisions) = (faults.clone(), revisions.clone());
                let etcd = EtcdFaults { faults, revisions, rng: stream("etcd") };
                let s3 = S3Faults {
                    faults: etcd.faults.clone(),
                    object_history: object_history.clone(),
                    recorder: recorder.clone(),
                    revisions: etcd.revisions.clone(),
                    rng: stream("s3"),
                };
                let env = Env::new(clock, rng.child("s3"));
                Kind::Wire {
                    etcd: EtcdHosts::new(plan, &etcd, recorder, &etcd.revisions),
                    s3: S3Host::new(plan, s3, &env),
                }
            }
        };
        Storage {
            plan: plan.clone(),
            faults,
            recorder: recorder.clone(),
            revisions: revisions.clone(),
            object_history,
            kind,
        }
    }

    /// Adds the hosts that storage runs on.
    pub fn add_to(&self, world: &mut world::Cluster) {
        match &self.kind {
            Kind::Direct { stores, late, .. } => {
                let (this, stores, late) = (self.clone(), stores.clone(), late.clone());
                world.host("coordination", Stop::default(), move || {
                    this.clone().keep(stores.clone(), late.clone())
                });
            }
            Kind::Wire { etcd, s3 } => {
                etcd.add_to(world);
                s3.add_to(world);
                world.hook(Arc::new(self.clone()));
            }
            Kind::Embedded(_) => world.hook(Arc::new(self.clone())),
        }
    }

    /// Says how far away storage is, once all hosts are there.
    pub fn settle(&self, world: &world::Cluster) {
        if let Kind::Wire { etcd, .. } = &self.kind {
            let [_, greatest_ms] = self.plan.topology.storage_ms;
            let hosts = || etcd.hosts().chain([S3_HOST.to_owned()]);
            for instance in self.plan.topology.instance_hosts() {
                hosts().for_each(|host| world.limit_latency(&instance, &host, greatest_ms));
            }
        }
    }

    /// How one process of an instance reaches storage; `rng` is that process's, `started` the event
    /// of its start.
    pub fn reach(
        &self,
        instance: InstanceId,
        net: &HostNet,
        rng: &RngTree,
        started: Seq,
    ) -> Result<Reached, BoxError> {
        let Reached { coord, objects } = self.reach_untold(instance, net, rng)?;
        if !self.recorder.is_traced() {
            return Ok(Reached { coord, objects });
        }
        let (host, recorder) = (instance.host(), self.recorder.clone());
        let asker = Asker { host, recorder, faults: self.faults.clone(), started };
        let coord = TracedCoordination { inner: coord, asker: asker.clone() };
        let objects = TracedObjects { inner: objects, asker };
        Ok(Reached { coord: Arc::new(coord), objects: Arc::new(objects) })
    }

    fn reach_untold(
        &self,
        instance: InstanceId,
        net: &HostNet,
        rng: &RngTree,
    ) -> Result<Reached, BoxError> {
        match &self.kind {
            Kind::Direct { stores, late, objects } => {
                let link = || self.link(instance, rng);
                let coord = FaultyCoordination {
                    stores: stores.clone(),
                    link: link(),
                    revisions: self.revisions.clone(),
                    late: late.clone(),
                };
                let objects = self.in_memory(objects.clone(), link());
                Ok(Reached { coord: Arc::new(coord), objects })
            }
            Kind::Embedded(pair) => {
                let objects =
                    self.in_memory(Arc::new(pair.files.clone()), self.link(instance, rng));
                Ok(Reached { coord: Arc::new(pair.open()?), objects })
            }
            Kind::Wire { etcd, .. } => {
                let net = Arc::new(net.clone());
                let settings = EtcdSettings {
                    // The others reach the log through a member that may be behind.
                    prefer_leader: instance.number.is_multiple_of(2),
                    ..EtcdSettings::new(etcd.endpoints())
                };
                let coord = Etcd::open(settings, net.clone())?;
                Ok(Reached { coord: Arc::new(coord), objects: S3Host::client(net)? })
            }
        }
    }

    fn link(&self, instance: InstanceId, rng: &RngTree) -> StorageLink {
        StorageLink {
            host: instance.host(),
            instance,
            faults: self.faults.clone(),
            latency_ms: self.plan.topology.storage_ms,
            rng: Arc::new(Mutex::new(rng.stream("storage"))),
        }
    }

    fn in_memory(&self, inner: Arc<dyn ObjectStore>, link: StorageLink) -> Arc<dyn ObjectStore> {
        Arc::new(FaultyObjects { inner, object_history: self.object_history.clone(), link })
    }

    /// Every store's history, in order.
    pub async fn past(&self) -> Vec<Past> {
        match &self.kind {
            Kind::Direct { stores, .. } => stores.past(),
            Kind::Wire { etcd, .. } => etcd.past(),
            Kind::Embedded(pair) => vec![pair.past().await],
        }
    }

    /// The objects that are there at the end.
    pub async fn left(&self) -> Arc<InMemory> {
        match &self.kind {
            Kind::Direct { objects, .. } => objects.clone(),
            Kind::Wire { s3, .. } => s3.left().await,
            Kind::Embedded(pair) => pair.files.objects.clone(),
        }
    }

    /// The life of coordination in memory: leases run out there, whatever becomes of their holders.
    async fn keep(self, stores: Stores, late: LateTxns) {
        loop {
            tokio::time::sleep(Duration::from_millis(COORDINATION_MS)).await;
            if stores.replace(&self.faults) {
                late.clear();
                self.faults.wake();
            }
            let expired = stores.current().expire_leases();
            if expired > 0 {
                let text = format_args!("{expired} leases expire");
                self.recorder.event("coordination", text);
                self.revisions.seen(stores.revision());
            }
            let now = self.recorder.now();
            late.apply(now, &stores, &self.revisions).await;
        }
    }
}

impl FaultHooks for Storage {
    fn begins(&self, index: usize) {
        if let Kind::Wire { etcd, .. } = &self.kind {
            etcd.begins(index);
        }
    }

    fn ends(&self, index: usize) {
        if let Kind::Wire { etcd, .. } = &self.kind {
            etcd.ends(index);
        }
    }

    fn dies(&self, host: &str, index: usize) -> u64 {
        let how = self.faults.kind(index).process();
        match (&self.kind, how) {
            (Kind::Wire { etcd, .. }, _) => etcd.dies(host),
            (Kind::Embedded(pair), Some(ProcessFault::PowerCut { .. })) => return pair.lose(),
            _ => {}
        }
        0
    }
}
