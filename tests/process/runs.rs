//! Runs of real steps, while everything fails that may, one after the other.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use drydock_api::runservice::client::RunserviceClient;
use drydock_api::runservice::types::{
    ApprovalBody, AttemptPhase, LogQuery, LogState, LogStep, NewRun, Phase, ProjectId, RunId,
    RunResult, RunView, RunsQuery, TaskName, WaitingFor,
};
use drydock_backends::testing::{LinkState, free_addresses};
use drydock_core::context::Context;
use drydock_core::store::Durability;
use drydock_http::api::page::Consistency;
use drydock_tests::run::pass;
use futures_util::TryStreamExt;
use serde_json::{Value, from_value, json};
use tokio::process::Child;
use uuid::Uuid;

use super::deployment::{Deployment, spawn, until, utf8};

/// At the least.
const RUNS: usize = 200;
/// The runs that are created after each failure.
const BATCH: usize = 15;
const PROJECTS: usize = 20;
/// The lines that each step prints: four steps make 1 MiB.
const LINES: usize = 6_000;
const EXECUTORS: usize = 2;
/// One run of so many has a task that fails at first, and one a task that needs an approval.
const FLAKY_EVERY: usize = 4;
const APPROVED_EVERY: usize = 5;
/// Longer than the lease of an instance, shorter than an executor is waited for.
const PAUSED: Duration = Duration::from_secs(5);
/// Ten runs may take so long, with whatever has failed.
const PATIENCE: Duration = Duration::from_secs(120);
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// Appended to the configuration of the service and the executors.
const SETTINGS: &str = "\
    [runservice]\n\
    resume_per_minute = 100000\n\
    [executor]\n\
    limit = 4\n";

/// An executor's process, and the next one on its folder.
struct Executor {
    folder: PathBuf,
    command: Vec<String>,
    child: Child,
}

impl Executor {
    async fn register(deployment: &Deployment, config: &Path, number: usize) -> Executor {
        let folder = deployment.path(&format!("executor-{number}"));
        std::fs::create_dir_all(folder.join("executor")).unwrap();
        let (name, token) = (format!("linux-{number}"), folder.join("executor/token"));
        let register = ["executor", "register", &name, "--token-file", utf8(&token)];
        deployment.operate(0, &register).await;
        let run = ["executor", "run", "--config", utf8(config), "--data-dir", utf8(&folder)];
        let command: Vec<String> = run.into_iter().map(str::to_owned).collect();
        let child = spawn(&command);
        Executor { folder, command, child }
    }

    async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    fn start_again(&mut self) {
        self.child = spawn(&self.command);
    }

    /// The processes that supervise its attempts.
    fn supervisors(&self) -> Vec<String> {
        let folder = utf8(&self.folder);
        let is_supervisor =
            |command: &str| command.contains("supervise") && command.contains(folder);
        let mut found = Vec::new();
        for process in std::fs::read_dir("/proc").unwrap() {
            let process = process.unwrap();
            let command = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
            if is_supervisor(&String::from_utf8_lossy(&command)) {
                found.push(utf8(Path::new(&process.file_name())).to_owned());
            }
        }
        found
    }

    fn pid(&self) -> String {
        self.child.id().expect("it runs").to_string()
    }
}

/// Whether the process was there.
fn signal(name: &str, pid: &str) -> bool {
    let sent = std::process::Command::new("kill").args(["-s", name, pid]).status();
    sent.unwrap().success()
}

/// What is created, and what the steps write down themselves.
struct Drill {
    runs: RunserviceClient,
    /// A line for each start of a step, with the attempt and the task.
    ledger: PathBuf,
    created: BTreeMap<RunId, ProjectId>,
}

/// An attempt, as an export has it.
#[derive(Debug)]
struct Attempt {
    id: Uuid,
    run: RunId,
    name: TaskName,
    number: u32,
    phase: AttemptPhase,
    /// The number of steps that its executor has reported.
    steps: usize,
}

fn project(run: usize) -> ProjectId {
    ProjectId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + (run % PROJECTS) as u128))
}

fn soon() -> Context {
    Context::background().timeout(Duration::from_secs(10))
}

/// The log of a step: each line is another one.
fn printed(attempt: Uuid) -> String {
    (1..=LINES).map(|line| format!("{attempt} {line:05}\n")).collect()
}

impl Drill {
    /// A diamond.
    fn definition(&self, number: usize) -> NewRun {
        let ledger = utf8(&self.ledger);
        let step = |task: &str, end: &str| {
            let command = format!(
                "echo \"$DRYDOCK_ATTEMPT {task}\" >> {ledger}\n\
                 seq -f \"$DRYDOCK_ATTEMPT %05.0f\" 1 {LINES}\n{end}"
            );
            json!([{ "run": { "command": command } }])
        };
        let flag = format!("{ledger}.{number}");
        let flaky = match number % FLAKY_EVERY {
            0 => format!("test -e {flag} || {{ touch {flag}; exit 7; }}"),
            _ => String::new(),
        };
        let retry = json!({ "max": 3 });
        let mut tasks = json!({
            "top": { "steps": step("top", ""), "retry": retry },
            "left": { "steps": step("left", &flaky), "retry": retry, "depends": ["top"] },
            "right": { "steps": step("right", ""), "retry": retry, "depends": ["top"] },
            "bottom": {
                "steps": step("bottom", ""), "retry": retry, "depends": ["left", "right"],
            },
        });
        if number.is_multiple_of(APPROVED_EVERY) {
            tasks["bottom"]["approval"] = json!({});
        }
        let new = json!({ "project": project(number), "name": "main", "tasks": tasks });
        serde_json::from_value(new).unwrap()
    }

