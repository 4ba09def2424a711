//! No number of a run is given out twice, whatever is imported, restored or recovered; and an
//! export that is taken right after an import equals it all the same.

use std::sync::Arc;

use drydock_core::coord::memory::Memory;
use drydock_runservice::Runservice;
use drydock_tests::app::settings;
use drydock_tests::archive::Export;
use drydock_tests::client::Request;
use drydock_tests::faulty::Trouble;
use drydock_tests::runs::{RunsApp, new_run, with_runs};
use serde_json::{Value, json};

const OTHER_PROJECT: &str = "01900000-0000-7000-8000-000000000002";

async fn number(runs: &RunsApp) -> Value {
    runs.create(&new_run()).await.json()["number"].clone()
}

async fn number_of_other(runs: &RunsApp) -> Value {
    let mut new = new_run();
    new["project"] = json!(OTHER_PROJECT);
    runs.create(&new).await.json()["number"].clone()
}

fn objects(export: &str) -> Vec<String> {
    Export::parse(export).objects
}

async fn import(runs: &RunsApp, export: &str) {
    runs.app.maintenance_on().await;
    let import = Request::post("/api/v1/import").body(export.to_owned());
    runs.app.send(import).await.expect(200);
    assert_eq!(objects(&runs.app.export().await), objects(export));
    runs.app.maintenance_off().await;
}

#[test]
fn an_import_gives_out_no_number_again() {
    with_runs(async |mut runs| {
        let empty = runs.app.export().await;
        assert_eq!(number(&runs).await, 1);
        let export = runs.app.export().await;
        assert_eq!(number(&runs).await, 2);
        assert_eq!(number_of_other(&runs).await, 1);
        import(&runs, &export).await;
        assert_eq!(number(&runs).await, 3);
        // The floor outlives a lineage that has given out nothing, and a restart.
        import(&runs, &export).await;
        import(&runs, &empty).await;
        runs.app.add_service(Runservice::default(), settings()).await;
        runs.app.ready().await;
        runs.app.stop(1);
        let second = runs.app.instance(2);
        let create = |new: Value| second.send(Request::post("/api/v1/runs").json(&new));
        assert_eq!(create(new_run()).await.expect(201).json()["number"], 4);
        let mut other = new_run();
        other["project"] = json!(OTHER_PROJECT);
        assert_eq!(create(other).await.expect(201).json()["number"], 2);
    });
}

#[test]
fn a_restore_gives_out_no_number_again() {
    with_runs(async |runs| {
        let export = runs.app.export().await;
        assert_eq!(number(&runs).await, 1);
        import(&runs, &export).await;
        assert_eq!(number(&runs).await, 2);
        let lineages = runs.app.get("/api/v1/lineages").await.json();
        let first = lineages["items"][0]["id"].as_str().expect("there is one").to_owned();
        runs.app.maintenance_on().await;
        let restore = Request::post(&format!("/api/v1/lineages/{first}/restore"));
        runs.app.send(restore).await.expect(200);
        runs.app.maintenance_off().await;
        assert_eq!(number(&runs).await, 3);
    });
}

#[test]
fn a_recovery_skips_the_numbers_that_lost_commits_may_have_given_out() {
    with_runs(async |mut runs| {
        assert_eq!(number(&runs).await, 1);
        drydock_tests::run::pass(std::time::Duration::from_secs(10)).await;
        runs.app.objects.trouble.set(Trouble::Refused);
        assert_eq!(number(&runs).await, 2);
        assert_eq!(number_of_other(&runs).await, 1);
        // The coordination store is lost with the commits that no object holds.
        runs.app.stop(1);
        runs.app.coordination.store = Arc::new(Memory::new(runs.app.clock()));
        runs.app.objects.trouble.set(Trouble::None);
        runs.app.add_service(Runservice::default(), settings()).await;
        let second = runs.app.instance(2).clone();
        drydock_tests::run::until(async || {
            second.send(Request::get("/readyz")).await.status == 200
        })
        .await;
        let status = second.send(Request::get("/api/v1/maintenance")).await.json();
        assert_eq!(status["last_recovery"]["skipped_numbers"], 1000);
        let create = |new: Value| second.send(Request::post("/api/v1/runs").json(&new));
        assert_eq!(create(new_run()).await.expect(201).json()["number"], 1002);
        let mut other = new_run();
        other["project"] = json!(OTHER_PROJECT);
        assert_eq!(create(other).await.expect(201).json()["number"], 1001);
    });
}
