//! Claims that wait for a task.

use std::time::Duration;

use drydock_runservice::Runservice;
use drydock_tests::app::{TestApp, settings};
use drydock_tests::client::{Client, Exchange, Request};
use drydock_tests::faulty::Trouble;
use drydock_tests::run::{run, until};
use drydock_tests::runs::{OTHER_CLAIM, RunsApp, new_run, with_runs};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::Instant;

const CLAIM: &str = "01900000-0000-7000-8000-0000000000c1";

/// A claim that waits, with the time that it took.
fn poll(client: &Client, claim: &str, wait: &str) -> JoinHandle<(Exchange, Duration)> {
    let path = format!("/api/v1/executors/self/claims?wait={wait}");
    let poll = Request::post(&path).json(&json!({ "claim": claim, "session": 1 }));
    let client = client.clone();
    tokio::spawn(async move {
        let begun = Instant::now();
        (client.send(poll).await, begun.elapsed())
    })
}

async fn pass(ms: u64) {
    drydock_tests::run::pass(Duration::from_millis(ms)).await;
}

async fn two() -> RunsApp {
    let mut app = TestApp::new();
    for _ in 0..2 {
        app.add_service(Runservice::default(), settings()).await;
        app.ready().await;
    }
    let mut runs = RunsApp::of(app);
    runs.register("linux").await;
    runs.register("idle").await;
    runs
}

#[test]
fn a_waiting_claim_is_answered_as_soon_as_there_is_a_task_at_any_instance() {
    run(async {
        let runs = two().await;
        for number in [1, 2] {
            let claim = format!("01900000-0000-7000-8000-00000000000{number}");
            let waiting = poll(&runs.executor_at(number, "linux"), &claim, "20s");
            pass(3000).await;
            runs.create(&new_run()).await;
            let (answer, took) = waiting.await.expect("it does not panic");
            assert_eq!(answer.status, 201, "{answer}");
            assert!(took < Duration::from_millis(3100), "{took:?}");
            let attempt = answer.json()["attempt"]["id"].clone();
            let attempt = attempt.as_str().expect("it has one").to_owned();
            let run = answer.json()["run"]["id"].as_str().expect("it has one").to_owned();
            runs.app.send(Request::post(&format!("/api/v1/runs/{run}/stop"))).await.expect(204);
            let stopped = json!({ "phase": "stopped" });
            let path = format!("/api/v1/executors/self/attempts/{attempt}");
            let report = Request::put(&path).json(&stopped);
            runs.executor("linux").send(report).await.expect(200);
        }
    });
}

#[test]
fn of_two_waiting_claims_one_gets_the_task_and_the_other_goes_on_waiting() {
    run(async {
        let runs = two().await;
        let waiting = [
            poll(&runs.executor_at(1, "linux"), CLAIM, "10s"),
            poll(&runs.executor_at(1, "idle"), OTHER_CLAIM, "10s"),
        ];
        pass(1000).await;
        runs.create(&new_run()).await;
        let mut answers = Vec::new();
        for waiting in waiting {
            let (answer, took) = waiting.await.expect("it does not panic");
            answers.push((answer.status.as_u16(), took.as_secs()));
        }
        answers.sort_unstable();
        assert_eq!(answers, [(201, 1), (204, 10)]);
    });
}

#[test]
fn a_retry_wakes_a_claim_when_its_time_has_come() {
    with_runs(async |mut runs| {
        runs.register("linux").await;
        let mut new = new_run();
        new["tasks"] = json!({ "a": { "steps": [], "retry": { "max": 1, "for": ["timeout"] } } });
        runs.create(&new).await;
        let claimed = runs.claim("linux", CLAIM).await.expect(201).json();
        let attempt = claimed["attempt"]["id"].as_str().expect("it has one").to_owned();
        let failed = json!({ "phase": "failed", "reason": "timeout" });
        let path = format!("/api/v1/executors/self/attempts/{attempt}");
        let report = Request::put(&path).json(&failed);
        runs.executor("linux").send(report).await.expect(200);
        let waiting = poll(&runs.executor("linux"), OTHER_CLAIM, "20s");
        let (answer, took) = waiting.await.expect("it does not panic");
        assert_eq!(answer.status, 201, "{answer}");
        assert!((5..8).contains(&took.as_secs()), "{took:?}");
    });
}

/// Every call to coordination fails while the claim waits, so it makes none.
#[test]
fn a_waiting_claim_asks_coordination_for_nothing() {
    with_runs(async |mut runs| {
        runs.register("linux").await;
        pass(1000).await;
        runs.app.coordination.trouble.set(Trouble::Refused);
        let (answer, took) = poll(&runs.executor("linux"), CLAIM, "5s").await.expect("no panic");
        runs.app.coordination.trouble.set(Trouble::None);
        assert_eq!((answer.status.as_u16(), took.as_secs()), (204, 5), "{answer}");
    });
}

