//! A member on a simulated host: the same code over the simulated network and time.

use std::sync::{Arc, Mutex};

use drydock_core::net::Net as _;
use drydock_harness::fault::Faults;
use drydock_harness::record::Recorder;
use drydock_harness::world::{Cluster as World, Stop, host_elapsed};
use drydock_sim_etcd::{Cluster, Config, Etcd, MemberConfig, NoFaults, Node, serve};
use etcd_client::{Channel, Client, GetOptions, PutOptions};
use hyper_util::rt::TokioIo;
use tonic::transport::Endpoint;

use crate::plan::fault::{Fault, LinkFault};
use crate::plan::{Fidelity, Plan};
use crate::scenario::Scenario;
use crate::storage::Accepts;
use crate::storage::seams::HostNet;

const SERVER: &str = "configstore-1";
const CLIENT: &str = "client-1";

type Notes = Arc<Mutex<Vec<(u128, String)>>>;

fn run(faults: Vec<Fault>) -> Vec<(u128, String)> {
    let mut plan: Plan = Scenario::find("feed-gap").unwrap().plan(0, Fidelity::Direct);
    plan.topology.latency_ms = [0, 5];
    plan.load_ms = 20_000;
    plan.faults = faults;
    let recorder = Recorder::new(host_elapsed, None);
    let faults = Faults::new(plan.scheduled(), recorder.clone());
    let mut world = World::new(&plan.world(), &faults, &recorder);
    let member = MemberConfig {
        name: "m0".to_owned(),
        peer_url: "http://m0:2380".to_owned(),
        client_url: "http://m0:2379".to_owned(),
    };
    let cluster = Cluster::new(Config::new("test", vec![member]));
    let etcd =
        Etcd::new(cluster, Arc::new(|| host_elapsed().unwrap_or_default()), Arc::new(NoFaults));
    let (net, stop) = (HostNet(world.net(SERVER)), Stop::default());
    let stops = stop.clone();
    world.host(SERVER, stop, move || {
        let (net, node, shutdown) = (net.clone(), Node::new(etcd.clone(), 0), stops.renew());
        async move {
            let listener = net.listen("0.0.0.0:2379").await.unwrap();
            serve(Box::new(Accepts(listener)), node, shutdown).await;
        }
    });
    let notes = Notes::default();
    world.client(CLIENT, talk(HostNet(world.net(CLIENT)), notes.clone()));
    let done = notes.clone();
    let over = move || done.lock().unwrap().last().is_some_and(|(_, note)| note == "over");
    world.run(20_000, over).unwrap();
    notes.lock().unwrap().clone()
}

async fn talk(net: HostNet, notes: Notes) {
    let note = |text: String| {
        let now = host_elapsed().unwrap_or_default().as_millis();
        notes.lock().unwrap().push((now, text));
    };
    let connector = tower::service_fn(move |_| {
        let net = net.clone();
        async move { net.dial("configstore-1:2379").await.map(TokioIo::new) }
    });
    let endpoint = Endpoint::from_static("http://etcd");
    let channel = Channel::Tonic(endpoint.connect_with_connector_lazy(connector));
    let mut client = Client::from_channel(channel, None).await.unwrap();
    let mut watching = client.watch("a", None).await.unwrap();
    assert!(watching.message().await.unwrap().unwrap().created());
    let lease = client.lease_grant(2, None).await.unwrap().id();
    let options = PutOptions::new().with_lease(lease);
    client.put("a", "1", Some(options)).await.unwrap();
    for _ in 0..2 {
        let told = watching.message().await.unwrap().unwrap();
        note(format!("{told:?}"));
    }
    let everything = GetOptions::new().with_all_keys();
    note(format!("{:?}", client.get("", Some(everything)).await.unwrap()));
    note("over".to_owned());
}

#[test]
fn the_client_reaches_it_over_the_simulated_network() {
    let notes = run(Vec::new());
    let (put_at, put) = &notes[0];
    let (deleted_at, deleted) = &notes[1];
    assert!(put.contains("revision: 2") && deleted.contains("revision: 3"), "{notes:?}");
    assert!((2_000..3_500).contains(&(deleted_at - put_at)), "{notes:?}");
    assert_eq!(notes.last().map(|(_, note)| &**note), Some("over"));
}

#[test]
fn the_same_run_has_the_same_answers_at_the_same_times() {
    let stall = || {
        let what = LinkFault::Stall { from: CLIENT.to_owned(), to: SERVER.to_owned() }.into();
        vec![Fault { at_ms: 20, for_ms: 700, what }]
    };
    assert_eq!(run(stall()), run(stall()));
    assert_ne!(run(stall()), run(Vec::new()));
}
