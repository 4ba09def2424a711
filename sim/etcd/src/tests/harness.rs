//! A served cluster, and clients of its members.

use std::io;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use etcd_client::{Channel, Client, ConnectOptions, WatchOptions, WatchStream};
use hyper_util::rt::TokioIo;
use tokio::io::DuplexStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::transport::Endpoint;

use crate::net::{Accept, BoxStream};
use crate::serve::serve;
use crate::{Call, Cluster, Config, Etcd, Faults, Injection, MemberConfig, Method, Node, Observer};

pub struct Served {
    pub etcd: Arc<Etcd>,
    pub faults: Arc<Planned>,
    doors: Vec<mpsc::UnboundedSender<DuplexStream>>,
    servers: Vec<JoinHandle<()>>,
}

pub fn config(members: usize) -> Config {
    let members = (0..members).map(|number| MemberConfig {
        name: format!("m{number}"),
        peer_url: format!("http://m{number}:2380"),
        client_url: format!("http://m{number}:2379"),
    });
    Config::new("test", members.collect())
}

impl Served {
    pub fn new(config: Config) -> Served {
        let faults = Arc::new(Planned::default());
        let mut served = Served::observed(config, faults.clone(), Arc::new(()));
        served.faults = faults;
        served
    }

    /// With faults and an observer of the test's own.
    pub fn observed(
        config: Config,
        faults: Arc<dyn Faults>,
        observer: Arc<dyn Observer>,
    ) -> Served {
        let members = config.members.len();
        let started = Instant::now();
        let clock = Arc::new(move || started.elapsed());
        let etcd = Etcd::observed(Cluster::new(config), clock, faults, observer);
        let (doors, servers) = (Vec::new(), Vec::new());
        let mut served = Served { etcd, faults: Arc::default(), doors, servers };
        for member in 0..members {
            let (door, connections) = mpsc::unbounded_channel();
            let node = Node::new(served.etcd.clone(), member);
            let listener = Box::new(InMemory { connections });
            served.doors.push(door);
            served.servers.push(tokio::spawn(serve(listener, node, CancellationToken::new())));
        }
        served
    }

    pub async fn client(&self, member: usize) -> Client {
        self.client_with(member, None).await
    }

    pub async fn client_with(&self, member: usize, options: Option<ConnectOptions>) -> Client {
        let door = self.doors[member].clone();
        let connector = tower::service_fn(move |_| {
            let (near, far) = tokio::io::duplex(64 * 1024);
            let opened = door.send(far).map_err(|_| io::Error::from(io::ErrorKind::NotConnected));
            async move { opened.map(|()| TokioIo::new(near)) }
        });
        let endpoint = Endpoint::from_static("http://etcd");
        let channel = Channel::Tonic(endpoint.connect_with_connector_lazy(connector));
        Client::from_channel(channel, options).await.unwrap()
    }

    /// Kills a member's process.
    pub fn kill(&mut self, member: usize) {
        self.servers[member].abort();
        self.etcd.change(|cluster, now| cluster.stop(member, now));
    }
}

/// Watches, and has heard that the watch is created.
pub async fn watch(client: &mut Client, key: &str, options: Option<WatchOptions>) -> WatchStream {
    let mut watch = client.watch(key, options).await.unwrap();
    let created = watch.message().await.unwrap().unwrap();
    assert!(created.created() && !created.canceled(), "{created:?}");
    watch
}

struct InMemory {
    connections: mpsc::UnboundedReceiver<DuplexStream>,
}

#[async_trait]
impl Accept for InMemory {
    async fn accept(&mut self) -> io::Result<(BoxStream, String)> {
        match self.connections.recv().await {
            Some(stream) => Ok((Box::new(stream), "client".to_owned())),
            None => std::future::pending().await,
        }
    }
}

/// Injects what was planned into the next request of a method.
#[derive(Default)]
pub struct Planned {
    next: Mutex<Option<(Method, Injection)>>,
}

impl Planned {
    pub fn plan(&self, method: Method, injection: Injection) {
        *self.next.lock().unwrap() = Some((method, injection));
    }
}

impl Faults for Planned {
    fn decide(&self, call: &Call<'_>) -> Injection {
        let mut next = self.next.lock().unwrap();
        let planned = next.take_if(|(method, _)| *method == call.method);
        planned.map(|(_, injection)| injection).unwrap_or_default()
    }
}
