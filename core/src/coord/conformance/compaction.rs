//! Compaction: the history is dropped, the present state stays.

use super::Subject;
use crate::coord::{Error, RangeRequest, Result, Revision};

async fn compact(subject: &dyn Subject, revision: Revision) {
    let done = subject.store().compact(revision).await;
    done.expect("a compaction");
}

async fn names_at(subject: &dyn Subject, revision: Revision) -> Result<String> {
    let request = RangeRequest::new(subject.all()).at(revision);
    let found = subject.store().range(request).await?;
    Ok(subject.names(&found.kvs))
}

pub async fn the_compacted_revision_stays_readable(subject: &dyn Subject) {
    subject.put("gone", "x").await;
    subject.put("a", "1").await;
    subject.delete("gone").await;
    let kept = subject.put("b", "2").await;
    let newest = subject.delete("a").await;
    compact(subject, kept).await;
    let at = async |revision| names_at(subject, revision).await;
    assert_eq!(at(kept).await.expect("readable"), "a b");
    assert_eq!(at(newest).await.expect("readable"), "b");
}

pub async fn what_is_before_is_refused(subject: &dyn Subject) {
    let first = subject.put("a", "1").await;
    let second = subject.put("a", "2").await;
    compact(subject, second).await;
    let refused = names_at(subject, first).await;
    assert!(matches!(refused, Err(Error::Compacted { .. })), "{refused:?}");
}

pub async fn the_present_is_untouched(subject: &dyn Subject) {
    let created = subject.put("old", "1").await;
    subject.put("many", "1").await;
    subject.put("many", "2").await;
    subject.put("deleted", "1").await;
    let newest = subject.delete("deleted").await;
    let before = subject.range(RangeRequest::new(subject.all())).await;
    compact(subject, newest).await;
    let after = subject.range(RangeRequest::new(subject.all())).await;
    assert_eq!(after, before);
    let old = subject.get("old").await.expect("it is there");
    assert_eq!((old.create_revision, old.version), (created, 1));
    subject.put("old", "2").await;
    let old = subject.get("old").await.expect("it is there");
    assert_eq!((old.create_revision, old.version), (created, 2));
    subject.put("deleted", "2").await;
    assert_eq!(subject.get("deleted").await.expect("there").version, 1);
}

pub async fn it_only_goes_forward(subject: &dyn Subject) {
    let first = subject.put("a", "1").await;
    let second = subject.put("a", "2").await;
    compact(subject, second).await;
    for revision in [first, second] {
        let refused = subject.store().compact(revision).await;
        assert!(matches!(refused, Err(Error::Compacted { .. })), "{refused:?}");
    }
    let refused = subject.store().compact(second + 1).await;
    assert!(matches!(refused, Err(Error::FutureRevision { .. })), "{refused:?}");
    assert_eq!(subject.revision().await, second);
}
