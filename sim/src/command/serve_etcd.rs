//! Serves the simulated etcd on real TCP.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use drydock_core::net::Listener;
use drydock_harness::fleet::exit::{FINE, Failure};
use drydock_harness::fleet::output;
use drydock_sim_etcd::authority::Repairing;
use drydock_sim_etcd::{Cluster, Config, Etcd, MemberConfig, NoFaults, Node, serve};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::args::ServeEtcdArgs;
use super::serve::{Signals, about, check_folder, listen};
use crate::storage::Accepts;

/// Until interrupted or asked to terminate.
pub async fn run(args: ServeEtcdArgs) -> Result<u8, Failure> {
    if let Some(path) = &args.dump {
        check_folder(path)?;
    }
    let mut listeners = Vec::new();
    for address in &args.listen {
        listeners.push(listen(address).await?);
    }
    let started = Instant::now();
    let cluster = cluster(&args, &listeners, Duration::ZERO)?;
    let etcd = Etcd::new(cluster, Arc::new(move || started.elapsed()), Arc::new(NoFaults));
    let mut signals = Signals::listen()?;
    let shutdown = CancellationToken::new();
    let mut members = JoinSet::new();
    for (member, listener) in listeners.into_iter().enumerate() {
        output::note(format_args!("etcd listens on {}", listener.local_addr()));
        let node = Node::new(etcd.clone(), member);
        let listener = Box::new(Repairing { listener: Box::new(Accepts(listener)) });
        members.spawn(serve(listener, node, shutdown.clone()));
    }
    signals.next().await;
    shutdown.cancel();
    members.join_all().await;
    if let Some(path) = &args.dump {
        let dump = etcd.look(|cluster, now| cluster.dump(now));
        let json = serde_json::to_vec_pretty(&dump).map_err(|error| about(path, error))?;
        fs::write(path, json).map_err(|error| about(path, error))?;
    }
    Ok(FINE)
}

fn cluster(
    args: &ServeEtcdArgs,
    listeners: &[Box<dyn Listener>],
    now: Duration,
) -> Result<Cluster, Failure> {
    let members = listeners.iter().enumerate().map(|(number, listener)| MemberConfig {
        name: format!("member-{number}"),
        // Nobody listens there: members share their state.
        peer_url: format!("http://member-{number}:2380"),
        client_url: format!("http://{}", listener.local_addr()),
    });
    let mut config = Config::new("simulated", members.collect());
    config.bugs = args.bugs.iter().copied().collect();
    if let Some(quota_bytes) = args.quota_bytes {
        config.quota_bytes = quota_bytes;
    }
    let Some(path) = &args.load else {
        return Ok(Cluster::new(config));
    };
    let json = fs::read(path).map_err(|error| about(path, error))?;
    let dump = serde_json::from_slice(&json).map_err(|error| about(path, error))?;
    Cluster::load(config, dump, now).map_err(|error| about(path, error))
}
