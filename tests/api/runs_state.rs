//! Runservice's state over exports and imports, over maintenance, and over outages.

use std::collections::BTreeSet;
use std::time::Duration;

use drydock_runservice::Runservice;
use drydock_tests::app::{TestApp, settings};
use drydock_tests::archive::Export;
use drydock_tests::client::{Exchange, Request};
use drydock_tests::faulty::Trouble;
use drydock_tests::run::run;
use drydock_tests::runs::{OTHER_CLAIM, RunsApp, beat, new_run, success, with_work};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use serde_json::{Value, json};

use crate::bad_input::runner;

const ROUNDS: usize = 12;
const CLAIMS: &str = "/api/v1/executors/self/claims";

/// What somebody does. Numbers choose among what is there.
#[derive(Debug, Clone, Copy)]
enum Step {
    Create(usize),
    Restart(usize),
    Stop(usize),
    Cancel(usize),
    Decide(usize, &'static str),
    Claim,
    Report(usize, bool),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0_usize..4).prop_map(Step::Create),
        1 => any::<usize>().prop_map(Step::Restart),
        1 => any::<usize>().prop_map(Step::Stop),
        1 => any::<usize>().prop_map(Step::Cancel),
        2 => (any::<usize>(), prop::sample::select(vec!["approve", "refuse"]))
            .prop_map(|(at, decision)| Step::Decide(at, decision)),
        4 => Just(Step::Claim),
        4 => (any::<usize>(), any::<bool>()).prop_map(|(at, good)| Step::Report(at, good)),
        1 => (1_u64..60).prop_map(Step::Pass),
    ]
}

/// Runs of different shapes.
fn shape(nth: usize) -> Value {
    let mut new = new_run();
    let project = new["project"].as_str().expect("it has one").to_owned();
    match nth {
        0 => {}
        1 => new["environment"] = json!({ "TOKEN": "a secret value" }),
        2 => {
            new["group"] = json!(format!("/project/{project}/branch/a_b"));
            new["on_newer"] = json!("cancel_queued");
            new["tasks"] = json!({
                "a": { "steps": [], "retry": { "max": 2 } },
                "b": { "steps": [], "depends": [{ "a": ["on_failure"] }], "exclusive": true },
                "c": { "steps": [], "depends": ["a", "b"], "allow_failure": true },
            });
        }
        _ => new["tasks"] = json!({ "a": { "steps": [], "depends": ["a"] } }),
    }
    new
}

/// A deployment, and what was made in it.
struct World {
    runs: RunsApp,
    made: Vec<String>,
    attempts: Vec<String>,
    claims: u32,
}

impl World {
    async fn new() -> World {
        let mut runs = RunsApp::empty().await;
        runs.register("linux").await;
        World { runs, made: Vec::new(), attempts: Vec::new(), claims: 0 }
    }

    /// Does a step, whose answer may be a refusal, and never a failure of ours.
    async fn take(&mut self, step: Step) {
        let chosen = |all: &[String], at: usize| all.get(at % all.len().max(1)).cloned();
        let run = |at: usize| chosen(&self.made, at).unwrap_or_default();
        let post = |path: String| Request::post(&format!("/api/v1/runs{path}"));
        let request = match step {
            Step::Create(nth) => post(String::new()).json(&shape(nth)),
            Step::Restart(at) => {
                post(String::new()).json(&json!({ "restart_of": run(at), "from": "failed" }))
            }
            Step::Stop(at) => post(format!("/{}/stop", run(at))),
            Step::Cancel(at) => post(format!("/{}/cancel", run(at))),
            Step::Decide(at, decision) => post(format!("/{}/tasks/deploy/{decision}", run(at)))
                .json(&json!({ "approver": "alice" })),
            Step::Claim => return self.claim().await,
            Step::Report(at, good) => {
                let Some(attempt) = chosen(&self.attempts, at) else { return };
                return self.report(&attempt, good).await;
            }
            Step::Pass(seconds) => {
                return drydock_tests::run::pass(Duration::from_secs(seconds)).await;
            }
        };
        let answer = self.runs.app.send(request).await;
        assert!(answer.status.as_u16() < 500, "{answer}");
        if answer.status == 201 {
            self.made.push(answer.field("id"));
        }
    }

