//! What failures of members mean, and how calls get to another one.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use drydock_backends::etcd::{Etcd, EtcdSettings};
use drydock_backends::tcp::TcpNet;
use drydock_core::coord::conformance::Subject;
use drydock_core::coord::{
    Coordination, CoordinationExt, Error, KeyRange, Op, Outcome, Put, Txn, WatchRequest,
};
use drydock_core::net::{BoxStream, Listener, Net};
use drydock_sim_etcd::{Error as Answer, Failure, Injection, Method};
use futures_util::StreamExt;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::simulated::Simulated;

/// What the store waits for its coordination.
const PATIENCE: Duration = Duration::from_secs(3);

fn put(value: &str) -> Txn {
    Txn::default().then(Op::put("k", value.to_owned()))
}

fn fails(error: Answer, applied: bool) -> Injection {
    Injection { failure: Some(Failure { error, applied }), ..Injection::default() }
}

async fn value(store: &dyn Coordination) -> Option<Vec<u8>> {
    let (found, _) = store.get("k").await.expect("a read");
    found.map(|kv| kv.value.to_vec())
}

#[tokio::test]
async fn a_write_that_timed_out_is_unknown_whether_it_took_effect_or_not() {
    let cluster = Simulated::start(1).await;
    for (applied, expected) in [(false, None), (true, Some(b"1".to_vec()))] {
        cluster.faults.plan(Method::Txn, fails(Answer::Timeout, applied));
        let error = cluster.store.txn(put("1")).await.unwrap_err();
        assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
        assert_eq!(value(&cluster.store).await, expected);
    }
}

#[tokio::test]
async fn a_write_that_is_refused_for_want_of_space_is_looked_for() {
    let cluster = Simulated::start(1).await;
    // The one that crosses the quota takes effect.
    for (applied, outcome) in [(false, Outcome::NotApplied), (true, Outcome::Applied)] {
        cluster.faults.plan(Method::Txn, fails(Answer::NoSpace, applied));
        let error = cluster.store.txn(put("1")).await.unwrap_err();
        assert_eq!(error.outcome(), outcome, "{error}");
    }
}

#[tokio::test]
async fn a_write_refused_for_want_of_a_leader_is_asked_of_the_next_member() {
    let cluster = Simulated::start(3).await;
    cluster.faults.plan(Method::Txn, fails(Answer::NoLeader, false));
    cluster.store.txn(put("1")).await.unwrap();
    let found = cluster.store.get("k").await.unwrap().0.unwrap();
    assert_eq!(found.version, 1, "it was applied once");
}

#[tokio::test]
async fn a_write_that_a_busy_member_refuses_had_no_effect() {
    let cluster = Simulated::start(3).await;
    cluster.faults.plan(Method::Txn, fails(Answer::TooManyRequests, false));
    let error = cluster.store.txn(put("1")).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    assert_eq!(value(&cluster.store).await, None);
}

#[tokio::test]
async fn reads_are_asked_of_the_next_member_whatever_went_wrong() {
    let cluster = Simulated::start(3).await;
    cluster.store.txn(put("1")).await.unwrap();
    for error in [Answer::Timeout, Answer::LeaderChanged, Answer::Stopped, Answer::NoLeader] {
        cluster.faults.plan(Method::Range, fails(error, false));
        assert_eq!(value(&cluster.store).await, Some(b"1".to_vec()), "{error}");
    }
}

#[tokio::test]
async fn the_member_that_leads_is_asked_soon_after_an_election() {
    let cluster = Simulated::start(3).await;
    for leader in [1, 2, 0] {
        cluster.server.change(|cluster, now| cluster.elect(leader, now)).unwrap();
        let found = async {
            loop {
                cluster.store.txn(put("1")).await.unwrap();
                if cluster.faults.asked() == Some(leader) {
                    return;
                }
            }
        };
        tokio::time::timeout(PATIENCE, found).await.expect("it is found");
    }
}

#[tokio::test]
async fn a_cluster_without_a_majority_refuses_and_changes_nothing() {
    let mut cluster = Simulated::start(3).await;
    cluster.store.txn(put("1")).await.unwrap();
    cluster.kill(1);
    cluster.kill(2);
    let error = cluster.store.txn(put("2")).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    let error = cluster.store.get("k").await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
}

#[tokio::test]
async fn the_death_of_the_member_asked_costs_one_unknown_answer_at_most() {
    let mut cluster = Simulated::start(3).await;
    cluster.store.txn(put("1")).await.unwrap();
    cluster.kill(0);
    cluster.advance(Duration::from_secs(2)).await;
    if let Err(error) = cluster.store.txn(put("2")).await {
        assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
    }
    cluster.store.txn(put("3")).await.unwrap();
    assert_eq!(value(&cluster.store).await, Some(b"3".to_vec()));
}

#[tokio::test]
async fn a_watch_breaks_with_its_member_and_goes_on_at_another_by_its_revision() {
    let mut cluster = Simulated::start(3).await;
    let store = cluster.store.clone();
    let all = || WatchRequest::new(KeyRange::prefix("k"));
    let mut watch = store.watch(all()).await.unwrap();
    let first = store.put(Put::new("k", "1")).await.unwrap();
    assert_eq!(watch.next().await.unwrap().unwrap().revision, first);
    cluster.kill(0);
    cluster.advance(Duration::from_secs(2)).await;
    let broken = watch.next().await.unwrap().unwrap_err();
    assert!(matches!(broken, Error::Unavailable { .. }), "{broken:?}");
    assert!(watch.next().await.is_none());
    let second = store.put(Put::new("k", "2")).await.unwrap();
    let mut watch = store.watch(all().from(first + 1)).await.unwrap();
    let batch = watch.next().await.unwrap().unwrap();
    assert_eq!((batch.revision, batch.events.len()), (second, 1));
}

