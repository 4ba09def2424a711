//! Each operation of an operator, with coordination or objects failing from each call on: the
//! answer says who did not answer, wherever in the operation that was.

use bytes::Bytes;
use drydock_tests::app::{TestApp, settings};
use drydock_tests::client::{Exchange, Request};
use drydock_tests::faulty::{Switch, Trouble};
use drydock_tests::run::run;

/// More calls than any operation here makes.
const MOST_CALLS: usize = 400;

/// The longest that an operation tries again by itself.
const LONGEST: std::time::Duration = std::time::Duration::from_secs(120);

/// An app in maintenance, with a kept lineage that has a checkpoint and segments after it.
struct World {
    app: TestApp,
    export: Bytes,
}

impl World {
    async fn new() -> World {
        let mut app = TestApp::new();
        let mut eager = settings();
        eager.store.inline_bytes = 0;
        eager.store.tasks.archive_period_ms = 200;
        eager.store.tasks.checkpoint_period_ms = 1_000;
        eager.store.tasks.checkpoint_commits = 2;
        app.add(eager).await;
        app.ready().await;
        app.seed(&["alice", "bob"], &[("acme", "alice")]).await;
        tokio::time::sleep(std::time::Duration::from_secs(5)).await;
        app.seed(&["carol"], &[]).await;
        let export = app.export().await.into();
        app.maintenance_on().await;
        World { app, export }
    }

    async fn first_lineage(&self) -> String {
        let found = self.app.get("/api/v1/lineages").await.expect(200).json();
        found["items"][0]["id"].as_str().unwrap().to_owned()
    }
}

/// Lets every call after the nth fail, for growing n, until the operation succeeds; each answer
/// before must be 503 with one of `codes`.
async fn fail_after_each_call(
    of: &Switch,
    codes: &[&str],
    mut operation: impl AsyncFnMut() -> Exchange,
) {
    let mut passes = 0;
    while passes < MOST_CALLS {
        of.set(Trouble::RefusedAfter(passes));
        let mut running = std::pin::pin!(operation());
        let answer = match tokio::time::timeout(LONGEST, running.as_mut()).await {
            Ok(answer) => answer,
            // It is done but for the load of the new state, which waits for objects.
            Err(_) => {
                of.set(Trouble::None);
                running.await
            }
        };
        of.set(Trouble::None);
        if answer.status == 200 {
            return;
        }
        let code = answer.json()["code"].as_str().unwrap_or_default().to_owned();
        let right = answer.status == 503 && codes.contains(&&*code);
        assert!(right, "calls after the first {passes} fail: {answer}");
        // What keeps the instance alive catches up.
        tokio::time::sleep(std::time::Duration::from_secs(10)).await;
        passes += 1 + passes / 8;
    }
    panic!("it does not succeed within {MOST_CALLS} calls");
}

#[derive(Clone, Copy)]
enum Operation {
    Lineages,
    Export,
    Import,
    DryRun,
    Restore,
}

async fn run_without(of: impl Fn(&TestApp) -> Switch, codes: &[&str], operation: Operation) {
    let world = World::new().await;
    let (app, of) = (&world.app, of(&world.app));
    let first = world.first_lineage().await;
    let request = || match operation {
        Operation::Lineages => Request::get("/api/v1/lineages"),
        Operation::Export => Request::get("/api/v1/export"),
        Operation::Import => Request::post("/api/v1/import").body(world.export.to_vec()),
        Operation::DryRun => {
            Request::post("/api/v1/import?dry_run=true").body(world.export.to_vec())
        }
        Operation::Restore => Request::post(&format!("/api/v1/lineages/{first}/restore")),
    };
    fail_after_each_call(&of, codes, async || app.send(request()).await).await;
    app.maintenance_off().await;
}

const OPERATIONS: [Operation; 5] = [
    Operation::Lineages,
    Operation::Export,
    Operation::Import,
    Operation::DryRun,
    Operation::Restore,
];

#[test]
fn whatever_operation_needs_objects_that_fail_answers_storage_unavailable() {
    for operation in OPERATIONS {
        let codes = ["storage_unavailable", "not_ready"];
        run(run_without(|app| app.objects.trouble.clone(), &codes, operation));
    }
}

#[test]
fn whatever_operation_needs_coordination_that_fails_answers_coordination_unavailable() {
    for operation in OPERATIONS {
        let codes = ["coordination_unavailable", "not_ready"];
        run(run_without(|app| app.coordination.trouble.clone(), &codes, operation));
    }
}
