//! Every service, as the real client sees it.

use std::time::Duration;

use etcd_client::{
    AlarmAction, AlarmType, Compare, CompareOp, DeleteOptions, Error, EventType, GetOptions,
    LeaseGrantOptions, LockOptions, PutOptions, ResignOptions, SortOrder, SortTarget, Txn, TxnOp,
    TxnOpResponse, WatchOptions,
};

use tonic::Code;

use super::harness::{Served, config, watch};

#[tokio::test(start_paused = true)]
async fn keys_are_put_read_and_deleted() {
    let served = Served::new(config(1));
    let mut client = served.client(0).await;
    client.put("a", "1", None).await.unwrap();
    let put = client.put("a", "2", Some(PutOptions::new().with_prev_key())).await.unwrap();
    assert_eq!(put.prev_key().unwrap().value(), b"1");
    let header = put.header().unwrap();
    assert_eq!((header.revision(), header.raft_term()), (3, 2));
    assert_ne!(header.cluster_id(), header.member_id());
    client.put("b", "3", None).await.unwrap();

    let options = GetOptions::new().with_all_keys().with_sort(SortTarget::Mod, SortOrder::Descend);
    let got = client.get("", Some(options)).await.unwrap();
    let keys: Vec<_> = got.kvs().iter().map(|kv| kv.key_str().unwrap()).collect();
    assert_eq!(keys, ["b", "a"]);
    let old = client.get("a", Some(GetOptions::new().with_revision(2))).await.unwrap();
    assert_eq!(old.kvs()[0].value(), b"1");

    let options = DeleteOptions::new().with_prefix().with_prev_key();
    let deleted = client.delete("a", Some(options)).await.unwrap();
    assert_eq!((deleted.deleted(), deleted.prev_kvs()[0].value()), (1, &b"2"[..]));
    assert_eq!(client.get("a", None).await.unwrap().count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_range_can_be_streamed() {
    let served = Served::new(config(1));
    let mut client = served.client(0).await;
    for key in 0..5 {
        client.put(format!("{key}"), "", None).await.unwrap();
    }
    let options = GetOptions::new().with_all_keys();
    let mut parts = client.kv_client().get_stream("", Some(options)).await.unwrap();
    let mut keys = 0;
    let mut count = 0;
    while let Some(part) = parts.message().await.unwrap() {
        keys += part.kvs().len();
        count = part.count();
    }
    assert_eq!((keys, count), (5, 5));
}

#[tokio::test(start_paused = true)]
async fn transactions_take_one_branch() {
    let served = Served::new(config(1));
    let mut client = served.client(0).await;
    let claim = |value: &str| {
        Txn::new()
            .when([Compare::create_revision("lock", CompareOp::Equal, 0)])
            .and_then([TxnOp::put("lock", value, None)])
            .or_else([TxnOp::get("lock", None)])
    };
    assert!(client.txn(claim("first")).await.unwrap().succeeded());
    let second = client.txn(claim("second")).await.unwrap();
    assert!(!second.succeeded());
    let TxnOpResponse::Get(found) = &second.op_responses()[0] else { panic!("{second:?}") };
    assert_eq!(found.kvs()[0].value(), b"first");
    assert_eq!(second.header().unwrap().revision(), 2);
}

#[tokio::test(start_paused = true)]
async fn refusals_have_the_codes_and_words_of_etcd() {
    let served = Served::new(config(1));
    let mut client = served.client(0).await;
    let refused = |error: etcd_client::Error| match error {
        etcd_client::Error::GRpcStatus(status) => (status.code(), status.message().to_owned()),
        other => panic!("{other}"),
    };
    let future = Some(GetOptions::new().with_revision(9));
    let (code, words) = refused(client.get("a", future).await.unwrap_err());
    assert_eq!(code, tonic::Code::OutOfRange);
    assert_eq!(words, "etcdserver: mvcc: required revision is a future revision");
    let unknown = Some(PutOptions::new().with_lease(5));
    let (code, words) = refused(client.put("a", "", unknown).await.unwrap_err());
    assert_eq!((code, &*words), (tonic::Code::NotFound, "etcdserver: requested lease not found"));
    let large = vec![0; 3 * 512 * 1024];
    let (code, words) = refused(client.put("a", large, None).await.unwrap_err());
    assert_eq!((code, &*words), (tonic::Code::InvalidArgument, "etcdserver: request is too large"));
    let larger = vec![0; 3 << 20];
    let (code, _) = refused(client.put("a", larger, None).await.unwrap_err());
    assert_eq!(code, tonic::Code::ResourceExhausted);
}

#[tokio::test(start_paused = true)]
async fn a_watch_tells_of_the_past_and_of_what_comes() {
    let served = Served::new(config(1));
    let mut client = served.client(0).await;
    client.put("a", "1", None).await.unwrap();
    client.delete("a", None).await.unwrap();
    let options = WatchOptions::new().with_start_revision(2).with_prev_key();
    let mut watch = watch(&mut client, "a", Some(options)).await;
    let past = watch.message().await.unwrap().unwrap();
    let kinds: Vec<_> = past.events().iter().map(|event| event.event_type()).collect();
    assert_eq!(kinds, [EventType::Put, EventType::Delete]);
    assert_eq!(past.events()[1].prev_kv().unwrap().value(), b"1");
    client.put("a", "2", None).await.unwrap();
    let next = watch.message().await.unwrap().unwrap();
    assert_eq!(next.header().unwrap().revision(), 4);
    assert_eq!(next.events()[0].kv().unwrap().value(), b"2");
    watch.request_progress().await.unwrap();
    let progress = watch.message().await.unwrap().unwrap();
    assert!(progress.events().is_empty());
    assert_eq!((progress.watch_id(), progress.header().unwrap().revision()), (-1, 4));
    watch.cancel(next.watch_id()).await.unwrap();
    assert!(watch.message().await.unwrap().unwrap().canceled());
}

#[tokio::test(start_paused = true)]
async fn a_quiet_watch_that_asked_for_it_is_told_of_progress() {
    let served = Served::new(config(1));
    let mut client = served.client(0).await;
    let options = WatchOptions::new().with_progress_notify();
    let mut watch = watch(&mut client, "a", Some(options)).await;
    client.put("b", "", None).await.unwrap();
    let progress = watch.message().await.unwrap().unwrap();
    assert!(progress.events().is_empty());
    assert_eq!(progress.header().unwrap().revision(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_lease_lasts_while_it_is_kept_alive() {
    let served = Served::new(config(1));
    let mut client = served.client(0).await;
    let lease = client.lease_grant(5, None).await.unwrap().id();
    client.put("a", "", Some(PutOptions::new().with_lease(lease))).await.unwrap();
    let (mut keeper, mut kept) = client.lease_keep_alive(lease).await.unwrap();
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_secs(4)).await;
        keeper.keep_alive().await.unwrap();
        assert_eq!(kept.message().await.unwrap().unwrap().ttl(), 5);
    }
    assert_eq!(client.get("a", None).await.unwrap().count(), 1);
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(client.get("a", None).await.unwrap().count(), 0);
    keeper.keep_alive().await.unwrap();
    assert_eq!(kept.message().await.unwrap().unwrap().ttl(), 0);
    assert_eq!(client.lease_time_to_live(lease, None).await.unwrap().ttl(), -1);
    let chosen = Some(LeaseGrantOptions::new().with_id(77));
    client.lease_grant(5, chosen).await.unwrap();
    assert_eq!(client.leases().await.unwrap().leases()[0].id(), 77);
    client.lease_revoke(77).await.unwrap();
    assert!(client.lease_revoke(77).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_lock_passes_on_when_it_is_unlocked_and_when_its_lease_ends() {
    let served = Served::new(config(1));
    let mut client = served.client(0).await;
    let first = client.lock("l", None).await.unwrap();
    let short = client.lease_grant(5, None).await.unwrap().id();
    let mut waiter = served.client(0).await;
    let second =
        tokio::spawn(
            async move { waiter.lock("l", Some(LockOptions::new().with_lease(short))).await },
        );
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!second.is_finished());
    client.unlock(first.key()).await.unwrap();
    let second = second.await.unwrap().unwrap();
    assert_eq!(second.key(), format!("l/{short:x}").as_bytes());
    let third = client.lock("l", None).await.unwrap();
    assert_ne!(third.key(), second.key());
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_waiting_for_a_lock_leaves_no_key() {
    let served = Served::new(config(1));
    let mut client = served.client(0).await;
    client.lock("l", None).await.unwrap();
    let mut waiter = served.client(0).await;
    let limit = Duration::from_secs(1);
    assert!(tokio::time::timeout(limit, waiter.lock("l", None)).await.is_err());
    tokio::time::sleep(limit).await;
    let queue = client.get("l/", Some(GetOptions::new().with_prefix())).await.unwrap();
    assert_eq!(queue.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn elections_have_one_leader_at_a_time() {
    let served = Served::new(config(1));
    let mut client = served.client(0).await;
    assert!(client.leader("e").await.is_err());
    let lease = client.lease_grant(60, None).await.unwrap().id();
    let won = client.campaign("e", "one", lease).await.unwrap();
    let mut observed = client.observe("e").await.unwrap();
    assert_eq!(observed.message().await.unwrap().unwrap().kv().unwrap().value(), b"one");
    let rival_lease = client.lease_grant(60, None).await.unwrap().id();
    let mut rival = served.client(0).await;
    let lost = tokio::spawn(async move { rival.campaign("e", "two", rival_lease).await });
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!lost.is_finished());
    let leader = won.leader().unwrap().clone();
    client.resign(Some(ResignOptions::new().with_leader(leader))).await.unwrap();
    lost.await.unwrap().unwrap();
    assert_eq!(observed.message().await.unwrap().unwrap().kv().unwrap().value(), b"two");
    assert_eq!(client.leader("e").await.unwrap().kv().unwrap().value(), b"two");
}

#[tokio::test(start_paused = true)]
async fn status_members_and_alarms_are_told() {
    let served = Served::new(config(3));
    let mut client = served.client(1).await;
    let members = client.member_list().await.unwrap();
    assert_eq!(members.members().len(), 3);
    let status = client.status().await.unwrap();
    let leader = served.etcd.look(|cluster, _| cluster.members()[0].id);
    assert_eq!((status.leader(), status.raft_term()), (leader, 2));
    client.alarm(AlarmAction::Activate, AlarmType::Nospace, None).await.unwrap();
    assert!(client.put("a", "", None).await.is_err());
    let raised = client.alarm(AlarmAction::Get, AlarmType::None, None).await.unwrap();
    assert_eq!(raised.alarms().len(), 1);
    client.alarm(AlarmAction::Deactivate, AlarmType::Nospace, None).await.unwrap();
    client.put("a", "", None).await.unwrap();
    let mut other = served.client(2).await;
    let hash = client.hash_kv(0).await.unwrap().hash();
    assert_eq!(other.hash_kv(0).await.unwrap().hash(), hash);
    client.move_leader(0).await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn there_are_no_users_and_none_can_be_added() {
    let served = Served::new(config(1));
    let mut client = served.client(0).await;
    client.auth_disable().await.unwrap();
    assert!(client.user_list().await.unwrap().users().is_empty());
    assert!(client.role_list().await.unwrap().roles().is_empty());
    let said = |error: Error| match error {
        Error::GRpcStatus(status) => (status.code(), status.message().to_owned()),
        other => panic!("{other}"),
    };
    let refused = |words: &str| (Code::FailedPrecondition, format!("etcdserver: {words}"));
    let enabled = client.auth_enable().await.unwrap_err();
    assert_eq!(said(enabled), refused("root user does not exist"));
    let user = client.user_get("nobody").await.unwrap_err();
    assert_eq!(said(user), refused("user name not found"));
    let role = client.role_delete("nothing").await.unwrap_err();
    assert_eq!(said(role), refused("role name not found"));
    let added = client.user_add("root", "secret", None).await.unwrap_err();
    assert_eq!(said(added).0, Code::Unimplemented);
}
