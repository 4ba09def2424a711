//! object_store's own conformance suite, with the product's client.

use std::sync::Arc;
use std::time::Duration;

use drydock_backends::objects::{Addressing, S3Settings, builder, open_s3};
use drydock_backends::tcp::TcpNet;
use drydock_sim_s3::Personality;
use object_store::aws::{AmazonS3, Checksum, S3CopyIfNotExists};
use object_store::integration::*;
use object_store::path::Path;
use object_store::{BackoffConfig, ObjectStoreExt, PutPayload, RetryConfig};

use super::server::{AllRoadsTo, DOMAIN, Server};

async fn with_server() -> (Server, AmazonS3) {
    let server = Server::start(Personality::default()).await;
    let client = server.client();
    (server, client)
}

#[tokio::test]
async fn objects_are_put_got_listed_and_deleted() {
    let (_server, client) = with_server().await;
    put_get_delete_list(&client).await;
    list_with_offset_exclusivity(&client).await;
    list_uses_directories_correctly(&client).await;
    list_with_delimiter(&client).await;
    list_paginated(&client, &client).await;
}

#[tokio::test]
async fn reads_honour_conditions_and_attributes() {
    let (_server, client) = with_server().await;
    get_opts(&client).await;
    put_get_attributes(&client).await;
    let missing = get_nonexistent_object(&client, None).await.unwrap_err();
    assert!(matches!(missing, object_store::Error::NotFound { .. }), "{missing}");
}

#[tokio::test]
async fn objects_are_copied_and_renamed() {
    let (server, client) = with_server().await;
    rename_and_copy(&client).await;
    let in_parts = server.builder().with_copy_if_not_exists(S3CopyIfNotExists::Multipart);
    let in_parts = in_parts.build().unwrap();
    copy_if_not_exists(&in_parts).await;
    copy_rename_nonexistent_object(&in_parts).await;
}

#[tokio::test]
async fn bodies_are_streamed() {
    let (_server, client) = with_server().await;
    stream_get(&client).await;
}

#[tokio::test]
async fn uploads_come_in_parts() {
    let (_server, client) = with_server().await;
    multipart(&client, &client).await;
    multipart_with_opts(&client, &client).await;
    multipart_put_part_out_of_order(&client, &client).await;
    multipart_out_of_order(&client).await;
}

#[tokio::test]
async fn the_last_completed_upload_wins() {
    let (_server, client) = with_server().await;
    multipart_race_condition(&client, true).await;
}

#[tokio::test]
async fn writes_are_conditional() {
    let (server, _) = with_server().await;
    // The suite takes it for granted that the client tries again after a 409.
    let init_backoff = Duration::from_millis(1);
    let backoff = BackoffConfig { init_backoff, ..BackoffConfig::default() };
    let retry = RetryConfig { backoff, ..RetryConfig::default() };
    put_opts(&server.builder().with_retry(retry).build().unwrap(), true).await;
}

#[tokio::test]
async fn payloads_may_be_unsigned_or_have_checksums() {
    let (server, _) = with_server().await;
    let unsigned = server.builder().with_unsigned_payload(true);
    put_get_delete_list(&unsigned.build().unwrap()).await;
    for checksum in [Checksum::SHA256, Checksum::CRC64NVME] {
        let client = server.builder().with_checksum_algorithm(checksum).build().unwrap();
        put_get_delete_list(&client).await;
        multipart(&client, &client).await;
    }
}

#[tokio::test]
async fn a_bucket_may_be_named_by_the_host() {
    let (server, _) = with_server().await;
    let settings = S3Settings {
        endpoint: Some(format!("http://bucket.{DOMAIN}:9000")),
        addressing: Addressing::VirtualHost,
        ..server.settings()
    };
    let net = Arc::new(AllRoadsTo(server.address.clone()));
    put_get_delete_list(&builder(&settings, net).build().unwrap()).await;
}

#[tokio::test]
async fn a_wrong_secret_is_found_out_by_the_first_call() {
    let (server, _) = with_server().await;
    let mut settings = server.settings();
    if let drydock_backends::objects::Credentials::Keys { secret_key, .. } =
        &mut settings.credentials
    {
        *secret_key = "wrong".into();
    }
    let store = open_s3(&settings, Arc::new(TcpNet)).unwrap();
    let put = store.put(&Path::from("a"), PutPayload::from_static(b"1")).await.unwrap_err();
    assert!(matches!(put, object_store::Error::PermissionDenied { .. }), "{put}");
    assert!(put.to_string().contains("SignatureDoesNotMatch"), "{put}");
    assert!(server.keys().is_empty());
}
