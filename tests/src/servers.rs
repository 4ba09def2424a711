//! The stores of a test on real servers, while the test's own time stands still.
//!
//! Tests of the API run under paused time, which jumps on whenever nobody has anything to do. A
//! server takes real time. So every call runs on a runtime of its own, and the test's runtime is
//! kept busy by a blocking task until the answer is there: that keeps its time from jumping. What a
//! watch tells is there when the write that caused it is answered, as in memory. Calls take turns:
//! they reach the servers in the order in which the test's one thread made them, and whoever made
//! one goes on before the next begins, however busy the machine is.
//!
//! Every deployment has a part of the servers to itself: a prefix of keys, and one of objects.

use std::sync::Arc;
use std::time::Duration;

use drydock_backends::connect::ConnectSettings;
use drydock_backends::etcd::{Etcd, EtcdSettings};
use drydock_backends::objects::{S3Settings, open_s3};
use drydock_backends::tcp::TcpNet;
use drydock_backends::testing::Weed;
use drydock_core::coord::Coordination;
use drydock_core::env::RngTree;
use object_store::ObjectStore;
use object_store::prefix::PrefixStore;
use rand::RngExt;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Mutex;

mod coordination;
mod objects;
mod part;

use coordination::DistantCoordination;
use objects::DistantObjects;

/// Names the servers for a run of the suite on them: an endpoint of etcd, and an address of S3.
pub const VARIABLE: &str = "DRYDOCK_TEST_API_ON";

/// No call takes longer. Shorter time-outs would let a busy machine show: what happens then is
/// tried elsewhere.
const PATIENCE: Duration = Duration::from_secs(60);

/// A runtime in real time.
#[derive(Clone)]
pub(crate) struct Elsewhere {
    running: Arc<Running>,
    turn: Arc<Mutex<()>>,
}

struct Running(Option<Runtime>);

impl Drop for Running {
    fn drop(&mut self) {
        // A runtime must not be waited for within another one.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Elsewhere {
    fn new() -> Elsewhere {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let running = Running(Some(runtime.expect("a runtime can be made")));
        Elsewhere { running: Arc::new(running), turn: Arc::default() }
    }

    fn runtime(&self) -> &Runtime {
        self.running.0.as_ref().expect("it is taken when it is dropped")
    }

    /// Runs `work` there. The caller's time stands still meanwhile.
    #[expect(clippy::disallowed_methods, reason = "what keeps paused time from jumping")]
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> T {
        let (handle, alive) = (self.runtime().handle().clone(), self.clone());
        let bounded = async { tokio::time::timeout(PATIENCE, work).await };
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let done = tokio::task::spawn_blocking(move || {
            let done = handle.block_on(bounded);
            drop(alive);
            (done, turn)
        });
        // The turn is over when the answer is here, or when nobody waits for it any more.
        let (done, _turn) = done.await.expect("work on a server does not panic");
        done.expect("a server answers in time")
    }
}

/// A new part of the servers that the environment names, if it does.
///
/// # Panics
/// If it names none that can be reached.
pub fn stores() -> Option<(Arc<dyn Coordination>, Arc<dyn ObjectStore>)> {
    let named = std::env::var(VARIABLE).ok()?;
    let (endpoint, address) = named.split_once(' ').expect("two servers are named");
    let part = format!("api/{:016x}/", RngTree::from_entropy().stream("part").random::<u64>());
    let elsewhere = Elsewhere::new();
    let etcd = EtcdSettings {
        dial_timeout: PATIENCE,
        call_timeout: PATIENCE,
        keep_alive_timeout: PATIENCE,
        ..EtcdSettings::new(vec![endpoint.to_owned()])
    };
    let etcd = Etcd::open(etcd, Arc::new(TcpNet)).expect("settings that can be used");
    let coordination = DistantCoordination::new(etcd, &part, elsewhere.clone());
    let connect = ConnectSettings {
        connect_timeout: PATIENCE,
        answer_timeout: PATIENCE,
        idle_timeout: PATIENCE,
        ..ConnectSettings::default()
    };
    let s3 = S3Settings { connect, ..Weed::settings_at(address) };
    let s3 = open_s3(&s3, Arc::new(TcpNet));
    let s3 = PrefixStore::new(s3.expect("settings that can be used"), part);
    Some((Arc::new(coordination), Arc::new(DistantObjects::new(s3, elsewhere))))
}