    async fn claim(&mut self) {
        self.claims += 1;
        let claim = format!("01900000-0000-7000-8000-{:012}", self.claims);
        let answer = self.runs.claim("linux", &claim).await;
        assert!(answer.status == 201 || answer.status == 204, "{answer}");
        if answer.status == 201 {
            let attempt = answer.json()["attempt"]["id"].as_str().expect("it has one").to_owned();
            self.attempts.push(attempt);
        }
    }

    async fn report(&self, attempt: &str, good: bool) {
        let failed = json!({ "phase": "failed", "reason": "timeout" });
        let status = if good { success() } else { failed };
        let path = format!("/api/v1/executors/self/attempts/{attempt}");
        let report = Request::put(&path).json(&status);
        let answer = self.runs.executor("linux").send(report).await;
        assert!(answer.status.as_u16() < 500, "{answer}");
    }
}

fn objects(export: &str) -> Vec<String> {
    Export::parse(export).objects
}

#[test]
fn an_import_brings_back_every_state_of_runs_and_work_goes_on() {
    let mut runner = runner();
    let mut types = BTreeSet::new();
    let mut phases = BTreeSet::new();
    for _ in 0..ROUNDS {
        let mut draw = |most: usize| {
            let tree = vec(step(), 1..most).new_tree(&mut runner);
            tree.expect("nothing is filtered out").current()
        };
        let (before, between, after) = (draw(40), draw(15), draw(15));
        run(async {
            let mut world = World::new().await;
            for step in before {
                world.take(step).await;
            }
            world.runs.app.maintenance_on().await;
            let export = world.runs.app.export().await;
            world.runs.app.maintenance_off().await;
            for step in between {
                world.take(step).await;
            }
            world.runs.app.maintenance_on().await;
            let import = Request::post("/api/v1/import").body(export.clone());
            world.runs.app.send(import).await.expect(200);
            assert_eq!(objects(&world.runs.app.export().await), objects(&export));
            world.runs.app.maintenance_off().await;
            for step in after {
                world.take(step).await;
            }
            for line in objects(&export) {
                let object: Value = serde_json::from_str(&line).expect("a line is JSON");
                types.insert(object["type"].as_str().unwrap_or_default().to_owned());
                if object["type"] == "runs" {
                    phases.insert(object["data"]["phase"].as_str().unwrap_or_default().to_owned());
                }
            }
        });
    }
    let shown = types.iter().map(String::as_str).collect::<Vec<_>>();
    let expected = ["attempts", "executors", "run_counters", "run_definitions", "run_events"];
    assert!(expected.iter().chain(&["runs", "tasks"]).all(|it| shown.contains(it)), "{shown:?}");
    assert_eq!(phases.len(), 5, "a phase that no export held: {phases:?}");
}

/// Two instances, both ready, with an executor at work.
async fn two() -> RunsApp {
    let mut app = TestApp::new();
    for _ in 0..2 {
        app.add_service(Runservice::default(), settings()).await;
        app.ready().await;
    }
    let mut runs = RunsApp::of(app);
    runs.work().await;
    runs
}

