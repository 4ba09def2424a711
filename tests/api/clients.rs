//! The typed clients of runservice, and of the gateway's runs, have a method for each endpoint, and
//! no other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use drydock_api::gateway;
use drydock_api::gateway::GatewayClient;
use drydock_api::gateway::types::{
    BadgeQuery, ProjectEventsQuery, ProjectRunsQuery, RestartRun, TaskDecision,
};
use drydock_api::runservice::client::{ExecutorClient, RunserviceClient};
use drydock_api::runservice::endpoints;
use drydock_api::runservice::types::{
    ApprovalBody, ArchiveQuery, AttemptId, AttemptPhase, ByNumberQuery, CacheId, ClaimId,
    EventsQuery, ExecutorChange, Heartbeat, LogAttemptQuery, LogQuery, LogStep, NewClaim,
    NewExecutor, NewRun, ProjectId, RestartFrom, RunId, RunsQuery, SaveCacheQuery, Status,
    UploadQuery,
};
use drydock_core::context::Context;
use drydock_http::api::endpoint::Endpoint;
use drydock_http::api::page::{Consistency, ListQuery};
use drydock_http::client::ClientError;
use drydock_http::server::HttpSettings;
use drydock_http::server::route::Route;
use drydock_http::testing::harness::Served;
use drydock_tests::run::run;
use http::StatusCode;
use serde_json::json;
use uuid::Uuid;

type Asked = Arc<Mutex<BTreeSet<String>>>;

fn name(endpoint: &Endpoint) -> String {
    format!("{} {}", endpoint.spec.method, endpoint.spec.path)
}

/// A server that notes which endpoints are asked, and has nothing to answer.
async fn served(asked: &Asked, endpoints: Vec<Endpoint>) -> Served<()> {
    let route = |endpoint: Endpoint| {
        let (name, asked) = (name(&endpoint), asked.clone());
        let note = async move || {
            asked.lock().expect("no holder of this lock panics").insert(name);
            StatusCode::NO_CONTENT
        };
        Route::new(endpoint, note)
    };
    let table = endpoints.into_iter().map(route).collect();
    Served::new(HttpSettings::default(), table, ()).await
}

/// Every answer is empty, so the only errors are those of bodies that are no JSON.
fn reached<T>(result: Result<T, ClientError>) {
    match result {
        Ok(_) => {}
        Err(ClientError::Unknown { source, .. }) => {
            assert!(source.is::<serde_json::Error>(), "{source}");
        }
        Err(error) => panic!("{error}"),
    }
}

async fn ask_for_runs(client: &RunserviceClient) {
    let (ctx, run) = (Context::background(), RunId(Uuid::from_u128(1)));
    let task = "a.b".parse().expect("this is a task's name");
    let body = ApprovalBody { approver: "alice".to_owned(), comment: None };
    let project = ProjectId(Uuid::from_u128(2));
    let number = ByNumberQuery { project, number: 1, consistency: None };
    reached(client.runs(&ctx, &RunsQuery::default()).await);
    reached(client.create_run(&ctx, &NewRun::default(), Some("key")).await);
    reached(client.run(&ctx, run, Consistency::Local).await);
    reached(client.run_by_number(&ctx, &number).await);
    reached(client.cancel_run(&ctx, run).await);
    reached(client.stop_run(&ctx, run).await);
    reached(client.approve_task(&ctx, run, &task, &body).await);
    reached(client.refuse_task(&ctx, run, &task, &body).await);
    reached(client.events(&ctx, &EventsQuery::default()).await);
    reached(client.follow_events(&ctx, &EventsQuery::default()).await);
    reached(client.resume_gate(&ctx, Consistency::Linearizable).await);
    reached(client.open_resume_gate(&ctx).await);
    let (step, log) = (LogStep::Step(0), LogQuery::default());
    reached(client.log(&ctx, run, &task, step, &log).await);
    reached(client.delete_logs(&ctx, run, &task, &LogAttemptQuery::default()).await);
    reached(client.archive(&ctx, (run, &task, 0), &ArchiveQuery::default()).await);
    reached(client.caches(&ctx, project, &ListQuery::default()).await);
    reached(client.delete_cache(&ctx, project, CacheId(Uuid::from_u128(5))).await);
}

async fn ask_for_executors(client: &RunserviceClient) {
    let (ctx, change) = (Context::background(), ExecutorChange::default());
    let executor = "linux-1".parse().expect("this is a name");
    let new = NewExecutor { name: "linux-1".to_owned(), labels: BTreeSet::new() };
    reached(client.executors(&ctx, &ListQuery::default()).await);
    reached(client.create_executor(&ctx, &new, None).await);
    reached(client.executor(&ctx, &executor, Consistency::Linearizable).await);
    reached(client.update_executor(&ctx, &executor, &change, Some("\"1\"")).await);
    reached(client.delete_executor(&ctx, &executor, None).await);
}

