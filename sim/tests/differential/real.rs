//! A real etcd with one member, in a folder of its own.

use std::process::{Child, Command, Stdio};

use drydock_backends::tcp::TcpNet;
use drydock_core::net::Net as _;
use etcd_client::Client;
use tempfile::TempDir;
use tokio::time::{Duration, Instant};

/// How long it may take to start.
const START: Duration = Duration::from_secs(20);

pub struct Real {
    process: Child,
    address: String,
    _folder: TempDir,
}

impl Real {
    pub async fn start() -> Real {
        let folder = tempfile::tempdir().unwrap();
        let (clients, peers) = (free_address().await, free_address().await);
        let program = std::env::var("ETCD").unwrap_or_else(|_| "etcd".to_owned());
        let url = |address: &str| format!("http://{address}");
        let process = Command::new(&program)
            .arg("--data-dir")
            .arg(folder.path().join("data"))
            .args(["--listen-client-urls", &url(&clients)])
            .args(["--advertise-client-urls", &url(&clients)])
            .args(["--listen-peer-urls", &url(&peers)])
            .args(["--initial-advertise-peer-urls", &url(&peers)])
            .args(["--initial-cluster", &format!("default={}", url(&peers))])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("`{program}`: {error}"));
        let real = Real { process, address: clients, _folder: folder };
        let started = Instant::now();
        let mut attempts = tokio::time::interval(Duration::from_millis(50));
        while real.client().await.status().await.is_err() {
            assert!(started.elapsed() < START, "`{program}` does not start");
            attempts.tick().await;
        }
        real
    }

    pub async fn client(&self) -> Client {
        Client::connect([&self.address], None).await.unwrap()
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Free when asked: etcd itself cannot take just any port.
async fn free_address() -> String {
    TcpNet.listen("127.0.0.1:0").await.unwrap().local_addr()
}