#[test]
fn a_waiting_claim_ends_at_once_when_maintenance_begins_or_the_instance_stops() {
    run(async {
        let runs = two().await;
        let waiting = [1, 2].map(|at| poll(&runs.executor_at(at, "linux"), CLAIM, "25s"));
        pass(1000).await;
        let begun = Instant::now();
        let on = runs.app.maintenance_on().await;
        assert_eq!(on.json()["ready"], true);
        assert!(begun.elapsed() < Duration::from_secs(1), "nobody was waited for");
        for waiting in waiting {
            let (answer, took) = waiting.await.expect("it does not panic");
            assert_eq!(answer.outcome(), "503 maintenance, retry after 1 s");
            assert_eq!(took.as_secs(), 1);
        }
        runs.app.maintenance_off().await;
        pass(3000).await;
        let waiting = poll(&runs.executor_at(2, "linux"), CLAIM, "25s");
        pass(1000).await;
        runs.app.stop(2);
        let (answer, took) = waiting.await.expect("it does not panic");
        assert_eq!(answer.outcome(), "503 not_ready, retry after 1 s");
        assert_eq!(took.as_secs(), 1);
    });
}

#[test]
fn waiting_claims_keep_no_other_request_out() {
    run(async {
        let mut app = TestApp::new();
        let mut few = settings();
        few.http.max_concurrent_requests = 2;
        app.add_service(Runservice::default(), few).await;
        app.ready().await;
        let mut runs = RunsApp::of(app);
        runs.register("linux").await;
        let claims: Vec<_> =
            (10..30).map(|nth| format!("01900000-0000-7000-8000-0000000000{nth}")).collect();
        let linux = runs.executor("linux");
        let mut waiting = Vec::new();
        for claim in &claims {
            waiting.push(poll(&linux, claim, "10s"));
            pass(1).await;
        }
        runs.create(&new_run()).await;
        let mut given = 0;
        for waiting in waiting {
            let (answer, _) = waiting.await.expect("it does not panic");
            assert!(answer.status == 201 || answer.status == 204, "{answer}");
            given += usize::from(answer.status == 201);
        }
        assert_eq!(given, 1);
        until(async || runs.app.get("/readyz").await.status == 200).await;
    });
}

#[test]
fn a_claim_that_does_not_wait_is_answered_at_once() {
    with_runs(async |mut runs| {
        runs.register("linux").await;
        let begun = Instant::now();
        runs.claim("linux", CLAIM).await.expect(204);
        assert!(begun.elapsed() < Duration::from_millis(100));
    });
}

/// An executor asks again as soon as a task has ended, before it has reported the end.
#[test]
fn a_claim_of_an_executor_that_is_full_is_answered_when_it_has_room() {
    run(async {
        let runs = two().await;
        let one_at_a_time = json!({ "session": 1, "limit": 1 });
        let beat = Request::put("/api/v1/executors/self").json(&one_at_a_time);
        runs.executor("linux").send(beat).await.expect(200);
        let mut new = new_run();
        new["tasks"]["test"] = new["tasks"]["build"].clone();
        runs.create(&new).await;
        let first = runs.claim("linux", CLAIM).await.expect(201).json();
        let waiting = poll(&runs.executor_at(1, "linux"), OTHER_CLAIM, "20s");
        pass(3000).await;
        assert!(!waiting.is_finished());
        let attempt = first["attempt"]["id"].as_str().expect("it has one");
        let path = format!("/api/v1/executors/self/attempts/{attempt}");
        let report = Request::put(&path).json(&drydock_tests::runs::success());
        runs.executor_at(2, "linux").send(report).await.expect(200);
        let (answer, took) = waiting.await.expect("it does not panic");
        assert_eq!(answer.status, 201, "{answer}");
        assert!(took < Duration::from_millis(3200), "{took:?}");
    });
}

#[test]
fn a_claim_of_an_executor_that_is_drained_is_answered_when_that_is_over() {
    run(async {
        let runs = two().await;
        let drain =
            |drain: bool| Request::put("/api/v1/executors/linux").json(&json!({ "drain": drain }));
        runs.app.send(drain(true)).await.expect(200);
        runs.create(&new_run()).await;
        let waiting = poll(&runs.executor_at(1, "linux"), CLAIM, "20s");
        pass(3000).await;
        assert!(!waiting.is_finished());
        runs.app.send(drain(false)).await.expect(200);
        let (answer, took) = waiting.await.expect("it does not panic");
        assert_eq!(answer.status, 201, "{answer}");
        assert!(took < Duration::from_millis(3200), "{took:?}");
    });
}

/// The executor has lost the answer of one instance, and has asked the other one at once.
#[test]
fn a_claim_that_waits_at_two_instances_gets_its_attempt_from_both() {
    run(async {
        let runs = two().await;
        let waiting = [1, 2].map(|number| poll(&runs.executor_at(number, "linux"), CLAIM, "20s"));
        pass(3000).await;
        runs.create(&new_run()).await;
        let mut attempts = std::collections::BTreeSet::new();
        for waiting in waiting {
            let (answer, took) = waiting.await.expect("it does not panic");
            assert_eq!(answer.status, 201, "{answer}");
            assert!(took < Duration::from_millis(3200), "{took:?}");
            attempts.insert(answer.json()["attempt"]["id"].to_string());
        }
        assert_eq!(attempts.len(), 1);
    });
}
