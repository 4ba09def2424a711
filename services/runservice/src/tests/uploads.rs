//! Uploads that this instance takes.

use axum::body::{Body, BodyDataStream};
use drydock_api::runservice::types::{AttemptId, UploadQuery};
use futures_util::{FutureExt, StreamExt, stream};

use super::harness::{TestRuns, id};
use crate::uploads::UploadError;

fn query(bytes: &str) -> UploadQuery {
    let blake3 = blake3::hash(bytes.as_bytes()).to_hex().to_string();
    UploadQuery { size: bytes.len() as u64, blake3 }
}

/// These bytes, after which nothing comes, and no end.
fn endless(bytes: &'static str) -> BodyDataStream {
    let first = stream::iter([Ok::<_, std::io::Error>(bytes)]);
    Body::from_stream(first.chain(stream::pending())).into_data_stream()
}

#[tokio::test]
async fn no_more_uploads_are_taken_at_once_than_have_room_in_memory() {
    let runs = TestRuns::start().await;
    let (archives, expected) = (runs.archives(), query("bytes"));
    let upload = |body| Box::pin(archives.receive((AttemptId(id(1)), 0), &expected, body));
    let mut under_way: Vec<_> = (0..8).map(|_| upload(endless("by"))).collect();
    for upload in &mut under_way {
        assert!(upload.now_or_never().is_none());
    }
    let bytes = || Body::from("bytes").into_data_stream();
    assert!(matches!(upload(bytes()).await, Err(UploadError::Busy)));
    under_way.pop();
    upload(bytes()).await.unwrap();
}

#[tokio::test]
async fn bytes_beyond_the_size_that_was_said_are_not_waited_for() {
    let runs = TestRuns::start().await;
    let (archives, expected) = (runs.archives(), query("bytes"));
    let upload = archives.receive((AttemptId(id(1)), 0), &expected, endless("bytes!"));
    let refused = upload.now_or_never();
    assert!(matches!(refused, Some(Err(UploadError::Size))), "{refused:?}");
}
