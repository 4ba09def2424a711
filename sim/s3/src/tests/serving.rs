//! A server for the tests, on loopback.

use std::sync::Arc;

use jiff::Timestamp;
use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{Calm, Personality, S3, Settings, serve};

pub const BUCKET: &str = "bucket";
pub const KEY: &str = "key";
pub const SECRET: &str = "secret";

pub struct Server {
    pub s3: Arc<S3>,
    pub address: String,
    _end: DropGuard,
}

impl Server {
    pub async fn start() -> Server {
        let settings = Settings {
            keys: [(KEY.to_owned(), SECRET.to_owned())].into(),
            personality: Personality::default(),
            ..Settings::default()
        };
        let (clock, rng) = (Arc::new(now), ChaCha12Rng::seed_from_u64(1));
        let s3 = Arc::new(S3::new(settings, clock, rng, Arc::new(Calm)));
        s3.state().create_bucket(BUCKET, now()).unwrap();
        #[expect(clippy::disallowed_methods, reason = "these tests are about real connections")]
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let shutdown = CancellationToken::new();
        tokio::spawn(serve(Box::new(listener), s3.clone(), shutdown.clone()));
        Server { s3, address, _end: shutdown.drop_guard() }
    }

    pub async fn dial(&self) -> TcpStream {
        #[expect(clippy::disallowed_methods, reason = "these tests are about real connections")]
        let stream = TcpStream::connect(&self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// Sends a request on a connection of its own; answers all that comes back.
    pub async fn exchange(&self, request: &str) -> String {
        let mut stream = self.dial().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// Keys of all objects that are really there.
    pub fn keys(&self) -> Vec<String> {
        let state = self.s3.state();
        state.bucket(BUCKET).unwrap().objects().map(|(key, _)| key.to_owned()).collect()
    }
}

#[expect(clippy::disallowed_methods, reason = "clients sign with the machine's clock")]
pub fn now() -> Timestamp {
    Timestamp::now()
}