#[test]
fn maintenance_is_a_barrier_for_everybody_and_loses_no_task() {
    run(async {
        let runs = two().await;
        let numbers = async || {
            let lines = objects(&runs.app.export().await);
            lines.iter().filter(|line| line.contains(r#""type":"runs""#)).count()
        };
        let before = numbers().await;
        // Somebody creates runs at both instances all the while.
        let creating = [1, 2].map(|number| {
            let client = runs.app.instance(number).clone();
            tokio::spawn(async move {
                let mut created = 0;
                loop {
                    drydock_tests::run::pass(Duration::from_millis(1)).await;
                    let create = Request::post("/api/v1/runs").json(&new_run());
                    match client.send(create).await {
                        answer if answer.status == 201 => created += 1,
                        answer => return (created, answer),
                    }
                }
            })
        });
        drydock_tests::run::pass(Duration::from_millis(50)).await;
        let status = runs.app.instance(2).send(Request::put("/api/v1/maintenance?wait=30s")).await;
        assert_eq!(status.json()["ready"], true, "{status}");
        let position = status.json()["position"].clone();
        let mut acknowledged = before;
        for creating in creating {
            let (created, refused) = creating.await.expect("it does not panic");
            assert!(created > 0, "nothing was created before the switch");
            assert_eq!(refused.outcome(), "503 maintenance, retry after 1 s", "{refused}");
            acknowledged += created;
        }
        // Executors are told the same, and keep what they have.
        let attempt = format!("/api/v1/executors/self/attempts/{}", runs.name("{attempt}"));
        let report = Request::put(&attempt).json(&success());
        for number in [1, 2] {
            let linux = runs.executor_at(number, "linux");
            let beat = Request::put("/api/v1/executors/self");
            let beat = beat.json(&json!({ "session": 1, "limit": 4 }));
            for request in [beat, report.clone(), Request::get(&attempt)] {
                let answer = linux.send(request).await;
                assert_eq!(answer.outcome(), "503 maintenance, retry after 1 s", "{answer}");
            }
        }
        drydock_tests::run::pass(Duration::from_secs(1800)).await;
        let after = runs.app.get("/api/v1/maintenance").await.json()["position"].clone();
        assert_eq!(after, position, "something was committed in maintenance");
        runs.app.maintenance_off().await;
        assert_eq!(numbers().await, acknowledged);
        let done = runs.executor_at(2, "linux").send(report).await.expect(200);
        assert_eq!(done.json()["phase"], "success");
    });
}

/// Lets every call to coordination after the nth fail, for growing n, until the operation succeeds;
/// then asks again, and returns that answer.
async fn through_outages(runs: &RunsApp, operation: impl AsyncFn() -> Exchange) -> Exchange {
    for passes in 0..20 {
        runs.app.coordination.trouble.set(Trouble::RefusedAfter(passes));
        let answer = operation().await;
        runs.app.coordination.trouble.set(Trouble::None);
        if answer.status.is_success() {
            return operation().await;
        }
        let outcome = answer.outcome();
        assert!(outcome.starts_with("503 coordination_unavailable"), "after {passes}: {answer}");
        drydock_tests::run::pass(Duration::from_secs(10)).await;
        let beat = Request::put("/api/v1/executors/self").json(&beat());
        runs.executor("linux").send(beat).await.expect(200);
    }
    panic!("it does not succeed");
}

#[test]
fn a_claim_and_a_report_through_an_outage_of_coordination_count_once() {
    with_work(async |runs| {
        let approve = format!("/api/v1/runs/{}/tasks/deploy/approve", runs.name("{run}"));
        let approve = Request::post(&approve).json(&json!({ "approver": "alice" }));
        runs.app.send(approve).await.expect(204);
        let linux = runs.executor("linux");
        let claim = json!({ "claim": OTHER_CLAIM, "session": 1 });
        let claimed =
            through_outages(&runs, async || linux.send(Request::post(CLAIMS).json(&claim)).await);
        let attempt = claimed.await.expect(201).json()["attempt"]["id"].clone();
        let path = format!("/api/v1/executors/self/attempts/{}", attempt.as_str().expect("an id"));
        let done = json!({ "phase": "success" });
        let reported =
            through_outages(&runs, async || linux.send(Request::put(&path).json(&done)).await);
        assert_eq!(reported.await.expect(200).json()["phase"], "success");
        let lines = objects(&runs.app.export().await);
        let attempts = lines.iter().filter(|line| line.contains(r#""type":"attempts""#));
        assert_eq!(attempts.count(), 2, "one of each task");
    });
}

#[test]
fn work_goes_on_while_objects_are_away() {
    with_work(async |runs| {
        runs.app.objects.trouble.set(Trouble::Refused);
        drydock_tests::run::pass(Duration::from_secs(40)).await;
        runs.create(&new_run()).await;
        let path = format!("/api/v1/executors/self/attempts/{}", runs.name("{attempt}"));
        let linux = runs.executor("linux");
        linux.send(Request::put(&path).json(&success())).await.expect(200);
        runs.app.objects.trouble.set(Trouble::None);
        drydock_tests::run::pass(Duration::from_secs(60)).await;
        let again = linux.send(Request::put(&path).json(&success())).await;
        assert_eq!(again.expect(200).json()["phase"], "success");
    });
}