#[tokio::test]
async fn a_watch_at_a_member_that_loses_the_others_breaks() {
    let cluster = Simulated::start(3).await;
    let store = cluster.store.clone();
    let mut watch = store.watch(WatchRequest::new(KeyRange::prefix("k"))).await.unwrap();
    cluster.server.change(|cluster, now| cluster.isolate(0, now));
    let broken = watch.next().await.unwrap().unwrap_err();
    assert!(broken.to_string().contains("no leader"), "{broken}");
}

#[tokio::test]
async fn a_watch_from_now_leaves_out_what_its_client_has_seen() {
    let cluster = Simulated::start(3).await;
    cluster.server.change(|cluster, _| cluster.hold(1));
    cluster.store.txn(put("1")).await.unwrap();
    // The next member is asked, which is behind.
    cluster.faults.plan(Method::Range, fails(Answer::Timeout, false));
    let watching = cluster.store.watch(WatchRequest::new(KeyRange::prefix("k")));
    let caught_up = async {
        tokio::task::yield_now().await;
        cluster.server.change(|cluster, _| cluster.release(1));
    };
    let (watch, ()) = tokio::join!(watching, caught_up);
    let second = cluster.store.put(Put::new("k", "2")).await.unwrap();
    let batch = watch.unwrap().next().await.unwrap().unwrap();
    assert_eq!(batch.revision, second);
}

/// TCP on which one member can be made silent: nothing arrives from it, nothing is refused.
struct Silencing {
    silent: String,
    now: Arc<AtomicBool>,
}

#[async_trait]
impl Net for Silencing {
    async fn dial(&self, authority: &str) -> io::Result<BoxStream> {
        let silenced = authority == self.silent;
        if silenced && self.now.load(Ordering::Relaxed) {
            return std::future::pending().await;
        }
        let stream = TcpNet.dial(authority).await?;
        if !silenced {
            return Ok(stream);
        }
        Ok(Box::new(Silenced { stream, now: self.now.clone() }))
    }

    async fn listen(&self, address: &str) -> io::Result<Box<dyn Listener>> {
        TcpNet.listen(address).await
    }
}

struct Silenced {
    stream: BoxStream,
    now: Arc<AtomicBool>,
}

impl AsyncRead for Silenced {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = std::pin::Pin::new(&mut self.stream).poll_read(context, buffer);
        if self.now.load(Ordering::Relaxed) {
            buffer.set_filled(before);
            return std::task::Poll::Pending;
        }
        read
    }
}

impl AsyncWrite for Silenced {
    fn poll_write(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<io::Result<usize>> {
        if self.now.load(Ordering::Relaxed) {
            return std::task::Poll::Ready(Ok(bytes.len()));
        }
        std::pin::Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        std::pin::Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        std::pin::Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// A cluster of three with a client whose first member can be silenced.
async fn with_silence() -> (Simulated, Etcd, Arc<AtomicBool>) {
    let cluster = Simulated::start(3).await;
    let now = Arc::new(AtomicBool::new(false));
    let silent = cluster.endpoints[0].trim_start_matches("http://").to_owned();
    let net = Arc::new(Silencing { silent, now: now.clone() });
    let store = Etcd::open(EtcdSettings::new(cluster.endpoints.clone()), net);
    (cluster, store.expect("settings"), now)
}

#[tokio::test]
async fn a_silent_member_costs_a_read_less_than_the_store_waits() {
    let (_cluster, store, silent) = with_silence().await;
    store.txn(put("1")).await.unwrap();
    let mut watch = store.watch(WatchRequest::new(KeyRange::prefix("k"))).await.unwrap();
    silent.store(true, Ordering::Relaxed);
    let began = Instant::now();
    assert_eq!(value(&store).await, Some(b"1".to_vec()));
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
    // What else hung on the connection is told at once.
    let broken = tokio::time::timeout(PATIENCE, watch.next()).await.expect("in time");
    assert!(broken.unwrap().is_err());
    store.txn(put("2")).await.unwrap();
}

#[tokio::test]
async fn a_silent_member_leaves_a_write_unknown_and_the_next_one_unhindered() {
    let (_cluster, store, silent) = with_silence().await;
    store.txn(put("1")).await.unwrap();
    silent.store(true, Ordering::Relaxed);
    let error = store.txn(put("2")).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
    let began = Instant::now();
    store.txn(put("3")).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}

#[tokio::test]
async fn callers_with_less_patience_get_away_from_a_silent_member_too() {
    let (_cluster, store, silent) = with_silence().await;
    store.txn(put("1")).await.unwrap();
    silent.store(true, Ordering::Relaxed);
    let short = Duration::from_millis(1200);
    assert!(tokio::time::timeout(short, store.get("k")).await.is_err());
    assert_eq!(value(&store).await, Some(b"1".to_vec()));
}

#[tokio::test]
async fn a_dial_into_the_void_ends_in_time_at_another_member() {
    let (_cluster, store, silent) = with_silence().await;
    silent.store(true, Ordering::Relaxed);
    let began = Instant::now();
    // Nothing was sent, so it is done all the same.
    store.txn(put("1")).await.unwrap();
    let took = began.elapsed();
    assert!(took >= Duration::from_secs(1) && took < PATIENCE, "{took:?}");
}
