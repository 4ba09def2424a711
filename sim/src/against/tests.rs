use std::sync::Arc;
use std::time::Duration;

use drydock_api::configstore::client::ConfigstoreClient;
use drydock_backends::tcp::TcpNet;
use drydock_configstore::Configstore;
use drydock_core::context::Context;
use drydock_core::coord::memory::Memory;
use drydock_core::db::Execution;
use drydock_core::env::{Env, RngTree, SystemClock};
use drydock_core::net::Net;
use drydock_core::store::Durability;
use drydock_http::api::page::ListQuery;
use drydock_http::client::Client;
use drydock_runtime::{Deps, Settings};
use object_store::memory::InMemory;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::{Deployment, Found, Inside, plan, run, show};
use crate::check::{acked, linearizable};
use crate::plan::identity::{keys, token};

const TIME: Duration = Duration::from_secs(3);
const INSTANCES: usize = 2;
const CLIENTS: usize = 4;
const PATIENCE: Duration = Duration::from_secs(30);
/// Commits of a load that is under way.
const BUSY: u64 = 5;

/// Instances in this process, on TCP, that share a coordination store and objects.
async fn deployed(scratch: &TempDir) -> Deployment {
    let clock = Arc::new(SystemClock::default());
    let coord = Arc::new(Memory::new(clock.clone()));
    let objects = Arc::new(InMemory::new());
    let mut settings = Settings::new(token(), keys());
    settings.cluster = "against".to_owned();
    settings.store.durability = Durability::Archived;
    settings.store.tasks.archive_period_ms = 50;
    settings.store.tasks.checkpoint_period_ms = 200;
    settings.store.tasks.trim_period_ms = 300;
    let mut instances = Vec::new();
    for _ in 0..INSTANCES {
        let listener = TcpNet.listen("127.0.0.1:0").await.unwrap();
        instances.push(listener.local_addr());
        let deps = Deps {
            peers: None,
            env: Env::new(clock.clone(), RngTree::from_entropy()),
            coord: coord.clone(),
            objects: objects.clone(),
            execution: Execution::Inline,
            scratch_dir: scratch.path().to_owned(),
        };
        let (service, stop) = (Configstore::default(), CancellationToken::new());
        tokio::spawn(drydock_runtime::start(service, settings.clone(), deps, listener, stop));
    }
    let inside = Inside {
        cluster: settings.cluster,
        keys: keys(),
        durability: settings.store.durability,
        unarchived: settings.store.unarchived_commits,
        coord,
        objects,
    };
    Deployment { instances, token: token(), inside: Ok(inside) }
}

async fn found(deployment: &Deployment) -> Found {
    let plan = plan(deployment, 1, CLIENTS, TIME);
    let found = run(deployment, &plan, CancellationToken::new()).await;
    found.unwrap_or_else(|failure| panic!("{failure}"))
}

fn client(address: &str) -> ConfigstoreClient {
    ConfigstoreClient::new(Client::new(Arc::new(TcpNet), address).with_token(token()))
}

/// Waits until there is a load: whoever writes before is refused.
async fn busy(address: &str) {
    let ctx = &Context::background().timeout(PATIENCE);
    loop {
        let status = client(address).admin().status(ctx).await;
        if status.is_ok_and(|status| status.position > Some(BUSY)) {
            return;
        }
        ctx.check().expect("there is a load");
        tokio::task::yield_now().await;
    }
}

/// Somebody deletes whatever users there are, behind everybody's back.
async fn delete_users(address: String) {
    busy(&address).await;
    let client = client(&address);
    loop {
        let ctx = &Context::background().timeout(TIME);
        if let Ok(page) = client.users(ctx, &ListQuery::default()).await {
            for user in page.items {
                let name = user.name.to_string().parse().unwrap();
                let _ = client.delete_user(ctx, &name, None).await;
            }
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn every_oracle_judges_a_deployment_and_is_content_again_and_again() {
    let scratch = tempfile::tempdir().unwrap();
    let deployment = deployed(&scratch).await;
    for _ in 0..2 {
        let found = found(&deployment).await;
        assert!(found.checks.violations.is_empty(), "{}", show(&found));
        assert!(found.checks.pending.is_empty(), "{}", show(&found));
        assert!(found.checks.not_judged.is_empty(), "{}", show(&found));
        let succeeded = found.operations.iter().filter(|it| it.reply().is_some()).count();
        assert!(succeeded > 20, "{}", show(&found));
    }
}

#[tokio::test]
async fn writes_of_somebody_else_are_found_from_the_log_and_from_outside() {
    for inside in [true, false] {
        let scratch = tempfile::tempdir().unwrap();
        let mut deployment = deployed(&scratch).await;
        if !inside {
            deployment.inside = Err("nobody may look".to_owned());
        }
        let foreign = tokio::spawn(delete_users(deployment.instances[0].clone()));
        let found = found(&deployment).await;
        foreign.abort();
        let oracle = if inside { acked::ORACLE } else { linearizable::ORACLE };
        let mut violations = found.checks.violations.iter();
        assert!(violations.any(|violation| violation.oracle == oracle), "{}", show(&found));
        assert_eq!(found.checks.not_judged.is_empty(), inside, "{}", show(&found));
    }
}

#[tokio::test]
async fn a_load_that_is_stopped_is_judged_like_any_other() {
    let scratch = tempfile::tempdir().unwrap();
    let deployment = deployed(&scratch).await;
    let plan = plan(&deployment, 1, CLIENTS, Duration::from_secs(3600));
    let stop = CancellationToken::new();
    let (found, ()) = tokio::join!(run(&deployment, &plan, stop.clone()), async {
        busy(&deployment.instances[0]).await;
        stop.cancel();
    });
    let found = found.unwrap_or_else(|failure| panic!("{failure}"));
    assert!(found.checks.violations.is_empty() && found.checks.pending.is_empty());
    assert!(!found.operations.is_empty());
}
