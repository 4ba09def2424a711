//! The suites against real servers.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use drydock_backends::etcd::Etcd;
use drydock_backends::testing::{self, EtcdServers};
use drydock_core::coord::Coordination;
use drydock_core::coord::conformance::{Subject, run_all};

/// One case's part of a cluster that all cases use.
struct Part {
    store: Etcd,
    prefix: String,
}

#[async_trait]
impl Subject for Part {
    fn store(&self) -> &dyn Coordination {
        &self.store
    }

    async fn advance(&self, by: Duration) {
        // A real server's time cannot be put forward.
        let _ = tokio::time::timeout(by, std::future::pending::<()>()).await;
    }

    fn prefix(&self) -> &str {
        &self.prefix
    }

    fn is_new(&self) -> bool {
        false
    }
}

async fn run_with_members(members: usize) {
    let program = testing::program(testing::ETCD);
    let servers = EtcdServers::start(&program, members).await;
    let (store, cases) = (servers.store(), AtomicUsize::new(0));
    run_all(|| async {
        let case = cases.fetch_add(1, Ordering::Relaxed);
        Part { store: store.clone(), prefix: format!("conformance/{case}/") }
    })
    .await;
    assert!(cases.into_inner() > 0);
}

#[tokio::test]
#[ignore = "needs real servers: `.ci/test` brings them"]
async fn an_etcd_with_one_member_conforms() {
    run_with_members(1).await;
}

#[tokio::test]
#[ignore = "needs real servers: `.ci/test` brings them"]
async fn an_etcd_with_three_members_conforms() {
    run_with_members(3).await;
}
