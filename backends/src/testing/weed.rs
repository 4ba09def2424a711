//! A real SeaweedFS, all of it in one process.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use object_store::path::Path as Key;
use object_store::{ObjectStoreExt, PutPayload};
use tempfile::TempDir;

use super::process::{Process, free_addresses};
use super::program::{ATTEMPTS, within_start};
use crate::connect::ConnectSettings;
use crate::objects::{Addressing, Credentials, S3Settings, open_s3};
use crate::tcp::TcpNet;

const ACCESS_KEY: &str = "access-key";
const SECRET_KEY: &str = "secret-key";
/// The size of a volume: enough for tests, and quickly created.
const VOLUME_MB: u32 = 64;
/// Each of its servers listens twice: for HTTP and for gRPC.
const PORTS: usize = 8;

pub struct Weed {
    program: PathBuf,
    ports: [String; PORTS],
    process: Option<Process>,
    folder: TempDir,
}

impl Weed {
    pub const BUCKET: &str = "bucket";
    /// Access key and secret key.
    pub const KEYS: (&str, &str) = (ACCESS_KEY, SECRET_KEY);

    /// Starts it with one bucket, and waits until objects can be written.
    pub async fn start(program: &Path) -> Weed {
        for _ in 0..ATTEMPTS {
            let addresses: [String; PORTS] = free_addresses().await;
            let port = |address: String| {
                let (_, port) = address.rsplit_once(':').expect("an address has a port");
                port.to_owned()
            };
            let folder = tempfile::tempdir().expect("a temporary folder");
            let ports = addresses.map(port);
            let mut weed = Weed { program: program.to_owned(), ports, process: None, folder };
            weed.run();
            if weed.ready().await {
                return weed;
            }
        }
        panic!("`{}` does not start", program.display());
    }

    /// Starts it, anew if it ran before.
    pub fn run(&mut self) {
        const NAMES: [&str; PORTS] = [
            "s3.port",
            "s3.port.grpc",
            "filer.port",
            "filer.port.grpc",
            "volume.port",
            "volume.port.grpc",
            "master.port",
            "master.port.grpc",
        ];
        let mut command = Command::new(&self.program);
        command
            .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
            .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
            .arg("server")
            .arg(format!("-dir={}", self.folder.path().display()))
            .args(["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"])
            .args(["-s3.port.iceberg=0", "-s3.port.lance=0", "-volume.max=0"])
            .arg(format!("-master.volumeSizeLimitMB={VOLUME_MB}"))
            .args(NAMES.iter().zip(&self.ports).map(|(name, port)| format!("-{name}={port}")));
        self.process = None;
        let log = self.folder.path().join("log");
        self.process = Some(Process::spawn(&mut command, &log));
    }

    pub fn process(&mut self) -> &mut Process {
        self.process.as_mut().expect("it was started")
    }

    /// Waits until objects can be written, after it was started anew.
    pub async fn wait(&self) {
        assert!(self.ready().await, "`{}` does not start again", self.program.display());
    }

    /// `host:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.ports[0])
    }

    pub fn settings(&self) -> S3Settings {
        Weed::settings_at(&self.address())
    }

    /// The settings for a server at `address`.
    pub fn settings_at(address: &str) -> S3Settings {
        S3Settings {
            bucket: Weed::BUCKET.to_owned(),
            region: "us-east-1".to_owned(),
            endpoint: Some(format!("http://{address}")),
            addressing: Addressing::Path,
            credentials: Credentials::Keys {
                access_key: ACCESS_KEY.to_owned(),
                secret_key: SECRET_KEY.into(),
                session_token: None,
            },
            connect: ConnectSettings::default(),
        }
    }

    /// Waits until objects can be written; the first one creates the bucket.
    async fn ready(&self) -> bool {
        let store = open_s3(&self.settings(), Arc::new(TcpNet)).expect("settings");
        within_start(async || {
            let key = Key::from("ready");
            let written = store.put(&key, PutPayload::from_static(b"yes")).await.is_ok();
            written && store.delete(&key).await.is_ok()
        })
        .await
    }
}