    /// Creates more runs, until there are so many. Each is created once, whatever is lost.
    async fn create(&mut self, enough: usize) {
        while self.created.len() < enough {
            let number = self.created.len();
            let (new, key) = (self.definition(number), format!("run-{number}"));
            until("a run is created", async || {
                let Ok(made) = self.runs.create_run(&soon(), &new, Some(&key)).await else {
                    return false;
                };
                self.created.insert(made.body.run.id, made.body.run.project);
                true
            })
            .await;
        }
    }

    async fn find(&self, run: RunId) -> Option<RunView> {
        let found = self.runs.run(&soon(), run, Consistency::Linearizable).await;
        found.ok().map(|found| found.body)
    }

    /// Approves whatever waits for it, and answers how many runs have ended.
    async fn tend(&self) -> usize {
        let mut ended = 0;
        for run in self.created.keys() {
            let Some(found) = self.find(*run).await else { continue };
            ended += usize::from(found.run.phase == Phase::Finished);
            for task in found.tasks.values() {
                if matches!(task.waiting_for, Some(WaitingFor::Approval { .. })) {
                    let approver = "the drill".to_owned();
                    let approval = ApprovalBody { approver, comment: None };
                    // An approval whose answer was lost is not needed again.
                    let _ = self.runs.approve_task(&soon(), *run, &task.name, &approval).await;
                }
            }
        }
        ended
    }

    /// Creates some runs, and waits until ten more have ended.
    async fn goes_on(&mut self, why: &str) {
        let all = self.created.len() + BATCH;
        self.create(all).await;
        let enough = (self.tend().await + 10).min(all);
        self.reaches(enough, why).await;
    }

