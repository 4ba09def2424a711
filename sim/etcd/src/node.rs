//! One member as its clients meet it: the cluster behind a lock, with waiting and injected faults.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use etcd_client::proto::{PbRangeRequest, PbRangeResponse, PbTxnRequest, PbTxnResponse};
use tokio::sync::Notify;

use super::cluster::{Bug, Cluster};
use super::error::{Error, Result};
use super::faults::{Call, Failure, Faults, Injection, Method, Observer, Watching};

/// The monotonic clock that all members share.
pub trait Clock: Send + Sync {
    fn now(&self) -> Duration;
}

impl<F: Fn() -> Duration + Send + Sync> Clock for F {
    fn now(&self) -> Duration {
        self()
    }
}

/// A cluster that several members serve.
pub struct Etcd {
    cluster: Mutex<Cluster>,
    changed: Notify,
    clock: Arc<dyn Clock>,
    faults: Arc<dyn Faults>,
    observer: Arc<dyn Observer>,
    postponed: Mutex<Vec<Postponed>>,
}

/// A transaction that nobody waits for any more.
struct Postponed {
    due: Duration,
    member: usize,
    peer: Arc<str>,
    txn: PbTxnRequest,
}

impl Etcd {
    pub fn new(cluster: Cluster, clock: Arc<dyn Clock>, faults: Arc<dyn Faults>) -> Arc<Etcd> {
        Etcd::observed(cluster, clock, faults, Arc::new(()))
    }

    pub fn observed(
        cluster: Cluster,
        clock: Arc<dyn Clock>,
        faults: Arc<dyn Faults>,
        observer: Arc<dyn Observer>,
    ) -> Arc<Etcd> {
        Arc::new(Etcd {
            cluster: Mutex::new(cluster),
            changed: Notify::new(),
            clock,
            faults,
            observer,
            postponed: Mutex::default(),
        })
    }

    /// Changes the cluster, or makes something happen to it.
    pub fn change<T>(&self, work: impl FnOnce(&mut Cluster, Duration) -> T) -> T {
        let now = self.clock.now();
        let answer = {
            let mut cluster = self.cluster.lock().unwrap_or_else(PoisonError::into_inner);
            let answer = work(&mut cluster, now);
            self.observer.changed(&cluster);
            answer
        };
        self.changed.notify_waiters();
        answer
    }

    /// Looks at the cluster.
    pub fn look<T>(&self, work: impl FnOnce(&Cluster, Duration) -> T) -> T {
        let now = self.clock.now();
        let cluster = self.cluster.lock().unwrap_or_else(PoisonError::into_inner);
        work(&cluster, now)
    }

    /// Forgets transactions that were to take effect later.
    pub fn forget_postponed(&self) {
        self.postponed().clear();
    }

    /// Lets transactions take effect that were to do so by now.
    pub(super) fn apply_postponed(&self) {
        let now = self.clock.now();
        let due: Vec<_> = self.postponed().extract_if(.., |it| it.due <= now).collect();
        for Postponed { member, peer, txn, .. } in due {
            let answer = self.change(|cluster, _| cluster.txn(member, &txn));
            if let Ok(answer) = answer {
                self.observer.decided(&peer, &txn, &answer);
            }
        }
    }

    fn postponed(&self) -> MutexGuard<'_, Vec<Postponed>> {
        self.postponed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Completes with the next change after this call.
    pub(super) fn changed(&self) -> impl Future<Output = ()> + '_ {
        self.changed.notified()
    }
}

/// What a request asks of its member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Consistency {
    Linearizable,
    /// Whatever this member has.
    Serializable,
}

#[derive(Clone)]
pub struct Node {
    pub(super) etcd: Arc<Etcd>,
    pub(super) member: usize,
    /// Who is served.
    peer: Arc<str>,
}

impl Node {
    pub fn new(etcd: Arc<Etcd>, member: usize) -> Node {
        Node { etcd, member, peer: "".into() }
    }

    /// The same member, as one client meets it.
    pub(super) fn serving(&self, peer: String) -> Node {
        Node { peer: peer.into(), ..self.clone() }
    }

    /// Runs a transaction that may change something.
    pub(super) async fn commit(&self, key: &[u8], txn: &PbTxnRequest) -> Result<PbTxnResponse> {
        let call = self.call(Method::Txn, key);
        if let Some(later) = self.etcd.faults.postpone(&call) {
            let (due, peer) = (self.etcd.clock.now() + later, self.peer.clone());
            let postponed = Postponed { due, member: self.member, peer, txn: txn.clone() };
            self.etcd.postponed().push(postponed);
            return std::future::pending().await;
        }
        self.propose((Method::Txn, key), |cluster, _| {
            let answer = cluster.txn(self.member, txn)?;
            self.etcd.observer.decided(&self.peer, txn, &answer);
            Ok(answer)
        })
        .await
    }

    pub(super) fn watching(&self) -> Watching {
        self.etcd.faults.watching(&self.peer)
    }

    pub(super) fn has_read(&self, range: &PbRangeRequest, answer: &PbRangeResponse) {
        self.etcd.observer.read(&self.peer, range, answer);
    }

