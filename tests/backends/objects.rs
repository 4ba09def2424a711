//! object_store's own suite, with the backend, against a simulated and a real S3 server.

use std::sync::Arc;

use drydock_backends::connect::ConnectSettings;
use drydock_backends::objects::{Addressing, Credentials, S3Settings, builder};
use drydock_backends::tcp::TcpNet;
use drydock_backends::testing::{self, Weed};
use drydock_core::env::Env;
use drydock_core::net::Net;
use drydock_sim::hosts::s3::{Calm, S3, Settings, serve};
use object_store::aws::AmazonS3;
use object_store::integration::*;
use tokio_util::sync::CancellationToken;

const BUCKET: &str = "bucket";
const KEY: &str = "key";
const SECRET: &str = "secret";

fn client(settings: &S3Settings) -> AmazonS3 {
    builder(settings, Arc::new(TcpNet)).build().expect("settings that can be used")
}

/// Without `put_get_delete_list`: SeaweedFS lists neighbours whose names differ by a slash or a
/// blank in an order of its own and, from an offset, not all. Drydock has no such names.
async fn suite(store: &AmazonS3) {
    get_opts(store).await;
    list_with_offset_exclusivity(store).await;
    list_uses_directories_correctly(store).await;
    list_with_delimiter(store).await;
    stream_get(store).await;
    multipart(store, store).await;
    multipart_out_of_order(store).await;
    multipart_put_part_out_of_order(store, store).await;
    rename_and_copy(store).await;
    let missing = get_nonexistent_object(store, None).await.expect_err("there is none");
    assert!(matches!(missing, object_store::Error::NotFound { .. }), "{missing}");
}

#[tokio::test]
async fn the_simulated_s3_passes_the_suite() {
    let settings =
        Settings { keys: [(KEY.to_owned(), SECRET.to_owned())].into(), ..Settings::default() };
    let env = Env::system();
    let s3 = Arc::new(S3::new(settings, env.clone(), Arc::new(Calm)));
    s3.state().create_bucket(BUCKET, env.now()).unwrap();
    let listener = TcpNet.listen("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr();
    let shutdown = CancellationToken::new();
    tokio::spawn(serve(listener, s3, shutdown.clone()));
    let _end = shutdown.drop_guard();
    let client = client(&S3Settings {
        bucket: BUCKET.to_owned(),
        region: "us-east-1".to_owned(),
        endpoint: Some(format!("http://{address}")),
        addressing: Addressing::Path,
        credentials: Credentials::Keys {
            access_key: KEY.to_owned(),
            secret_key: SECRET.into(),
            session_token: None,
        },
        connect: ConnectSettings::default(),
    });
    put_get_delete_list(&client).await;
    suite(&client).await;
}

#[tokio::test]
async fn seaweedfs_passes_the_suite() {
    let Some(program) = testing::program(testing::WEED) else { return };
    let weed = Weed::start(&program).await;
    suite(&client(&weed.settings())).await;
}
