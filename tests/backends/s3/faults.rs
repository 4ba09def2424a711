//! What the product's client makes of each fault, and what is there afterwards.

use std::sync::Arc;

use drydock_core::env::Env;
use drydock_core::objects::Objects;
use drydock_sim_s3::{Code, ConditionalWrites, Outcome, Personality};
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, PutPayload};

use super::server::{BUCKET, Server};

fn payload() -> PutPayload {
    PutPayload::from_static(b"0123456789")
}

async fn server() -> Server {
    Server::start(Personality::default()).await
}

#[tokio::test]
async fn a_put_that_fails_has_happened_or_has_not() {
    let cases = [
        (Outcome::Refuse(Code::SlowDown), false),
        (Outcome::Refuse(Code::InternalError), false),
        (Outcome::Fail(Code::SlowDown), true),
        (Outcome::Fail(Code::InternalError), true),
        (Outcome::LateFail(Code::InternalError), true),
        (Outcome::ResetBefore, false),
        (Outcome::ResetAfter, true),
    ];
    for (outcome, applied) in cases {
        let server = server().await;
        server.script.next(outcome);
        let put = server.client().put(&Path::from("a"), payload()).await;
        assert!(matches!(put, Err(Error::Generic { .. })), "{outcome:?}: {put:?}");
        assert_eq!(!server.keys().is_empty(), applied, "{outcome:?}");
    }
}

/// Two answers that look the same and mean opposite things: why nobody may conclude from
/// `AlreadyExists` who wrote the object, or that there is one.
#[tokio::test]
async fn already_exists_says_nothing_about_who_wrote() {
    let server = server().await;
    let client = server.client();
    let key = Path::from("a");
    let create = || client.put_opts(&key, payload(), PutMode::Create.into());
    server.script.next(Outcome::Refuse(Code::ConditionalRequestConflict));
    assert!(matches!(create().await, Err(Error::AlreadyExists { .. })));
    assert!(server.keys().is_empty());
    server.script.next(Outcome::ResetAfter);
    assert!(matches!(create().await, Err(Error::Generic { .. })));
    assert!(matches!(create().await, Err(Error::AlreadyExists { .. })));
    assert_eq!(server.keys(), ["a"]);
}

#[tokio::test]
async fn a_body_that_is_cut_off_is_an_error_not_a_short_object() {
    let server = server().await;
    let client = server.client();
    client.put(&Path::from("a"), payload()).await.unwrap();
    for bytes in [0, 4, 9] {
        server.script.next(Outcome::Truncate(bytes));
        let got = client.get(&Path::from("a")).await.unwrap();
        let read: Result<Vec<_>, _> = got.into_stream().try_collect().await;
        assert!(read.is_err(), "{bytes}: {read:?}");
    }
    server.script.next(Outcome::Truncate(10));
    assert_eq!(client.get(&Path::from("a")).await.unwrap().bytes().await.unwrap().len(), 10);
}

#[tokio::test]
async fn an_upload_may_fail_after_its_answer_began() {
    for (outcome, applied) in [
        (Outcome::LateRefuse(Code::InternalError), false),
        (Outcome::LateFail(Code::InternalError), true),
    ] {
        let server = server().await;
        let client = server.client();
        let mut upload = client.put_multipart(&Path::from("a")).await.unwrap();
        upload.put_part(payload()).await.unwrap();
        server.script.next(outcome);
        let completed = upload.complete().await;
        let text = format!("{completed:?}");
        assert!(completed.is_err() && text.contains("InternalError"), "{outcome:?}: {text}");
        assert_eq!(!server.keys().is_empty(), applied, "{outcome:?}");
    }
}

/// Uploads of two parts: the requests begin one, send each part, and complete it.
#[tokio::test]
async fn an_upload_that_is_given_up_or_fails_leaves_no_parts_behind() {
    let refused = Outcome::Refuse(Code::InternalError);
    for (fine, succeeds) in [(1, false), (2, false), (3, false), (4, true)] {
        let server = server().await;
        let objects = Objects::new(Arc::new(server.client()), Env::system());
        let bytes = vec![7; (8 << 20) + 1];
        let mut given_up = objects.upload(&Path::from("given-up"));
        given_up.push(&bytes).await.unwrap();
        given_up.abort().await;
        (0..fine).for_each(|_| server.script.next(Outcome::Fine));
        if !succeeds {
            server.script.next(refused);
        }
        let mut upload = objects.upload(&Path::from("a"));
        let done = match upload.push(&bytes).await {
            Ok(()) => upload.finish().await,
            Err(error) => {
                upload.abort().await;
                Err(error)
            }
        };
        assert_eq!(done.is_ok(), succeeds, "{fine}: {done:?}");
        assert_eq!(server.keys(), ["a"][..usize::from(succeeds)], "{fine}");
        let left = server.s3.state().bucket(BUCKET).unwrap().uploads().count();
        assert_eq!(left, 0, "after {fine} requests that are fine");
    }
}

#[tokio::test]
async fn one_key_of_many_may_stay() {
    let server = server().await;
    let client = server.client();
    for key in ["a", "b", "c"] {
        client.put(&Path::from(key), payload()).await.unwrap();
    }
    // The request, then its keys one by one.
    server.script.next(Outcome::Fine);
    server.script.next(Outcome::Fine);
    server.script.next(Outcome::Refuse(Code::AccessDenied));
    let keys = stream::iter(["a", "b", "c"].map(|key| Ok(Path::from(key)))).boxed();
    let deleted: Vec<_> = client.delete_stream(keys).collect().await;
    let outcomes: Vec<_> = deleted.iter().map(Result::is_ok).collect();
    assert_eq!(outcomes, [true, false, true], "{deleted:?}");
    assert_eq!(server.keys(), ["b"]);
}

#[tokio::test]
async fn conditions_may_be_ignored_or_refused() {
    for (conditional_writes, overwritten) in
        [(ConditionalWrites::Ignored, true), (ConditionalWrites::Refused, false)]
    {
        let personality = Personality { conditional_writes, ..Personality::default() };
        let server = Server::start(personality).await;
        let client = server.client();
        client.put_opts(&Path::from("a"), payload(), PutMode::Overwrite.into()).await.unwrap();
        let create = client.put_opts(&Path::from("a"), payload(), PutMode::Create.into()).await;
        match overwritten {
            true => assert!(create.is_ok(), "{create:?}"),
            false => assert!(matches!(create, Err(Error::Generic { .. })), "{create:?}"),
        }
    }
}
