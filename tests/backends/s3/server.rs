//! The simulated S3 on loopback, and the product's own client for it.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use drydock_backends::connect::ConnectSettings;
use drydock_backends::objects::{Addressing, Credentials, S3Settings, builder};
use drydock_backends::tcp::TcpNet;
use drydock_core::env::Env;
use drydock_core::net::{BoxStream, Listener, Net};
use drydock_sim::storage::Accepts;
use drydock_sim_s3::{Call, Interference, Outcome, Personality, S3, Settings, Strike, serve};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use tokio_util::sync::CancellationToken;
use tokio_util::sync::DropGuard;

pub const BUCKET: &str = "bucket";
pub const KEY: &str = "key";
pub const SECRET: &str = "secret";
pub const DOMAIN: &str = "s3.test";

pub struct Server {
    pub s3: Arc<S3>,
    pub address: String,
    pub script: Script,
    _end: DropGuard,
}

/// Strikes the requests that follow, one after the other.
#[derive(Clone, Default)]
pub struct Script(Arc<Mutex<Vec<Strike>>>);

impl Script {
    pub fn next(&self, outcome: Outcome) {
        self.0.lock().expect("no panic").push(Strike { outcome, ..Strike::default() });
    }
}

impl Interference for Script {
    fn strike(&self, _: &Call<'_>) -> Strike {
        let mut strikes = self.0.lock().expect("no panic");
        if strikes.is_empty() { Strike::default() } else { strikes.remove(0) }
    }
}

impl Server {
    pub async fn start(personality: Personality) -> Server {
        let settings = Settings {
            keys: [(KEY.to_owned(), SECRET.to_owned())].into(),
            domain: Some(DOMAIN.to_owned()),
            personality,
            ..Settings::default()
        };
        let (script, env) = (Script::default(), Env::system());
        let (rng, clock) = (env.rng("s3"), env.clone());
        let clock = Arc::new(move || clock.now());
        let s3 = Arc::new(S3::new(settings, clock, rng, Arc::new(script.clone())));
        s3.state().create_bucket(BUCKET, env.now()).expect("a new bucket");
        let listener = TcpNet.listen("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr();
        let shutdown = CancellationToken::new();
        tokio::spawn(serve(Box::new(Accepts(listener)), s3.clone(), shutdown.clone()));
        Server { s3, address, script, _end: shutdown.drop_guard() }
    }

    pub fn settings(&self) -> S3Settings {
        s3_settings(&self.address)
    }

    pub fn builder(&self) -> AmazonS3Builder {
        builder(&self.settings(), Arc::new(TcpNet))
    }

    pub fn client(&self) -> AmazonS3 {
        self.builder().build().expect("settings that can be used")
    }

    /// Keys of all objects that are really there.
    pub fn keys(&self) -> Vec<String> {
        let state = self.s3.state();
        state
            .bucket(BUCKET)
            .expect("nobody deletes it")
            .objects()
            .map(|(key, _)| key.to_owned())
            .collect()
    }
}

/// What the product needs to know of a server.
pub fn s3_settings(address: &str) -> S3Settings {
    S3Settings {
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
    }
}

/// Whatever is dialled is one server.
pub struct AllRoadsTo(pub String);

#[async_trait]
impl Net for AllRoadsTo {
    async fn dial(&self, _: &str) -> std::io::Result<BoxStream> {
        TcpNet.dial(&self.0).await
    }

    async fn listen(&self, address: &str) -> std::io::Result<Box<dyn Listener>> {
        TcpNet.listen(address).await
    }
}
