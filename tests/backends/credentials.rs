//! Who may use the bucket: by a file, and by the role of the machine.

use std::convert::Infallible;
use std::sync::Arc;

use drydock_backends::connect::ConnectSettings;
use drydock_backends::objects::{Addressing, Credentials, CredentialsFile, S3Settings, builder};
use drydock_backends::tcp::TcpNet;
use drydock_core::env::Env;
use drydock_core::net::Net;
use drydock_sim::storage::Accepts;
use drydock_sim_s3::{Calm, S3, Settings, serve};
use http::{Method, Request, Response};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use object_store::aws::AmazonS3;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};
use serde_json::json;
use tokio_util::sync::{CancellationToken, DropGuard};

const BUCKET: &str = "bucket";
const KEY: &str = "the-key-of-the-role";
const SECRET: &str = "the-secret-of-the-role";

/// A simulated S3 that knows one key, and the settings for it.
async fn s3(credentials: Credentials) -> (S3Settings, DropGuard) {
    let keys = [(KEY.to_owned(), SECRET.to_owned())].into();
    let env = Env::system();
    let (rng, clock) = (env.rng("s3"), env.clone());
    let settings = Settings { keys, ..Settings::default() };
    let s3 = S3::new(settings, Arc::new(move || clock.now()), rng, Arc::new(Calm));
    s3.state().create_bucket(BUCKET, env.now()).expect("a new bucket");
    let listener = TcpNet.listen("127.0.0.1:0").await.expect("a free port");
    let settings = S3Settings {
        bucket: BUCKET.to_owned(),
        region: "us-east-1".to_owned(),
        endpoint: Some(format!("http://{}", listener.local_addr())),
        addressing: Addressing::Path,
        credentials,
        connect: ConnectSettings::default(),
    };
    let shutdown = CancellationToken::new();
    tokio::spawn(serve(Box::new(Accepts(listener)), Arc::new(s3), shutdown.clone()));
    (settings, shutdown.drop_guard())
}

async fn write(store: &AmazonS3) -> object_store::Result<()> {
    store.put(&Path::from("a.json"), PutPayload::from_static(b"{}")).await.map(drop)
}

/// What a machine of AWS tells itself of its role.
async fn metadata(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let roles = "/latest/meta-data/iam/security-credentials/";
    let told = match (request.method(), request.uri().path().strip_prefix(roles)) {
        (&Method::PUT, None) => "a token".to_owned(),
        (_, Some("")) => "drydock".to_owned(),
        (_, Some("drydock")) => json!({
            "Code": "Success",
            "AccessKeyId": KEY,
            "SecretAccessKey": SECRET,
            "Token": "a session",
            "Expiration": "2999-01-01T00:00:00Z",
            "LastUpdated": "2026-01-01T00:00:00Z",
            "Type": "AWS-HMAC",
        })
        .to_string(),
        _ => String::new(),
    };
    Ok(Response::new(Full::from(told)))
}

#[tokio::test]
async fn a_file_that_is_replaced_counts_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("credentials");
    let put = |secret: &str| {
        let text =
            format!("[production]\naws_access_key_id = {KEY}\naws_secret_access_key = {secret}\n");
        std::fs::write(&path, text).unwrap();
    };
    put("an-old-secret");
    let file = CredentialsFile { path: path.clone(), profile: "production".to_owned() };
    let (settings, _end) = s3(Credentials::File(file)).await;
    let store = builder(&settings, Arc::new(TcpNet)).build().unwrap();
    write(&store).await.unwrap_err();
    put(SECRET);
    write(&store).await.unwrap();
}

#[tokio::test]
async fn the_role_of_a_machine_is_asked_for_its_keys() {
    let mut listener = TcpNet.listen("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service_fn(metadata));
            tokio::spawn(connection);
        }
    });
    let (settings, _end) = s3(Credentials::Environment).await;
    let role = builder(&settings, Arc::new(TcpNet)).with_metadata_endpoint(url).build().unwrap();
    write(&role).await.unwrap();
}
