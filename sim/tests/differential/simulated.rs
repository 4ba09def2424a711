//! The simulated etcd with one member, on real TCP.

use std::sync::Arc;

use drydock_backends::tcp::TcpNet;
use drydock_core::net::Net as _;
use drydock_sim::storage::Accepts;
use drydock_sim_etcd::{Cluster, Config, Etcd, MemberConfig, NoFaults, Node, serve};
use etcd_client::Client;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

pub struct Simulated {
    address: String,
    _shutdown: DropGuard,
}

impl Simulated {
    pub async fn start() -> Simulated {
        let listener = TcpNet.listen("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr();
        let member = MemberConfig {
            name: "simulated".to_owned(),
            peer_url: "http://simulated:2380".to_owned(),
            client_url: format!("http://{address}"),
        };
        let cluster = Cluster::new(Config::new("simulated", vec![member]));
        let started = Instant::now();
        let clock = Arc::new(move || started.elapsed());
        let node = Node::new(Etcd::new(cluster, clock, Arc::new(NoFaults)), 0);
        let shutdown = CancellationToken::new();
        tokio::spawn(serve(Box::new(Accepts(listener)), node, shutdown.clone()));
        Simulated { address, _shutdown: shutdown.drop_guard() }
    }

    pub async fn client(&self) -> Client {
        Client::connect([&self.address], None).await.unwrap()
    }
}