    async fn reaches(&self, enough: usize, why: &str) {
        let begun = tokio::time::Instant::now();
        loop {
            let ended = self.tend().await;
            if ended >= enough {
                println!("{ended} runs have ended after {:?}: {why}", begun.elapsed());
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{ended} of {enough} runs have ended: {why}");
            pass(LOOK_AGAIN).await;
        }
    }

    /// All of a log, and its state.
    async fn log(&self, attempt: &Attempt) -> (LogState, String) {
        let query = LogQuery { attempt: Some(attempt.number), ..LogQuery::default() };
        let (run, step) = (attempt.run, LogStep::Step(0));
        let answer = self.runs.log(&soon(), run, &attempt.name, step, &query).await.unwrap();
        let state = answer.headers["drydock-log-state"].to_str().unwrap();
        let state = from_value(json!(state)).unwrap();
        let chunks: Vec<bytes::Bytes> = answer.body.try_collect().await.unwrap();
        (state, String::from_utf8(chunks.concat()).unwrap())
    }

    async fn all_have_succeeded_under_numbers_of_their_own(&self) {
        let mut numbers: BTreeMap<ProjectId, BTreeSet<u64>> = BTreeMap::new();
        for (run, project) in &self.created {
            let found = self.find(*run).await.expect("the service answers").run;
            assert_eq!(found.result, RunResult::Success, "{found:?}");
            assert!(numbers.entry(*project).or_default().insert(found.number), "{found:?}");
        }
        let (mut query, mut listed) = (RunsQuery::default(), 0);
        loop {
            let page = self.runs.runs(&soon(), &query).await.unwrap();
            listed += page.items.len();
            query.cursor = page.next_cursor;
            if query.cursor.is_none() {
                break;
            }
        }
        assert_eq!(listed, self.created.len());
    }

    /// Each step ran as often as its attempts say, and what it printed is there once.
    async fn steps_ran_as_attempts_say(&self, attempts: &BTreeMap<Uuid, Attempt>) {
        let ledger = std::fs::read_to_string(&self.ledger).unwrap();
        let mut begun: BTreeMap<Uuid, &str> = BTreeMap::new();
        for line in ledger.lines() {
            let (attempt, task) = line.split_once(' ').unwrap();
            let attempt = attempt.parse().unwrap();
            assert_eq!(begun.insert(attempt, task), None, "`{line}` stands there twice");
            let known = attempts.get(&attempt);
            assert!(known.is_some_and(|it| it.name.as_str() == task), "{line}: {known:?}");
        }
        let mut successes: BTreeMap<(RunId, &TaskName), u32> = BTreeMap::new();
        for attempt in attempts.values() {
            assert!(attempt.phase.is_final(), "{attempt:?}");
            let has_begun = begun.contains_key(&attempt.id);
            assert!(has_begun || attempt.steps == 0, "no step of it began: {attempt:?}");
            let (state, log) = self.log(attempt).await;
            let printed = printed(attempt.id);
            if attempt.phase == AttemptPhase::Success {
                *successes.entry((attempt.run, &attempt.name)).or_default() += 1;
                assert_eq!(state, LogState::Complete, "{attempt:?}");
            }
            if has_begun && attempt.steps > 0 {
                assert!(log == printed, "{} bytes of {}: {attempt:?}", log.len(), printed.len());
            }
            assert!(printed.starts_with(&log), "lines are missing or double: {attempt:?}");
        }
        assert_eq!(successes.len(), 4 * self.created.len());
        assert!(successes.values().all(|count| *count == 1), "a task succeeds once");
    }
}

/// The attempts in an export.
fn exported(path: &Path) -> BTreeMap<Uuid, Attempt> {
    let export = std::fs::read_to_string(path).unwrap();
    let objects = export.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let attempts = objects.filter(|object| object["type"] == "attempts").map(|object| {
        let field = |name: &str| object["data"][name].clone();
        Attempt {
            id: from_value(field("id")).unwrap(),
            run: from_value(field("run")).unwrap(),
            name: from_value(field("name")).unwrap(),
            number: from_value(field("number")).unwrap(),
            phase: from_value(field("phase")).unwrap(),
            steps: field("steps").as_array().map_or(0, Vec::len),
        }
    });
    attempts.map(|attempt| (attempt.id, attempt)).collect()
}

/// Waits until every log is as it stays.
async fn sealed(deployment: &Deployment, path: &Path) {
    until("every log is complete or given up", async || {
        deployment.operate(0, &["export", utf8(path)]).await;
        !std::fs::read_to_string(path).unwrap().contains("\"log_state\":\"live\"")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs real servers: `.ci/test` brings them"]
async fn every_step_runs_as_often_as_its_attempts_say_whatever_fails() {
    let mut deployment = Deployment::prepare("runservice", Durability::Quorum).await;
    let addresses: [String; 2] = free_addresses().await;
    let services = format!("{SETTINGS}runservice = {addresses:?}\n");
    deployment.start_instances(&addresses, &services).await;
    let config = deployment.path("drydock.toml");
    let mut executors = Vec::new();
    for number in 0..EXECUTORS {
        executors.push(Executor::register(&deployment, &config, number).await);
    }
    let ledger = deployment.path("ledger");
    let runs = RunserviceClient::new(deployment.http());
    let mut drill = Drill { runs, ledger, created: BTreeMap::new() };
    drill.goes_on("nothing has failed yet").await;

    executors[0].kill().await;
    drill.goes_on("an executor was killed").await;
    executors[0].start_again();
    drill.goes_on("it was started again").await;

    let mut killed = 0;
    while killed == 0 {
        drill.create(drill.created.len() + EXECUTORS * 4).await;
        until("an attempt runs", async || !executors[1].supervisors().is_empty()).await;
        executors[1].kill().await;
        // They may have ended in this moment.
        killed = executors[1].supervisors().iter().filter(|pid| signal("KILL", pid)).count();
        executors[1].start_again();
    }
    drill.goes_on("an executor and its supervisors were killed").await;

    signal("STOP", &executors[0].pid());
    pass(PAUSED).await;
    signal("CONT", &executors[0].pid());
    drill.goes_on("an executor was paused").await;

    deployment.instances[0].signal("KILL");
    drill.goes_on("a service was killed").await;
    deployment.instances[0].end().await;
    deployment.instances[0].start_again().await;

    deployment.instances[1].signal("STOP");
    pass(PAUSED).await;
    deployment.instances[1].signal("CONT");
    drill.goes_on("a service was paused beyond its lease").await;

    deployment.etcd.process(0).kill();
    drill.goes_on("a member of etcd was killed").await;
    deployment.etcd.run(0);
    deployment.etcd.wait().await;

    deployment.weed.process().kill();
    pass(PAUSED).await;
    deployment.weed.run();
    deployment.weed.wait().await;
    drill.goes_on("the S3 server was killed").await;

    for way in [LinkState::Silent, LinkState::Cut, LinkState::Slow(Duration::from_millis(100))] {
        deployment.to_weed.set(way);
        pass(PAUSED).await;
        deployment.to_weed.set(LinkState::Open);
        drill.goes_on("links to the S3 server failed").await;
    }

    let export = deployment.path("export.ndjson");
    deployment.operate(0, &["maintenance", "on", "--wait", "30s"]).await;
    deployment.operate(1, &["export", utf8(&export)]).await;
    deployment.operate(0, &["import", utf8(&export)]).await;
    deployment.operate(1, &["maintenance", "off", "--wait", "30s"]).await;
    drill.goes_on("an export was imported, while steps ran").await;
    drill.create(RUNS).await;
    let (ended, all) = (drill.tend().await, drill.created.len());
    for enough in (ended..all).step_by(10).chain([all]) {
        drill.reaches(enough, "everything is well again").await;
    }
    sealed(&deployment, &export).await;
    drill.all_have_succeeded_under_numbers_of_their_own().await;
    drill.steps_ran_as_attempts_say(&exported(&export)).await;
}
