//! Leases: keys vanish together, and not too early.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Subject;
use super::subject::Watched;
use crate::coord::{
    CoordinationExt, Error, Lease, LeaseId, Put, RangeRequest, Revision, WatchRequest,
};

/// A time to live that is long compared to a store's resolution, and short enough to wait for.
const TTL: Duration = Duration::from_secs(4);
const STEP: Duration = Duration::from_millis(500);
/// How long after its deadline a lease may still exist.
const GRACE_STEPS: usize = 20;

async fn grant(subject: &dyn Subject) -> Lease {
    let lease = subject.store().lease_grant(TTL).await;
    lease.expect("a lease")
}

async fn put(subject: &dyn Subject, name: &str, lease: LeaseId) -> Revision {
    let put = Put::new(subject.key(name), "x").lease(lease);
    subject.store().put(put).await.expect("a put")
}

async fn revoke(subject: &dyn Subject, lease: LeaseId) {
    let done = subject.store().lease_revoke(lease).await;
    done.expect("a lease to revoke");
}

async fn names(subject: &dyn Subject) -> String {
    let found = subject.range(RangeRequest::new(subject.all())).await;
    subject.names(&found.kvs)
}

pub async fn it_is_granted_at_least_the_time_asked_for(subject: &dyn Subject) {
    for asked_ms in [0, 1, 1500, 4000, 4001, 86_400_000] {
        let asked = Duration::from_millis(asked_ms);
        let lease = subject.store().lease_grant(asked).await.expect("a lease");
        assert!(lease.ttl >= asked && !lease.ttl.is_zero(), "{lease:?}");
        let renewed = subject.store().lease_keep_alive(lease.id).await;
        assert_eq!(renewed.expect("it is there"), lease.ttl);
        revoke(subject, lease.id).await;
    }
}

pub async fn ids_differ(subject: &dyn Subject) {
    let mut ids = BTreeSet::new();
    for n in 0..20 {
        let lease = grant(subject).await;
        assert!(ids.insert(lease.id), "{lease:?}");
        if n % 2 == 0 {
            revoke(subject, lease.id).await;
        }
    }
}

pub async fn its_keys_vanish_in_one_revision_when_it_is_over(subject: &dyn Subject) {
    let lease = grant(subject).await;
    for name in ["b", "a", "c"] {
        put(subject, name, lease.id).await;
    }
    assert_eq!(subject.get("a").await.expect("there").lease, Some(lease.id));
    let before = subject.put("free", "x").await;
    let watch = subject.store().watch(WatchRequest::new(subject.all()));
    let mut watched = Watched::new(watch.await.expect("a watch"));
    subject.advance(lease.ttl * 3 / 4).await;
    assert_eq!(names(subject).await, "a b c free", "too early");
    subject.advance(lease.ttl / 4).await;
    for _ in 0..GRACE_STEPS {
        if names(subject).await == "free" {
            break;
        }
        subject.advance(STEP).await;
    }
    assert_eq!(names(subject).await, "free");
    assert_eq!(subject.revision().await, before + 1);
    let events = watched.events(3).await;
    assert_eq!(subject.show(&events), "-a -b -c");
}

pub async fn it_lives_on_while_it_is_kept_alive(subject: &dyn Subject) {
    let lease = grant(subject).await;
    put(subject, "a", lease.id).await;
    for _ in 0..3 {
        subject.advance(lease.ttl * 3 / 4).await;
        let renewed = subject.store().lease_keep_alive(lease.id).await;
        assert_eq!(renewed.expect("it lives on"), lease.ttl);
    }
    assert_eq!(names(subject).await, "a");
}

pub async fn revoking_deletes_its_keys_in_one_revision(subject: &dyn Subject) {
    let lease = grant(subject).await;
    put(subject, "a", lease.id).await;
    put(subject, "b", lease.id).await;
    let before = subject.put("free", "x").await;
    revoke(subject, lease.id).await;
    assert_eq!(names(subject).await, "free");
    assert_eq!(subject.revision().await, before + 1);
    let past = RangeRequest::new(subject.all()).at(before);
    assert_eq!(subject.range(past).await.count, 3);
}

pub async fn revoking_one_without_keys_changes_nothing(subject: &dyn Subject) {
    let before = subject.put("free", "x").await;
    let lease = grant(subject).await;
    revoke(subject, lease.id).await;
    assert_eq!(subject.revision().await, before);
}

pub async fn a_put_without_lease_frees_the_key(subject: &dyn Subject) {
    let lease = grant(subject).await;
    put(subject, "a", lease.id).await;
    put(subject, "b", lease.id).await;
    subject.put("a", "free").await;
    assert_eq!(subject.get("a").await.expect("there").lease, None);
    revoke(subject, lease.id).await;
    assert_eq!(names(subject).await, "a");
}

pub async fn a_put_with_another_lease_moves_the_key(subject: &dyn Subject) {
    let (first, second) = (grant(subject).await, grant(subject).await);
    put(subject, "a", first.id).await;
    put(subject, "a", second.id).await;
    revoke(subject, first.id).await;
    assert_eq!(names(subject).await, "a");
    revoke(subject, second.id).await;
    assert_eq!(names(subject).await, "");
}

pub async fn a_deleted_and_recreated_key_is_free(subject: &dyn Subject) {
    let lease = grant(subject).await;
    put(subject, "a", lease.id).await;
    subject.delete("a").await;
    subject.put("a", "free").await;
    revoke(subject, lease.id).await;
    assert_eq!(names(subject).await, "a");
}

pub async fn one_that_is_over_does_not_exist(subject: &dyn Subject) {
    let over = grant(subject).await.id;
    let revoked = grant(subject).await.id;
    revoke(subject, revoked).await;
    subject.advance(TTL + STEP * GRACE_STEPS as u32).await;
    for id in [over, revoked] {
        let error = subject.store().lease_keep_alive(id).await;
        assert!(matches!(error, Err(Error::LeaseNotExist(it)) if it == id));
        let error = subject.store().lease_revoke(id).await;
        assert!(matches!(error, Err(Error::LeaseNotExist(it)) if it == id));
        let put = Put::new(subject.key("a"), "x").lease(id);
        let error = subject.store().put(put).await;
        assert!(matches!(error, Err(Error::LeaseNotExist(it)) if it == id));
    }
}
