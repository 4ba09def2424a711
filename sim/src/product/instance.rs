//! A process of the product on a simulated host: the same start-up as in production, with simulated
//! network, clocks, coordination and objects, and a supervisor that starts it again when it ends.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use drydock_configstore::Configstore;
use drydock_core::db::Execution;
use drydock_core::error::BoxError;
use drydock_core::net::Net;
use drydock_harness::record::Seq;
use drydock_harness::world::{Stop, host_elapsed};
use drydock_runservice::Runservice;
use drydock_runtime::{Deps, PeerNet, Settings};

use crate::plan::identity::{CLUSTER, keys, token};
use crate::plan::{InstanceId, Service};
use crate::product::upgraded::Upgraded;
use crate::product::{PlannedPoints, RunContext};
use crate::storage::seams::HostNet;

/// How long a supervisor waits before it starts a process again.
const RESTART: Duration = Duration::from_millis(500);

/// One instance of a service, dead or alive.
#[derive(Clone)]
pub struct Instance {
    context: Arc<RunContext>,
    id: InstanceId,
    net: HostNet,
    stop: Stop,
    /// Its disk: what is there outlives the process.
    folder: PathBuf,
    starts: Arc<Mutex<u64>>,
}

impl Instance {
    pub fn new(
        context: &Arc<RunContext>,
        id: InstanceId,
        net: HostNet,
        stop: Stop,
        folder: PathBuf,
    ) -> Instance {
        let (context, starts) = (context.clone(), Arc::default());
        Instance { context, id, net, stop, folder, starts }
    }

    /// Runs the process, again and again.
    pub async fn supervise(self) {
        let host = self.id.host();
        loop {
            let start = self.next_start();
            if start > 1 {
                self.context.revisions.restarted();
            }
            let started = self.context.starts(&host, start);
            match self.process(&host, start, started).await {
                Ok(()) => self.context.stopped(&host, started),
                Err(error) => self.context.failed(&host, started, &*error),
            }
            tokio::time::sleep(RESTART).await;
        }
    }

    async fn process(&self, host: &str, start: u64, started: Seq) -> Result<(), BoxError> {
        let context = &self.context;
        let name = format!("{host}/{start}");
        let points = PlannedPoints {
            host: host.to_owned(),
            faults: context.faults.clone(),
            recorder: context.recorder.clone(),
            passed: context.points.clone(),
        };
        let env = context.env(&name, Some(host)).with_faults(Arc::new(points));
        let rng = context.rng.child(&name);
        let reached = context.storage.reach(self.id, &self.net, &rng, started)?;
        let forwards = context.plan.settings.forwarding.has(self.id.number);
        let deps = Deps {
            peers: forwards.then(|| PeerNet::plain(Arc::new(self.net.clone()))),
            env,
            coord: reached.coord,
            objects: reached.objects,
            execution: Execution::Inline,
            scratch_dir: self.folder.clone(),
        };
        let listener = self.net.listen(&format!("0.0.0.0:{}", self.id.service.port())).await?;
        let shutdown = self.stop.renew();
        let settings = self.settings();
        match self.id.service {
            Service::Configstore => match self.upgrade_in() {
                None => {
                    let service = Configstore::default();
                    drydock_runtime::start(service, settings, deps, listener, shutdown).await
                }
                Some(Duration::ZERO) => {
                    let service = Upgraded::default();
                    drydock_runtime::start(service, settings, deps, listener, shutdown).await
                }
                Some(until) => {
                    let (service, stop) = (Configstore::default(), shutdown.clone());
                    let running =
                        drydock_runtime::start(service, settings, deps, listener, shutdown);
                    tokio::pin!(running);
                    if let Ok(ended) = tokio::time::timeout(until, &mut running).await {
                        return ended;
                    }
                    self.context.recorder.event(host, format_args!("is replaced by a newer one"));
                    stop.cancel();
                    running.await
                }
            },
            Service::Runservice => {
                let service = Runservice::new(context.plan.runs.service());
                drydock_runtime::start(service, settings, deps, listener, shutdown).await
            }
        }
    }

    /// After which time the next version takes the place of this one; `None`: never.
    fn upgrade_in(&self) -> Option<Duration> {
        let mut upgrades = self.context.plan.upgrades.iter();
        let upgrade = upgrades.find(|upgrade| upgrade.instance == self.id)?;
        Some(
            Duration::from_millis(upgrade.at_ms).saturating_sub(host_elapsed().unwrap_or_default()),
        )
    }

    fn settings(&self) -> Settings {
        let plan = &self.context.plan.settings;
        let mut settings = Settings::new(token(), keys());
        CLUSTER.clone_into(&mut settings.cluster);
        settings.lease_ttl = Duration::from_millis(plan.lease_ttl_ms);
        settings.store.batch_transactions = plan.batch_transactions;
        settings.store.batch_bytes = plan.batch_bytes;
        settings.store.inline_bytes = plan.inline_bytes;
        settings.store.durability = plan.durability;
        settings.store.unarchived_commits = plan.unarchived_commits;
        settings.store.deletion_objects = plan.deletion_objects;
        // The first conflict makes a leader: clients of a simulation make few.
        settings.store.leader_conflicts = 1;
        settings.store.tasks = plan.tasks.clone();
        settings
    }

    fn next_start(&self) -> u64 {
        let mut starts = self.starts.lock().expect("no holder of this lock panics");
        *starts += 1;
        *starts
    }
}
