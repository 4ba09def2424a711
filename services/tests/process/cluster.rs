//! Instances on real servers, while everything fails that may.

use std::time::Duration;

use drydock_backends::testing::Way;
use drydock_services::configstore::client::ConfigstoreClient;
use tokio::sync::watch;

use super::deployment::{Deployment, Instance, Load, all_users};
use super::harness::utf8;

const INSTANCES: usize = 3;
const WRITERS: usize = 6;
/// Acknowledged writes that show that things go on.
const PROGRESS: usize = 60;
/// Longer than the lease of an instance.
const BEYOND_LEASE: Duration = Duration::from_secs(5);

fn clients(instances: &[Instance]) -> Vec<ConfigstoreClient> {
    instances.iter().map(|instance| instance.client.clone()).collect()
}

/// Real time, which real processes live in.
async fn pass(time: Duration) {
    let _ = tokio::time::timeout(time, std::future::pending::<()>()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_write_is_there_once_whatever_fails() {
    let Some(mut deployment) = Deployment::start().await else { return };
    let mut instances = Vec::new();
    for number in 0..INSTANCES {
        instances.push(deployment.instance(number).await);
    }
    let (tell, told) = watch::channel(clients(&instances));
    let mut load = Load::start(WRITERS, told);
    load.goes_on(PROGRESS, "nothing has failed yet").await;

    instances[0].signal("KILL");
    load.goes_on(PROGRESS, "an instance was killed").await;
    instances[0].child.wait().await.unwrap();
    instances[0] = deployment.instance(0).await;
    tell.send_replace(clients(&instances));

    instances[1].signal("STOP");
    pass(BEYOND_LEASE).await;
    load.goes_on(PROGRESS, "an instance was paused beyond its lease").await;
    instances[1].signal("CONT");

    for member in 0..deployment.to_etcd.len() {
        deployment.etcd.process(member).kill();
        load.goes_on(PROGRESS, "a member of etcd was killed").await;
        deployment.etcd.run(member);
        deployment.etcd.wait().await;
    }

    deployment.weed.process().kill();
    load.goes_on(PROGRESS, "the S3 server was killed").await;
    deployment.weed.run();
    deployment.weed.wait().await;

    for way in [Way::Silent, Way::Cut, Way::Slow(Duration::from_millis(100))] {
        for proxy in &deployment.to_etcd[..2] {
            proxy.set(way);
            load.goes_on(PROGRESS / 2, "links to a member of etcd failed").await;
            proxy.set(Way::Open);
        }
        deployment.to_weed.set(way);
        load.goes_on(PROGRESS / 2, "links to the S3 server failed").await;
        deployment.to_weed.set(Way::Open);
    }
    load.goes_on(PROGRESS, "everything is well again").await;
    let acknowledged = load.end().await;

    let mut seen = Vec::new();
    for instance in &instances {
        let found = all_users(&instance.client).await;
        for (name, user) in &acknowledged {
            assert_eq!(found.get(name), Some(user), "`{name}` was acknowledged");
        }
        seen.push(found);
    }
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "instances differ");

    let (first, second) = (deployment.path("first.ndjson"), deployment.path("second.ndjson"));
    deployment.operate(&instances[0], &["maintenance", "on", "--wait", "30s"]).await;
    let exported = deployment.operate(&instances[1], &["export", utf8(&first)]).await;
    assert!(exported.contains(&format!("users: {}", seen[0].len())), "{exported}");
    deployment.operate(&instances[2], &["import", utf8(&first)]).await;
    deployment.operate(&instances[1], &["maintenance", "off", "--wait", "30s"]).await;
    let again = deployment.operate(&instances[0], &["export", utf8(&second)]).await;
    assert_eq!(again, exported, "the same objects have the same digest");
    for instance in &instances {
        assert_eq!(all_users(&instance.client).await, seen[0]);
    }
}
