//! The same clients at one, two and three instances of a deployment.

use std::path::Path;

use drydock_backends::testing::EtcdServers;
use drydock_tests::app::settings;

use super::figure::{Figure, Turn, median_ratio, run};
use super::number;
use super::service::Service;
use super::work::Work;

/// Clients that create users, spread evenly over the instances.
const CLIENTS: usize = 48;
/// What the design promises of each number of instances, beside one.
const THROUGHPUT_AIM: f64 = 0.8;
const P99_AIM: f64 = 2.0;

pub async fn compare(etcd: &EtcdServers, scratch: &Path) {
    let mut deployments = Vec::new();
    // The number of instances, and at how many of them the clients are.
    for (count, asked) in [(1, 1), (2, 2), (3, 3), (3, 1)] {
        let mut instances = Vec::new();
        for nth in 0..count {
            let folder = scratch.join(format!("{count}-{asked}-{nth}"));
            std::fs::create_dir_all(&folder).expect("a folder");
            let mut settings = settings();
            settings.cluster = format!("instances-{count}-{asked}");
            let conflicts = u64::try_from(number("BENCH_LEADER_CONFLICTS", 5));
            settings.store.leader_conflicts = conflicts.expect("a small number");
            // The deployments share one etcd.
            settings.store.tasks.compact = false;
            instances.push(Service::start(etcd, &folder, settings).await);
        }
        deployments.push((asked, instances));
    }
    let names = ["1 instance", "2 instances", "3 instances", "3 instances, 1 of them asked"];
    let mut figures = Vec::new();
    for (name, (asked, instances)) in names.into_iter().zip(&deployments) {
        let clients = (0..CLIENTS).map(|nth| Work::User {
            client: instances[nth % asked].client.clone(),
            name: format!("c{nth}"),
            count: 0,
        });
        figures.push(Figure::new(name, clients.collect()));
    }
    run(&mut figures).await;
    let one = &figures[0];
    for other in &figures[1..] {
        let rate = median_ratio(other, one, Turn::rate);
        let p99 = median_ratio(other, one, Turn::p99);
        println!(
            "{}: {rate:.2} of the writes of one, the aim is {THROUGHPUT_AIM} or more; \
             p99 {p99:.1} times that of one, the aim is {P99_AIM} or less",
            other.name
        );
    }
    deployments.iter().flat_map(|(_, all)| all).for_each(|instance| instance.stop.cancel());
}
