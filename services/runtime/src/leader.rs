//! The instance that commits, to which the others forward changes: who it is, and when it changes.
//!
//! It is a hint under a lease. An instance whose batches meet conflicts becomes the leader if there
//! is none, and gives that up when only one other instance still makes changes, which had better
//! commit them itself. Nothing depends on there being one leader: each commit compares `head`.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use drydock_core::context::Context;
use drydock_core::coord::lock::Lock;
use drydock_core::coord::{
    Bounded, Coordination, CoordinationExt, EventKind, KeyRange, KeyValue, WatchRequest,
    WatchStream,
};
use drydock_core::env::Env;
use drydock_core::error::{BoxError, Chain};
use drydock_core::log::format::{Head, LeaderRecord, decode, encode};
use drydock_core::log::keys::Keys;
use drydock_core::retry::Backoff;
use drydock_core::store::Store;
use drydock_http::server::forward::{Leader, Leadership};
use drydock_http::server::gate::{Gate, GateState};
use futures_util::StreamExt;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::stored::PeerNet;

/// How often an instance looks at its conflicts.
const LOOK: Duration = Duration::from_millis(250);
/// How long only one other instance must have made changes until the leader gives up.
const SINGLE_SOURCE: Duration = Duration::from_secs(5);
/// How often the key is read although the watch brings no event.
const IDLE_CHECK: Duration = Duration::from_secs(5);
/// How long a new leader may take to answer a request that changes nothing.
const GREETING: Duration = Duration::from_secs(1);
/// Renewals within the time to live of the leader's lease.
const RENEWALS: u32 = 3;

/// What this instance knows of the leader. Clones share it.
#[derive(Clone)]
pub(super) struct Leaders(Arc<Known>);

struct Known {
    id: String,
    store: Store,
    peers: PeerNet,
    leader: Mutex<Current>,
    /// Somebody else leads, or nobody.
    changed: Notify,
    made: Mutex<Made>,
}

#[derive(Default)]
struct Current {
    record: Option<LeaderRecord>,
    /// The same as another instance to be asked; `None`: there is none, or it is this one.
    other: Option<Arc<Leader>>,
    /// Whether that one has answered a request that changes nothing. A change that cannot arrive,
    /// because of TLS or a wrong address, might count as one whose outcome is unknown.
    has_answered: bool,
}

/// Who made changes at this instance, since somebody looked.
#[derive(Default)]
struct Made {
    own: bool,
    forwarded_by: BTreeSet<String>,
}

#[async_trait]
impl Leadership for Leaders {
    fn leader(&self) -> Option<Arc<Leader>> {
        let current = self.0.leader.lock().expect("no holder of this lock panics");
        let other = current.other.as_ref().filter(|_| current.has_answered);
        other.filter(|leader| leader.is_usable()).cloned()
    }

    fn id(&self) -> &str {
        &self.0.id
    }

    fn made_here(&self, forwarded_by: Option<&str>) {
        let mut made = self.0.made.lock().expect("no holder of this lock panics");
        match forwarded_by {
            None => made.own = true,
            Some(instance) if made.forwarded_by.contains(instance) => {}
            Some(instance) => {
                made.forwarded_by.insert(instance.to_owned());
            }
        }
    }

    fn applied(&self) -> String {
        let applied = self.0.store.applied().borrow().head;
        serde_json::to_string(&applied).expect("a position is JSON")
    }

    async fn catch_up(&self, ctx: &Context, applied: Option<&str>) -> Result<(), BoxError> {
        let state = applied.map(serde_json::from_str::<Option<Head>>).transpose()?;
        self.0.store.catch_up(ctx, state.flatten()).await
    }
}

impl Leaders {
    pub(super) fn new(id: String, store: Store, peers: PeerNet) -> Leaders {
        let (leader, made, changed) = (Mutex::default(), Mutex::default(), Notify::new());
        Leaders(Arc::new(Known { id, store, peers, leader, changed, made }))
    }

    fn is_vacant(&self) -> bool {
        self.0.leader.lock().expect("no holder of this lock panics").record.is_none()
    }

    fn set(&self, record: Option<LeaderRecord>) {
        let mut current = self.0.leader.lock().expect("no holder of this lock panics");
        if current.record == record {
            return;
        }
        // While a deployment begins to use TLS, some instances cannot speak to others.
        let PeerNet { net, transport } = &self.0.peers;
        let other = record.as_ref().filter(|it| it.id != self.0.id && it.transport == *transport);
        current.other = other.and_then(|LeaderRecord { id, address, .. }| {
            let net = Arc::clone(net);
            Leader::new(net, address.clone(), id, &self.0.id).ok().map(Arc::new)
        });
        current.has_answered = false;
        tracing::debug!(leader = record.as_ref().map(|record| &*record.address), "leader");
        current.record = record;
        self.0.changed.notify_one();
    }

    /// The leader, as long as it has not answered yet.
    fn unanswered(&self) -> Option<Arc<Leader>> {
        let current = self.0.leader.lock().expect("no holder of this lock panics");
        current.other.clone().filter(|_| !current.has_answered)
    }

    fn answered(&self, leader: &Arc<Leader>) {
        let mut current = self.0.leader.lock().expect("no holder of this lock panics");
        current.has_answered |= current.other.as_ref().is_some_and(|it| Arc::ptr_eq(it, leader));
    }

    fn take_made(&self) -> Made {
        std::mem::take(&mut *self.0.made.lock().expect("no holder of this lock panics"))
    }
}

