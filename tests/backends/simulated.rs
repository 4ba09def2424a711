//! The simulated etcd on loopback, with a clock that can be put forward.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use drydock_backends::etcd::{Etcd, EtcdSettings};
use drydock_backends::tcp::TcpNet;
use drydock_core::coord::Coordination;
use drydock_core::coord::conformance::Subject;
use drydock_core::net::Net;
use drydock_sim::storage::Accepts;
use drydock_sim_etcd::{
    Call, Clock, Cluster, Config, Etcd as Server, Faults, Injection, MemberConfig, Method, Node,
    serve,
};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A cluster with all its members served, and the backend that uses it.
pub struct Simulated {
    pub server: Arc<Server>,
    pub faults: Arc<Planned>,
    pub store: Etcd,
    pub endpoints: Vec<String>,
    clock: Arc<Shifted>,
    members: Vec<JoinHandle<()>>,
}

impl Simulated {
    pub async fn start(members: usize) -> Simulated {
        let mut listeners = Vec::new();
        for _ in 0..members {
            listeners.push(TcpNet.listen("127.0.0.1:0").await.expect("a free port"));
        }
        let addresses = listeners.iter().map(|listener| listener.local_addr());
        let endpoints: Vec<_> = addresses.map(|address| format!("http://{address}")).collect();
        let configs = endpoints.iter().enumerate().map(|(number, endpoint)| MemberConfig {
            name: format!("m{number}"),
            peer_url: format!("http://m{number}:2380"),
            client_url: endpoint.clone(),
        });
        let cluster = Cluster::new(Config::new("simulated", configs.collect()));
        let clock = Arc::new(Shifted { started: Instant::now(), shift: Mutex::default() });
        let faults = Arc::new(Planned::default());
        let server = Server::new(cluster, clock.clone(), faults.clone());
        let served = listeners.into_iter().enumerate().map(|(number, listener)| {
            let node = Node::new(server.clone(), number);
            tokio::spawn(serve(Box::new(Accepts(listener)), node, CancellationToken::new()))
        });
        let members = served.collect();
        let store =
            Etcd::open(EtcdSettings::new(endpoints.clone()), Arc::new(TcpNet)).expect("settings");
        Simulated { server, faults, store, endpoints, clock, members }
    }

    /// Kills a member's process: its connections end, and its port answers nobody.
    pub fn kill(&mut self, member: usize) {
        self.members[member].abort();
        self.server.change(|cluster, now| cluster.stop(member, now));
    }
}

impl Drop for Simulated {
    fn drop(&mut self) {
        self.members.iter().for_each(JoinHandle::abort);
    }
}

#[async_trait]
impl Subject for Simulated {
    fn store(&self) -> &dyn Coordination {
        &self.store
    }

    async fn advance(&self, by: Duration) {
        *self.clock.shift.lock().expect("no panic") += by;
        let members = self.members.len();
        self.server
            .change(|cluster, now| (0..members).for_each(|member| cluster.tick(member, now)));
    }
}

struct Shifted {
    started: Instant,
    shift: Mutex<Duration>,
}

impl Clock for Shifted {
    fn now(&self) -> Duration {
        self.started.elapsed() + *self.shift.lock().expect("no panic")
    }
}

/// Injects what was planned into the next requests of a method.
#[derive(Default)]
pub struct Planned {
    next: Mutex<Vec<(Method, Injection)>>,
    /// The member of the last transaction.
    asked: Mutex<Option<usize>>,
}

impl Planned {
    pub fn plan(&self, method: Method, injection: Injection) {
        self.next.lock().expect("no panic").push((method, injection));
    }

    /// Which member the last transaction was asked of.
    pub fn asked(&self) -> Option<usize> {
        *self.asked.lock().expect("no panic")
    }
}

impl Faults for Planned {
    fn decide(&self, call: &Call<'_>) -> Injection {
        if call.method == Method::Txn {
            *self.asked.lock().expect("no panic") = Some(call.member);
        }
        let mut next = self.next.lock().expect("no panic");
        match next.iter().position(|(method, _)| *method == call.method) {
            Some(at) => next.remove(at).1,
            None => Injection::default(),
        }
    }
}