async fn ask_as_executor(client: &ExecutorClient) {
    let (ctx, attempt) = (Context::background(), AttemptId(Uuid::from_u128(3)));
    let beat = Heartbeat {
        session: 1,
        labels: BTreeSet::new(),
        arch: None,
        limit: 1,
        held: Vec::new(),
        asked: BTreeSet::new(),
        forgotten: BTreeSet::new(),
    };
    let status = Status {
        phase: AttemptPhase::Success,
        reason: None,
        steps: Vec::new(),
        logs: BTreeMap::new(),
        archives: BTreeMap::new(),
    };
    let claim = NewClaim { claim: ClaimId(Uuid::from_u128(4)), session: 1 };
    reached(client.heartbeat(&ctx, &beat).await);
    let nothing = client.claim(&ctx, &claim, Some(Duration::from_secs(20))).await;
    assert_eq!(nothing.expect("204 is no error"), None);
    reached(client.attempt(&ctx, attempt).await);
    reached(client.report(&ctx, attempt, &status).await);
    reached(client.append(&ctx, attempt, LogStep::Setup, 0, "a line".into()).await);
    let upload = UploadQuery { size: 7, blake3: blake3::hash(b"archive").to_string() };
    reached(client.upload(&ctx, (attempt, 0), &upload, "archive").await);
    reached(client.download(&ctx, (attempt, "0")).await);
    let nothing = client.cache(&ctx, attempt, &["a".to_owned(), "b".to_owned()]).await;
    assert!(nothing.expect("204 is no error").is_none());
    let UploadQuery { size, blake3 } = upload;
    let entry = SaveCacheQuery { key: "a".to_owned(), size, blake3 };
    reached(client.put_cache(&ctx, attempt, &entry, "archive").await);
}

#[test]
fn every_endpoint_of_a_projects_runs_has_a_method_of_the_gateways_client() {
    run(async {
        let asked = Asked::default();
        let endpoints = gateway::endpoints::run::all();
        let served = served(&asked, endpoints.clone()).await;
        let client = GatewayClient::new(served.client()).runs();
        let (ctx, project) = (Context::background(), "org/acme/site".parse());
        let (project, number) = (project.expect("this is a path"), 7);
        let task = "a.b".parse().expect("this is a task's name");
        let (decision, from) = (TaskDecision::default(), RestartFrom::Start);
        reached(client.list(&ctx, &project, &ProjectRunsQuery::default()).await);
        let file = json!({ "branch": "main", "definition": "version: 1" });
        let new = serde_json::from_str(&file.to_string()).expect("this is a body");
        reached(client.start(&ctx, &project, &new, Some("key")).await);
        reached(client.run(&ctx, &project, number, Consistency::Local).await);
        reached(client.task(&ctx, &project, number, &task).await);
        reached(client.restart(&ctx, &project, number, RestartRun { from }, None).await);
        reached(client.cancel(&ctx, &project, number).await);
        reached(client.stop(&ctx, &project, number).await);
        reached(client.approve(&ctx, &project, number, &task, &decision).await);
        reached(client.refuse(&ctx, &project, number, &task, &decision).await);
        let (log, attempt) = (LogQuery::default(), LogAttemptQuery::default());
        reached(client.log(&ctx, &project, (number, &task, LogStep::Setup), &log).await);
        reached(client.delete_logs(&ctx, &project, (number, &task), &attempt).await);
        let archive = ArchiveQuery::default();
        reached(client.archive(&ctx, &project, (number, &task, 0), &archive).await);
        reached(client.caches(&ctx, &project, &ListQuery::default()).await);
        reached(client.delete_cache(&ctx, &project, CacheId(Uuid::from_u128(5))).await);
        reached(client.events(&ctx, &project, &ProjectEventsQuery::default()).await);
        reached(client.follow_events(&ctx, &project, &ProjectEventsQuery::default()).await);
        reached(client.badge(&ctx, &project, &BadgeQuery::default()).await);
        let asked = asked.lock().expect("no holder of this lock panics").clone();
        assert_eq!(asked, endpoints.iter().map(name).collect());
    });
}

#[test]
fn every_endpoint_of_runservice_has_a_method_of_a_client() {
    run(async {
        let asked = Asked::default();
        let served = served(&asked, endpoints::all()).await;
        let operator = RunserviceClient::new(served.client());
        ask_for_runs(&operator).await;
        ask_for_executors(&operator).await;
        ask_as_executor(&ExecutorClient::new(served.client())).await;
        let asked = asked.lock().expect("no holder of this lock panics").clone();
        assert_eq!(asked, endpoints::all().iter().map(name).collect());
    });
}
