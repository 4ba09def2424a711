//! `drydock serve all`: three services in one process, on one pair of stores.

use std::collections::BTreeMap;
use std::sync::Arc;

use drydock_api::configstore::types::NewUser;
use drydock_api::runservice::client::ExecutorClient;
use drydock_api::runservice::types::{
    AttemptPhase, ClaimId, Heartbeat, LogState, NewClaim, NewExecutor, NewRun, Phase, ProjectId,
    RunResult, Status,
};
use drydock_backends::tcp::TcpNet;
use drydock_http::api::page::Consistency;
use drydock_http::client::Client;
use secrecy::SecretString;
use serde_json::json;
use uuid::Uuid;

use super::harness::{Installation, Running, soon, text, until, utf8};

fn new_run() -> NewRun {
    NewRun {
        project: Some(ProjectId(Uuid::from_u128(7))),
        name: Some("main".to_owned()),
        tasks: Some(serde_json::from_value(json!({"a": {"steps": []}})).unwrap()),
        ..NewRun::default()
    }
}

/// An executor that has sent its first heartbeat.
async fn executor(running: &Running, address: &str) -> ExecutorClient {
    let new = NewExecutor { name: "linux-1".to_owned(), labels: [].into() };
    let token = running.runs.create_executor(&soon(), &new, None).await.unwrap().body.token;
    let http = Client::new(Arc::new(TcpNet), address).with_token(SecretString::from(token));
    let executor = ExecutorClient::new(http);
    let beat = Heartbeat {
        session: 1,
        labels: [].into(),
        arch: None,
        limit: 1,
        held: Vec::new(),
        asked: [].into(),
        forgotten: [].into(),
    };
    executor.heartbeat(&soon(), &beat).await.unwrap();
    executor
}

#[tokio::test]
async fn a_run_goes_through_all_services_of_one_process() {
    let installation = Installation::new();
    let running = installation.start().await;
    let addresses = std::fs::read(installation.path("data/addresses.json")).unwrap();
    let addresses: BTreeMap<String, String> = serde_json::from_slice(&addresses).unwrap();
    let services: Vec<_> = addresses.keys().map(String::as_str).collect();
    assert_eq!(services, ["configstore", "gateway", "runservice"]);
    let address = addresses["runservice"].strip_prefix("http://").unwrap();
    let executor = executor(&running, address).await;
    let run = running.runs.create_run(&soon(), &new_run(), None).await.unwrap().body.run;
    let claim = NewClaim { claim: ClaimId(Uuid::from_u128(1)), session: 1 };
    let claimed = executor.claim(&soon(), &claim, None).await.unwrap().expect("a task is ready");
    assert_eq!(claimed.run.id, run.id);
    let done = Status {
        phase: AttemptPhase::Success,
        reason: None,
        steps: Vec::new(),
        logs: BTreeMap::new(),
        archives: BTreeMap::new(),
    };
    executor.report(&soon(), claimed.attempt.id, &done).await.unwrap();
    // The sealing of the logs is the last that happens to a run.
    let ended = until(async || {
        let read = running.runs.run(&soon(), run.id, Consistency::Linearizable).await;
        let run = read.unwrap().body;
        let attempts: Vec<_> =
            run.tasks.values().filter_map(|task| task.attempt.as_ref()).collect();
        let sealed = attempts.iter().all(|attempt| attempt.logs == LogState::Complete);
        sealed.then_some(run)
    })
    .await;
    assert_eq!((ended.run.phase, ended.run.result), (Phase::Finished, RunResult::Success));
    running.signal("TERM");
    assert_eq!(running.end().await, Some(0));

    // Both stores are in the directory, and sound, each under its own name.
    for service in ["configstore", "runservice"] {
        let verified = installation.operate(&["store", "verify", "--service", service]).await;
        assert_eq!(verified.status.code(), Some(0), "{}", text(&verified.stderr));
    }
    let running = installation.start().await;
    let again = running.runs.run(&soon(), run.id, Consistency::Linearizable).await.unwrap().body;
    assert_eq!(again, ended);
}

#[tokio::test]
async fn each_service_is_exported_imported_and_in_maintenance_by_itself() {
    let installation = Installation::new();
    let running = installation.start().await;
    let run = running.runs.create_run(&soon(), &new_run(), None).await.unwrap().body.run;
    let file = installation.path("runs.ndjson");
    let service = ["--service", "runservice"];
    let operate = async |args: &[&str]| {
        let done = installation.operate(&[args, &service].concat()).await;
        assert_eq!(done.status.code(), Some(0), "{args:?}: {}", text(&done.stderr));
        text(&done.stdout)
    };
    operate(&["export", utf8(&file)]).await;
    let verified = operate(&["backup", "verify", utf8(&file)]).await;
    assert!(verified.contains("runs: 1"), "{verified}");
    operate(&["maintenance", "on", "--wait", "20s"]).await;
    let refused = running.runs.create_run(&soon(), &new_run(), None).await.unwrap_err();
    assert_eq!(refused.remote().unwrap().code, "maintenance");
    let new = NewUser { name: "alice".into(), admin: false };
    running.client.create_user(&soon(), &new, None).await.expect("configstore is not in it");
    operate(&["import", utf8(&file)]).await;
    operate(&["maintenance", "off", "--wait", "20s"]).await;
    let again = running.runs.run(&soon(), run.id, Consistency::Linearizable).await.unwrap().body;
    assert_eq!(again.run, run);
}
