//! What goes wrong, as the real client sees it.

use std::time::Duration;

use etcd_client::{Client, ConnectOptions, GetOptions};
use tokio::time::Instant;

use super::harness::{Served, config, watch};
use crate::{Bug, Config, Error, Failure, Injection, Method};

fn failure(error: Error, applied: bool) -> Injection {
    Injection { failure: Some(Failure { error, applied }), ..Injection::default() }
}

fn words(error: etcd_client::Error) -> String {
    match error {
        etcd_client::Error::GRpcStatus(status) => status.message().to_owned(),
        other => panic!("{other}"),
    }
}

async fn count(client: &mut Client, options: GetOptions) -> i64 {
    client.get("", Some(options.with_all_keys())).await.unwrap().count()
}

#[tokio::test(start_paused = true)]
async fn a_write_can_fail_with_and_without_effect() {
    let served = Served::new(config(1));
    let mut client = served.client(0).await;
    for (applied, expected) in [(false, 0), (true, 1)] {
        served.faults.plan(Method::Put, failure(Error::LeaderChanged, applied));
        let error = client.put("a", "", None).await.unwrap_err();
        assert_eq!(words(error), "etcdserver: leader changed");
        assert_eq!(count(&mut client, GetOptions::new()).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn delays_are_before_or_after_the_effect() {
    let served = Served::new(config(1));
    let mut client = served.client(0).await;
    let second = Duration::from_secs(1);
    for (before, after, effect) in [(second, Duration::ZERO, 1), (Duration::ZERO, second, 2)] {
        served.faults.plan(Method::Put, Injection { before, after, ..Injection::default() });
        let started = Instant::now();
        let mut writer = served.client(0).await;
        let write = tokio::spawn(async move { writer.put("a", "", None).await.map(|_| ()) });
        tokio::time::sleep(second / 2).await;
        let revision = served.etcd.look(|cluster, _| cluster.machine().revision());
        write.await.unwrap().unwrap();
        assert!(started.elapsed() >= second);
        assert_eq!(revision, effect + i64::from(after > before));
    }
    assert_eq!(count(&mut client, GetOptions::new()).await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_lagging_member_is_stale_for_serializable_reads_only() {
    let served = Served::new(config(3));
    let mut client = served.client(0).await;
    served.etcd.change(|cluster, _| cluster.hold(1));
    client.put("a", "", None).await.unwrap();
    let mut lagging = served.client(1).await;
    assert_eq!(count(&mut lagging, GetOptions::new().with_serializable()).await, 0);
    let options = GetOptions::new().with_all_keys();
    let error = lagging.get("", Some(options)).await.unwrap_err();
    assert_eq!(words(error), "etcdserver: request timed out");
    let error = lagging.put("b", "", None).await.unwrap_err();
    assert_eq!(words(error), "etcdserver: request timed out");
    assert_eq!(count(&mut client, GetOptions::new()).await, 2, "the late put took effect");
    served.etcd.change(|cluster, _| cluster.release(1));
    assert_eq!(count(&mut lagging, GetOptions::new()).await, 2);
}

#[tokio::test(start_paused = true)]
async fn a_member_that_stood_still_answers_linearizable_reads_only_with_that_bug() {
    let bugs = [Bug::StaleRead].into();
    let served = Served::new(Config { bugs, ..config(3) });
    served.etcd.change(|cluster, _| cluster.hold(1));
    served.client(0).await.put("a", "", None).await.unwrap();
    assert_eq!(count(&mut served.client(1).await, GetOptions::new()).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_member_cut_off_serves_only_what_it_has() {
    let served = Served::new(config(3));
    served.client(0).await.put("a", "", None).await.unwrap();
    served.etcd.change(|cluster, now| cluster.isolate(2, now));
    let mut cut_off = served.client(2).await;
    assert_eq!(count(&mut cut_off, GetOptions::new().with_serializable()).await, 1);
    let error = cut_off.put("b", "", None).await.unwrap_err();
    assert_eq!(words(error), "etcdserver: request timed out, possibly due to connection lost");
    let options = ConnectOptions::new().with_require_leader(true);
    let mut demanding = served.client_with(2, Some(options)).await;
    assert_eq!(words(demanding.put("b", "", None).await.unwrap_err()), "etcdserver: no leader");
}

#[tokio::test(start_paused = true)]
async fn writes_wait_for_the_next_leader() {
    let mut served = Served::new(config(3));
    served.kill(0);
    let mut client = served.client(1).await;
    let put = client.put("a", "", None).await.unwrap();
    assert_eq!(put.header().unwrap().raft_term(), 3);
    served.kill(1);
    let mut last = served.client(2).await;
    let error = last.put("b", "", None).await.unwrap_err();
    assert_eq!(
        words(error),
        "etcdserver: request timed out, possibly due to previous leader failure"
    );
}

#[tokio::test(start_paused = true)]
async fn the_streams_of_a_dead_member_end() {
    let mut served = Served::new(config(3));
    let mut client = served.client(1).await;
    let mut watch = watch(&mut client, "a", None).await;
    served.kill(1);
    assert!(watch.message().await.is_err());
    assert!(client.put("a", "", None).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_wants_a_leader_ends_without_one() {
    let served = Served::new(config(3));
    let options = ConnectOptions::new().with_require_leader(true);
    let mut demanding = served.client_with(2, Some(options)).await;
    let mut patient = served.client(2).await;
    let mut ends = watch(&mut demanding, "a", None).await;
    let mut stays = watch(&mut patient, "a", None).await;
    served.etcd.change(|cluster, now| cluster.isolate(2, now));
    assert_eq!(words(ends.message().await.unwrap_err()), "etcdserver: no leader");
    served.etcd.change(|cluster, now| cluster.rejoin(2, now));
    served.client(0).await.put("a", "", None).await.unwrap();
    assert_eq!(stays.message().await.unwrap().unwrap().events().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_watch_can_be_refused() {
    let served = Served::new(config(1));
    served.faults.plan(Method::Watch, failure(Error::TooManyRequests, false));
    let mut client = served.client(0).await;
    let error = match client.watch("a", None).await {
        Err(error) => error,
        Ok(mut watch) => watch.message().await.unwrap_err(),
    };
    assert_eq!(words(error), "etcdserver: too many requests");
}
