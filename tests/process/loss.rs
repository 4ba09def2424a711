//! etcd loses everything it has.

use drydock_core::store::Durability;

use super::deployment::{Deployment, soon, until};

const PROGRESS: u64 = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs real servers: `.ci/test` brings them"]
async fn an_etcd_that_lost_everything_is_recovered_without_help() {
    let mut deployment = Deployment::start(Durability::Archived).await;
    let load = deployment.load();
    deployment.goes_on(PROGRESS, "nothing has failed yet").await;

    deployment.etcd.wipe();
    (0..deployment.to_etcd.len()).for_each(|member| deployment.etcd.run(member));
    deployment.etcd.wait().await;
    // Whoever switches the mode now puts the first key into the empty store.
    deployment.operate(1, &["maintenance", "on", "--wait", "30s"]).await;
    until("the status names the recovery", async || {
        let status = deployment.instances[0].admin.status(&soon()).await;
        status.is_ok_and(|status| status.last_recovery.is_some())
    })
    .await;
    deployment.operate(2, &["maintenance", "off", "--wait", "30s"]).await;
    deployment.goes_on(PROGRESS, "etcd came back empty").await;
    load.end().await;
}
