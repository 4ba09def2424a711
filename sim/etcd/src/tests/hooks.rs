//! What a simulation does to single clients, what it sees, and clusters from backups.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use etcd_client::proto::{PbPutRequest, PbTxnRequest, PbTxnResponse};
use etcd_client::{Client, Txn, TxnOp, WatchOptions};
use tokio::time::Instant;

use super::harness::{Served, config, watch};
use crate::machine::is_delete;
use crate::{Call, Cluster, Error, Faults, Injection, Observer, Watching};

const TTL: Duration = Duration::from_secs(5);

/// Does to all clients what it is told to do, and notes what it sees.
#[derive(Default)]
struct Hooks {
    postponed: Mutex<Option<Duration>>,
    watching: Mutex<Watching>,
    forgotten: Mutex<Vec<u8>>,
    peers: Mutex<Vec<String>>,
    revisions: Mutex<Vec<i64>>,
    decided: Mutex<Vec<bool>>,
}

impl Faults for Hooks {
    fn decide(&self, call: &Call<'_>) -> Injection {
        self.peers.lock().unwrap().push(call.peer.to_owned());
        Injection::default()
    }

    fn postpone(&self, _: &Call<'_>) -> Option<Duration> {
        self.postponed.lock().unwrap().take()
    }

    fn watching(&self, _: &str) -> Watching {
        *self.watching.lock().unwrap()
    }

    fn forgets(&self, _: &str, key: &[u8]) -> bool {
        *self.forgotten.lock().unwrap() == key
    }
}

impl Observer for Hooks {
    fn changed(&self, cluster: &Cluster) {
        let mut revisions = self.revisions.lock().unwrap();
        let newest = cluster.machine().revision();
        if revisions.last() != Some(&newest) {
            revisions.push(newest);
        }
    }

    fn decided(&self, _: &str, _: &PbTxnRequest, answer: &PbTxnResponse) {
        self.decided.lock().unwrap().push(answer.succeeded);
    }
}

async fn served() -> (Arc<Hooks>, Served, Client) {
    let hooks = Arc::new(Hooks::default());
    let served = Served::observed(config(1), hooks.clone(), hooks.clone());
    let client = served.client(0).await;
    (hooks, served, client)
}

fn txn(key: &str) -> Txn {
    Txn::new().and_then([TxnOp::put(key, "1", None)])
}

#[tokio::test(start_paused = true)]
async fn a_postponed_transaction_takes_effect_when_its_client_has_long_given_up() {
    let (hooks, _served, mut client) = served().await;
    *hooks.postponed.lock().unwrap() = Some(Duration::from_secs(5));
    let asked = tokio::time::timeout(Duration::from_secs(2), client.txn(txn("a"))).await;
    assert!(asked.is_err(), "{asked:?}");
    assert!(client.get("a", None).await.unwrap().kvs().is_empty());
    tokio::time::advance(Duration::from_secs(4)).await;
    let mut watching =
        watch(&mut client, "a", Some(WatchOptions::new().with_start_revision(1))).await;
    let told = watching.message().await.unwrap().unwrap();
    assert_eq!(told.events().len(), 1);
    assert_eq!(*hooks.decided.lock().unwrap(), [true]);
}

#[tokio::test(start_paused = true)]
async fn watchers_lag_in_order_and_requests_do_not() {
    let (hooks, _served, mut client) = served().await;
    let mut watching = watch(&mut client, "a", None).await;
    hooks.watching.lock().unwrap().lag = Duration::from_secs(3);
    let begun = Instant::now();
    for value in ["1", "2"] {
        client.put("a", value, None).await.unwrap();
    }
    assert!(begun.elapsed() < Duration::from_secs(1));
    for value in ["1", "2"] {
        let told = watching.message().await.unwrap().unwrap();
        assert_eq!(told.events()[0].kv().unwrap().value(), value.as_bytes());
        assert!(begun.elapsed() >= Duration::from_secs(3));
    }
    assert!(begun.elapsed() < Duration::from_secs(4));
}

#[tokio::test]
async fn a_watch_can_be_broken_and_can_forget() {
    let (hooks, served, mut client) = served().await;
    *hooks.forgotten.lock().unwrap() = b"a1".to_vec();
    let all = WatchOptions::new().with_prefix();
    let mut watching = watch(&mut client, "a", Some(all)).await;
    for key in ["a0", "a1", "a2"] {
        client.put(key, "", None).await.unwrap();
    }
    for key in ["a0", "a2"] {
        let told = watching.message().await.unwrap().unwrap();
        assert_eq!(told.events()[0].kv().unwrap().key(), key.as_bytes());
    }
    hooks.watching.lock().unwrap().broken = Some(Error::NoLeader);
    // Whoever waits looks when something happens.
    served.etcd.change(|_, _| ());
    let broken = watching.message().await.unwrap_err().to_string();
    assert!(broken.contains("no leader"), "{broken}");
}

#[tokio::test]
async fn who_looks_on_sees_every_revision_and_who_asked() {
    let (hooks, _served, mut client) = served().await;
    for key in ["a", "b"] {
        client.put(key, "", None).await.unwrap();
    }
    client.txn(txn("c")).await.unwrap();
    assert_eq!(*hooks.revisions.lock().unwrap(), [2, 3, 4]);
    assert_eq!(*hooks.decided.lock().unwrap(), [true]);
    assert!(hooks.peers.lock().unwrap().iter().all(|peer| peer == "client"));
}

#[test]
fn a_backup_brings_back_keys_and_leases_of_then() {
    let put = |key: &str, lease| PbPutRequest { key: key.into(), lease, ..PbPutRequest::default() };
    let now = Duration::from_secs(100);
    let mut old = Cluster::new(config(1));
    let (lease, _) = old.grant(0, 5, now).unwrap();
    old.put(0, &put("leased", lease)).unwrap();
    old.put(0, &put("kept", 0)).unwrap();
    let then = old.machine().revision();
    old.revoke(lease).unwrap();
    old.put(0, &put("later", 0)).unwrap();
    let mut restored = Cluster::new(config(1));
    restored.take_over(&old, then, TTL, now);
    let machine = restored.machine();
    assert_eq!(machine.revision(), then);
    let live = |key: &str| machine.value_at(key.as_bytes(), then).is_some_and(|kv| !is_delete(kv));
    assert!(live("leased") && live("kept") && !live("later"));
    // It runs out as if it had just been granted.
    assert_eq!(machine.lease(lease).map(|lease| lease.expires), Some(now + TTL));
    let (next, _) = restored.grant(0, 5, now).unwrap();
    assert_ne!(next, lease);
}
