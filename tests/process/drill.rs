//! Everything fails that may, one after the other, under load.

use std::time::Duration;

use drydock_backends::testing::LinkState;
use drydock_core::store::Durability;
use drydock_tests::run::pass;

use super::deployment::{Deployment, utf8};

/// Commits that show that things go on.
const PROGRESS: u64 = 60;
/// Longer than the lease of an instance.
const BEYOND_LEASE: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs real servers: `.ci/test` brings them"]
async fn the_oracles_of_the_simulator_are_content_whatever_fails() {
    let mut deployment = Deployment::start(Durability::Quorum).await;
    let load = deployment.load();
    deployment.goes_on(PROGRESS, "nothing has failed yet").await;

    deployment.instances[0].signal("KILL");
    deployment.goes_on(PROGRESS, "an instance was killed").await;
    deployment.instances[0].end().await;
    deployment.instances[0].start_again().await;

    deployment.instances[1].signal("STOP");
    pass(BEYOND_LEASE).await;
    deployment.goes_on(PROGRESS, "an instance was paused beyond its lease").await;
    deployment.instances[1].signal("CONT");

    for member in 0..deployment.to_etcd.len() {
        deployment.etcd.process(member).kill();
        deployment.goes_on(PROGRESS, "a member of etcd was killed").await;
        deployment.etcd.run(member);
        deployment.etcd.wait().await;
    }

    load.operator_is_done().await;
    deployment.weed.process().kill();
    deployment.goes_on(PROGRESS, "the S3 server was killed").await;
    deployment.weed.run();
    deployment.weed.wait().await;

    for way in [LinkState::Silent, LinkState::Cut, LinkState::Slow(Duration::from_millis(100))] {
        for proxy in &deployment.to_etcd[..2] {
            proxy.set(way);
            deployment.goes_on(PROGRESS / 2, "links to a member of etcd failed").await;
            proxy.set(LinkState::Open);
        }
        deployment.to_weed.set(way);
        deployment.goes_on(PROGRESS / 2, "links to the S3 server failed").await;
        deployment.to_weed.set(LinkState::Open);
    }
    deployment.goes_on(PROGRESS, "everything is well again").await;
    load.end().await;

    let (first, second) = (deployment.path("first.ndjson"), deployment.path("second.ndjson"));
    deployment.operate(0, &["maintenance", "on", "--wait", "30s"]).await;
    let exported = deployment.operate(1, &["export", utf8(&first)]).await;
    deployment.operate(2, &["import", utf8(&first)]).await;
    deployment.operate(1, &["maintenance", "off", "--wait", "30s"]).await;
    let again = deployment.operate(0, &["export", utf8(&second)]).await;
    assert_eq!(again, exported, "the same objects have the same digest");
}
