//! Instances of configstore on a real etcd, with objects in files.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use drydock_api::configstore::client::ConfigstoreClient;
use drydock_backends::objects::open_fs;
use drydock_backends::tcp::TcpNet;
use drydock_backends::testing::EtcdServers;
use drydock_configstore::Configstore;
use drydock_core::context::Context;
use drydock_core::db::Execution;
use drydock_core::env::Env;
use drydock_core::net::Net;
use drydock_http::client::Client;
use drydock_runtime::{Deps, PeerNet, Settings};
use drydock_tests::app::TOKEN;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

pub struct Service {
    pub http: Client,
    pub client: ConfigstoreClient,
    pub stop: CancellationToken,
}

impl Service {
    /// Starts an instance whose read models are below `folder`, and waits until it serves.
    pub async fn start(etcd: &EtcdServers, folder: &Path, settings: Settings) -> Service {
        let listener = TcpNet.listen("127.0.0.1:0").await.expect("a free port");
        let http = Client::new(Arc::new(TcpNet), listener.local_addr())
            .with_token(SecretString::from(TOKEN));
        let deps = Deps {
            peers: Some(PeerNet::plain(Arc::new(TcpNet))),
            env: Env::system(),
            coord: Arc::new(etcd.store()),
            objects: open_fs(&folder.join("objects")).expect("a folder for objects"),
            execution: Execution::Threads { readers: 4 },
            scratch_dir: folder.to_owned(),
        };
        let stop = CancellationToken::new();
        let service = Configstore::default();
        tokio::spawn(drydock_runtime::start(service, settings, deps, listener, stop.clone()));
        let mut looks = tokio::time::interval(Duration::from_millis(50));
        let ctx = Context::background();
        while http.request(http::Method::GET, "/readyz").send_bytes(&ctx).await.is_err() {
            looks.tick().await;
        }
        Service { client: ConfigstoreClient::new(http.clone()), http, stop }
    }
}
