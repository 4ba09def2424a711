//! The simulated etcd with one member, on real TCP.

use std::sync::Arc;
use std::time::Duration;

use drydock_backends::tcp::TcpNet;
use drydock_core::net::Net as _;
use drydock_sim::hosts::etcd::serve::serve;
use drydock_sim::hosts::etcd::{Clock, Cluster, Config, Etcd, MemberConfig, NoFaults, Node};
use etcd_client::Client;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

pub struct Simulated {
    address: String,
    _shutdown: DropGuard,
}

struct Uptime {
    started: Instant,
}

impl Clock for Uptime {
    fn now(&self) -> Duration {
        self.started.elapsed()
    }
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
        let clock = Arc::new(Uptime { started: Instant::now() });
        let node = Node::new(Etcd::new(cluster, clock, Arc::new(NoFaults)), 0);
        let shutdown = CancellationToken::new();
        tokio::spawn(serve(listener, node, shutdown.clone()));
        Simulated { address, _shutdown: shutdown.drop_guard() }
    }

    pub async fn client(&self) -> Client {
        Client::connect([&self.address], None).await.unwrap()
    }
}