/// Follows the leader's key, and takes it when that is due.
pub(super) struct LeaderTask {
    leaders: Leaders,
    env: Env,
    coord: Bounded,
    keys: Keys,
    gate: Gate,
    /// The address by which others reach this instance.
    address: String,
    /// The time to live of the leader's lease.
    ttl: Duration,
}

impl LeaderTask {
    pub(super) fn new(
        leaders: Leaders,
        (env, coord, keys): (Env, Bounded, Keys),
        gate: Gate,
        address: String,
        ttl: Duration,
    ) -> LeaderTask {
        LeaderTask { leaders, env, coord, keys, gate, address, ttl }
    }

    /// Runs until `stop`, then gives the lease back.
    pub(super) async fn run(self, stop: CancellationToken) {
        let mut held = None;
        let all = async { tokio::join!(self.follow(), self.greet(), self.lead(&mut held)) };
        stop.run_until_cancelled(all).await;
        if let Some(Held { lock, .. }) = held {
            give_up(lock).await;
        }
    }

    async fn follow(&self) {
        let mut backoff = Backoff::new(&self.env, "leader-watch");
        loop {
            let watched = match self.read_and_watch().await {
                Ok(watch) => self.observe(watch).await,
                Err(error) => Err(error),
            };
            match watched {
                Ok(()) => backoff.reset(),
                Err(error) => {
                    tracing::debug!(error = %Chain(error.as_ref()), "could not read the leader");
                    backoff.pause().await;
                }
            }
        }
    }

    async fn read_and_watch(&self) -> Result<WatchStream, BoxError> {
        let (found, revision) = self.coord.get(self.keys.leader()).await?;
        self.note(found.as_ref());
        let range = KeyRange::single(self.keys.leader());
        Ok(self.coord.watch(WatchRequest::new(range).from(revision + 1)).await?)
    }

    /// Takes the events of a watch until it has been quiet for a while.
    async fn observe(&self, mut watch: WatchStream) -> Result<(), BoxError> {
        loop {
            let next = tokio::time::timeout(IDLE_CHECK, watch.next()).await;
            let Ok(batch) = next else { return Ok(()) };
            for event in batch.ok_or("the watch ended")??.events {
                self.note(Some(event.kv).filter(|_| event.kind == EventKind::Put).as_ref());
            }
        }
    }

    fn note(&self, found: Option<&KeyValue>) {
        // A record that cannot be read is of a later version, whose requests differ.
        self.leaders.set(found.and_then(|kv| decode(&kv.key, &kv.value).ok()));
    }

    /// Greets every new leader until it answers.
    async fn greet(&self) {
        let mut backoff = Backoff::new(&self.env, "leader-greeting");
        loop {
            let Some(leader) = self.leaders.unanswered() else {
                self.leaders.0.changed.notified().await;
                backoff.reset();
                continue;
            };
            match leader.greet(&Context::background().timeout(GREETING)).await {
                Ok(()) => self.leaders.answered(&leader),
                Err(error) => {
                    tracing::debug!(error = %Chain(&error), "the leader does not answer");
                    backoff.pause().await;
                }
            }
        }
    }

    async fn lead(&self, held: &mut Option<Held>) {
        let wanted = self.leaders.0.store.settings().leader_conflicts;
        let mut conflicts_before = self.conflicts_now();
        loop {
            tokio::time::sleep(LOOK).await;
            let conflicts = self.conflicts_now() - conflicts_before;
            conflicts_before += conflicts;
            let made = self.leaders.take_made();
            let serving = self.gate.state() == GateState::Normal;
            match held {
                // It stays there while it is renewed: this future may be dropped at any time.
                Some(lead) => {
                    if !(serving && lead.keep(&made, self.ttl).await)
                        && let Some(lead) = held.take()
                    {
                        give_up(lead.lock).await;
                    }
                }
                None if serving && conflicts >= wanted && self.leaders.is_vacant() => {
                    *held = self.take().await;
                }
                None => {}
            }
        }
    }

    fn conflicts_now(&self) -> u64 {
        self.leaders.0.store.stats().conflicts_so_far()
    }

    async fn take(&self) -> Option<Held> {
        let (id, address) = (self.leaders.0.id.clone(), self.address.clone());
        let transport = self.leaders.0.peers.transport;
        let record = encode(&LeaderRecord { id, address, transport });
        let record = String::from_utf8(record).ok()?;
        let taken = Lock::try_take(&self.coord, self.keys.leader(), &record, self.ttl).await;
        let lock = taken.inspect_err(|error| tracing::debug!(%error, "cannot lead")).ok()??;
        tracing::info!("the other instances forward changes to this one");
        let now = Instant::now();
        Some(Held { lock, renewed: now, needed: now })
    }
}

/// The leader's lease, held by this instance.
struct Held {
    lock: Lock,
    renewed: Instant,
    /// When changes of more than one other instance were last made here, or this instance's own.
    needed: Instant,
}

impl Held {
    /// Keeps the lease; `false`: it is lost, or not needed any more.
    async fn keep(&mut self, made: &Made, ttl: Duration) -> bool {
        let single = !made.own && made.forwarded_by.len() == 1;
        if !single {
            self.needed = Instant::now();
        }
        if self.needed.elapsed() >= SINGLE_SOURCE {
            return false;
        }
        if self.renewed.elapsed() < ttl / RENEWALS {
            return true;
        }
        let begun = Instant::now();
        match self.lock.renew().await {
            Ok(()) => self.renewed = begun,
            Err(error) if error.is_transient() => {}
            Err(_) => return false,
        }
        self.renewed.elapsed() < ttl
    }
}

async fn give_up(lock: Lock) {
    if let Err(error) = lock.release().await {
        tracing::debug!(%error, "could not revoke the leader's lease, which will expire");
    }
}