    pub(super) fn lagged(&self) {
        self.etcd.faults.lagged(&self.peer);
    }

    pub(super) fn forgets(&self, key: &[u8]) -> bool {
        self.etcd.faults.forgets(&self.peer, key)
    }

    fn call<'a>(&'a self, method: Method, key: &'a [u8]) -> Call<'a> {
        Call { peer: &self.peer, member: self.member, method, key }
    }

    /// Runs a request that has to be agreed on, and answers once this member has applied it.
    pub(super) async fn propose<T>(
        &self,
        (method, key): (Method, &[u8]),
        work: impl FnOnce(&mut Cluster, Duration) -> Result<T>,
    ) -> Result<T> {
        let proposed = async {
            let since = self.await_leader().await?;
            let (answer, revision) = self.etcd.change(|cluster, now| {
                let answer = work(cluster, now);
                (answer, cluster.machine().revision())
            });
            self.await_applied(revision, since).await?;
            answer
        };
        self.with_faults(method, key, proposed).await
    }

    /// Runs a request that only looks, given the revision up to which it may see.
    pub(super) async fn query<T>(
        &self,
        (method, key): (Method, &[u8]),
        consistency: Consistency,
        work: impl FnOnce(&Cluster, i64, Duration) -> Result<T>,
    ) -> Result<T> {
        let asked = async {
            if consistency == Consistency::Linearizable {
                self.confirm_read().await?;
            }
            self.etcd.look(|cluster, now| work(cluster, cluster.applied(self.member), now))
        };
        self.with_faults(method, key, asked).await
    }

    pub(super) async fn with_faults<T>(
        &self,
        method: Method,
        key: &[u8],
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let call = self.call(method, key);
        let injected = self.etcd.faults.decide(&call);
        let mut over = Over { faults: &*self.etcd.faults, call, injected, answer: None };
        pause(injected.before).await;
        let answer = match injected.failure {
            Some(Failure { error, applied: false }) => Err(error),
            Some(Failure { error, applied: true }) => work.await.and(Err(error)),
            None => work.await,
        };
        if let Err(error) = &answer {
            self.etcd.faults.failed(&call, *error);
        }
        pause(injected.after).await;
        over.answer = Some(answer.as_ref().map(drop).map_err(|error| *error));
        answer
    }

    /// Passes on what became of a request before anything was asked of the cluster.
    pub(super) fn checked(&self, (method, key): (Method, &[u8]), check: Result<()>) -> Result<()> {
        if check.is_err() {
            let call = self.call(method, key);
            self.etcd.faults.answered(&call, &Injection::default(), Some(check));
        }
        check
    }

    /// Waits until the cluster satisfies `ready`, or tells why that took too long.
    pub(super) async fn until(
        &self,
        since: Duration,
        ready: impl Fn(&Cluster) -> Result<bool>,
    ) -> Result<()> {
        let limit = self.etcd.look(|cluster, _| cluster.config().request_timeout);
        let waiting = async {
            loop {
                let changed = self.etcd.changed();
                if self.etcd.look(|cluster, _| ready(cluster))? {
                    return Ok(());
                }
                changed.await;
            }
        };
        match tokio::time::timeout(limit, waiting).await {
            Ok(done) => done,
            Err(_) => Err(self.etcd.look(|cluster, _| cluster.timeout(self.member, since))),
        }
    }

    /// Answers when the waiting began.
    pub(super) async fn await_leader(&self) -> Result<Duration> {
        let since = self.etcd.look(|_, now| now);
        self.until(since, |cluster| {
            self.check_running(cluster)?;
            Ok(cluster.led(self.member))
        })
        .await?;
        Ok(since)
    }

    async fn await_applied(&self, revision: i64, since: Duration) -> Result<()> {
        self.until(since, |cluster| {
            self.check_running(cluster)?;
            Ok(cluster.applied(self.member) >= revision)
        })
        .await
    }

    /// Makes sure that this member has applied all that was agreed on when the read began.
    async fn confirm_read(&self) -> Result<()> {
        let stale = self.etcd.look(|cluster, _| {
            let behind = cluster.applied(self.member) < cluster.machine().revision();
            cluster.bugs().has(Bug::StaleRead)
                && (!behind || cluster.bugs().strikes(Bug::StaleRead))
        });
        if stale {
            return Ok(());
        }
        let since = self.await_leader().await?;
        let (revision, term) =
            self.etcd.look(|cluster, _| (cluster.machine().revision(), cluster.term()));
        self.until(since, |cluster| {
            self.check_running(cluster)?;
            let caught_up = cluster.applied(self.member) >= revision;
            if !caught_up && cluster.term() != term {
                return Err(Error::LeaderChanged);
            }
            Ok(caught_up)
        })
        .await
    }

    fn check_running(&self, cluster: &Cluster) -> Result<()> {
        if cluster.members()[self.member].running() { Ok(()) } else { Err(Error::Stopped) }
    }
}

/// Tells that a request is over, also if its client has given it up.
struct Over<'a> {
    faults: &'a dyn Faults,
    call: Call<'a>,
    injected: Injection,
    answer: Option<Result<()>>,
}

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.faults.answered(&self.call, &self.injected, self.answer);
    }
}

async fn pause(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}
