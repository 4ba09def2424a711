//! What etcd does that one would not guess, asked of both.

use drydock_backends::testing::{self, EtcdServers};
use etcd_client::{
    Client, CompactionOptions, Error, GetOptions, LockOptions, SortOrder, SortTarget, Txn, TxnOp,
    WatchOptions, WatchStream,
};

use super::simulated::Simulated;

const UNKNOWN_LEASE: i64 = 133;

/// Each of them with a server of its own, both of which have just begun.
fn compare<F: Future<Output = Vec<String>>>(story: impl Fn(Client) -> F) {
    let program = testing::program(testing::ETCD);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let real = EtcdServers::start(&program, 1).await;
        let expected = story(Client::connect(real.endpoints(), None).await.unwrap()).await;
        let simulated = Simulated::start().await;
        let found = story(simulated.client().await).await;
        assert_eq!(found, expected, "the real etcd answers the second");
        assert!(!expected.is_empty());
    });
}

fn words(error: Error) -> String {
    match error {
        Error::GRpcStatus(status) => format!("{:?}: {}", status.code(), status.message()),
        other => panic!("{other}"),
    }
}

async fn told(watch: &mut WatchStream) -> String {
    let told = watch.message().await.unwrap().unwrap();
    format!(
        "{} created={} cancelled={} compacted={} {}",
        told.watch_id(),
        told.created(),
        told.canceled(),
        told.compact_revision(),
        told.cancel_reason()
    )
}

#[test]
#[ignore = "needs real servers: `.ci/test` brings them"]
fn the_id_of_a_watch_that_a_compaction_cancelled_is_taken_until_its_client_cancels_it() {
    compare(|mut client| async move {
        for _ in 0..5 {
            client.put("a", "", None).await.unwrap();
        }
        let physical = CompactionOptions::new().with_physical();
        client.compact(5, Some(physical)).await.unwrap();
        let seven = || WatchOptions::new().with_watch_id(7);
        let late = seven().with_start_revision(2);
        let mut watch = client.watch("a", Some(late)).await.unwrap();
        let mut story = vec![told(&mut watch).await, told(&mut watch).await];
        watch.watch("a", Some(seven())).await.unwrap();
        story.push(told(&mut watch).await);
        // The second cancel is not answered: the next answer is that to what follows.
        watch.cancel(7).await.unwrap();
        watch.cancel(7).await.unwrap();
        watch.watch("a", Some(seven())).await.unwrap();
        story.extend([told(&mut watch).await, told(&mut watch).await]);
        story
    });
}

#[test]
#[ignore = "needs real servers: `.ci/test` brings them"]
fn a_transaction_that_reads_at_a_negative_revision_writes_nothing_once_there_was_a_compaction() {
    compare(|mut client| async move {
        let mut story = Vec::new();
        for compacted in [false, true] {
            client.put("a", "", None).await.unwrap();
            if compacted {
                let revision = client.get("a", None).await.unwrap().header().unwrap().revision();
                client.compact(revision, None).await.unwrap();
            }
            for revision in [-1, -2] {
                let at = || GetOptions::new().with_revision(revision);
                let read = TxnOp::get("a", Some(at()));
                let write = TxnOp::put("b", "", None);
                for ops in [vec![write, read.clone()], vec![read]] {
                    let done = client.txn(Txn::new().and_then(ops)).await;
                    let now = client.get("a", Some(at())).await.unwrap();
                    let now = now.header().unwrap().revision();
                    let said = done.map_or_else(words, |done| done.succeeded().to_string());
                    story.push(format!("{compacted} {revision}: {said}, now {now}"));
                }
            }
        }
        story
    });
}

#[test]
#[ignore = "needs real servers: `.ci/test` brings them"]
fn a_lock_or_a_campaign_with_an_unknown_lease_is_refused_without_a_code() {
    compare(|mut client| async move {
        let options = LockOptions::new().with_lease(UNKNOWN_LEASE);
        let lock = client.lock("l", Some(options)).await.unwrap_err();
        let campaign = client.campaign("e", "me", UNKNOWN_LEASE).await.unwrap_err();
        let all = GetOptions::new().with_all_keys();
        let left = client.get("", Some(all)).await.unwrap().count();
        vec![words(lock), words(campaign), left.to_string()]
    });
}

/// Both keep up to 12 keys in order, and no more.
#[test]
#[ignore = "needs real servers: `.ci/test` brings them"]
fn many_keys_that_sort_alike_come_in_no_particular_order() {
    compare(|mut client| async move {
        let mut story = Vec::new();
        for count in [12, 40] {
            for key in 0..count {
                for _ in 0..=(key * 7 % 5) % 2 {
                    client.put(format!("{key:02}"), "", None).await.unwrap();
                }
            }
            for (order, limit) in
                [(SortOrder::Ascend, 0), (SortOrder::Ascend, 5), (SortOrder::Descend, 5)]
            {
                let options = GetOptions::new()
                    .with_all_keys()
                    .with_sort(SortTarget::Version, order)
                    .with_limit(limit);
                let found = client.get("", Some(options)).await.unwrap();
                let versions: Vec<_> = found.kvs().iter().map(|kv| kv.version()).collect();
                let in_order = found.kvs().is_sorted_by_key(|kv| match order {
                    SortOrder::Descend => (-kv.version(), kv.key().to_vec()),
                    _ => (kv.version(), kv.key().to_vec()),
                });
                story.push(format!("{count} {limit} {versions:?} {in_order}"));
            }
            let all = etcd_client::DeleteOptions::new().with_all_keys();
            client.delete("", Some(all)).await.unwrap();
        }
        story
    });
}
