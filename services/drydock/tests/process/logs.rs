//! Logs of real steps: from the pipe, through the executor's disk, to whoever reads them.

use std::path::Path;
use std::process::Stdio;

use drydock_api::runservice::types::{LogQuery, LogStep, NewRun, RunId, TaskName};
use drydock_core::context::Context;
use futures_util::{StreamExt, TryStreamExt};
use serde_json::json;

use super::harness::{Installation, Running, drydock, soon, until, utf8};

const SECRET: &str = "a secret of the tests";
const STEP: LogStep = LogStep::Step(0);

async fn start(installation: &Installation) -> Running {
    let mut command = drydock();
    command.stderr(Stdio::null());
    installation.start_args(command, &["--executor"]).await
}

async fn create(running: &Running, commands: &[&str]) -> RunId {
    let step = |command: &&str| json!({ "run": { "command": command } });
    let steps: Vec<_> = commands.iter().map(step).collect();
    let new: NewRun = serde_json::from_value(json!({
        "project": "01900000-0000-7000-8000-000000000001",
        "name": "main",
        "tasks": { "build": { "steps": steps } },
        "environment": { "SECRET": SECRET },
        "variables": { "SECRET": "the-secret" },
    }))
    .unwrap();
    running.runs.create_run(&soon(), &new, None).await.unwrap().body.run.id
}

fn task() -> TaskName {
    "build".parse().unwrap()
}

/// The state of a log, and its bytes.
async fn read(running: &Running, run: RunId, step: LogStep) -> (String, Vec<u8>) {
    let query = LogQuery::default();
    let answer = running.runs.log(&soon(), run, &task(), step, &query).await.unwrap();
    let state = answer.headers["drydock-log-state"].to_str().unwrap().to_owned();
    let bytes: Vec<_> = answer.body.try_collect().await.unwrap();
    (state, bytes.concat())
}

/// Waits until the log is complete, and returns its bytes.
async fn complete(running: &Running, run: RunId, step: LogStep) -> Vec<u8> {
    until(async || {
        // Before the first claim there is no attempt.
        let query = LogQuery::default();
        running.runs.log(&soon(), run, &task(), step, &query).await.ok()?;
        let (state, log) = read(running, run, step).await;
        (state != "live").then(|| assert_eq!(state, "complete")).map(|()| log)
    })
    .await
}

/// A step that prints a line, waits for the file `go`, and prints 230 KB with a secret in them.
fn chatty(go: &Path) -> (String, Vec<u8>) {
    let go = utf8(go);
    let command = format!(
        "echo begun; until [ -e {go} ]; do sleep 0.05; done; seq 1 20000; echo \"is $SECRET\"; \
         seq 20001 40000 >&2; printf end"
    );
    let numbers = |from: u32, to: u32| (from..=to).map(|number| format!("{number}\n"));
    let lines = std::iter::once("begun\n".to_owned())
        .chain(numbers(1, 20_000))
        .chain(["is ***\n".to_owned()])
        .chain(numbers(20_001, 40_000))
        .chain(["end".to_owned()]);
    (command, lines.collect::<String>().into_bytes())
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

#[tokio::test]
async fn what_a_step_prints_is_followed_and_read_byte_for_byte_and_its_folder_goes() {
    let installation = Installation::new();
    let running = start(&installation).await;
    let go = installation.path("go");
    let (command, printed) = chatty(&go);
    let run = create(&running, &[&command, "true", "echo \"$SECRET$SECRET\""]).await;
    let follow = LogQuery { follow: true, ..LogQuery::default() };
    let ctx = Context::background();
    let mut followed = until(async || {
        running.runs.log(&ctx, run, &task(), STEP, &follow).await.ok().map(|answer| answer.body)
    })
    .await;
    // The first line comes while the step runs: it waits for what comes next here.
    let mut seen = followed.next().await.unwrap().unwrap().to_vec();
    assert_eq!(seen, b"begun\n");
    std::fs::write(&go, "").unwrap();
    while let Some(bytes) = followed.next().await {
        seen.extend_from_slice(&bytes.unwrap());
    }
    assert!(seen == printed, "{} of {} bytes", seen.len(), printed.len());
    assert!(complete(&running, run, STEP).await == printed);
    assert_eq!(complete(&running, run, LogStep::Step(1)).await, b"");
    assert_eq!(complete(&running, run, LogStep::Step(2)).await, b"***\n");
    let attempts = installation.data().join("executor/attempts");
    until(async || is_empty(&attempts).then_some(())).await;
    running.signal("TERM");
    assert_eq!(running.end().await, Some(0));
}

#[tokio::test]
async fn a_log_is_whole_though_everything_is_killed_while_it_is_written() {
    let installation = Installation::new();
    let running = start(&installation).await;
    let go = installation.path("go");
    let (command, printed) = chatty(&go);
    let run = create(&running, &[&command]).await;
    until(async || {
        let query = LogQuery::default();
        running.runs.log(&soon(), run, &task(), STEP, &query).await.ok()?;
        (read(&running, run, STEP).await.1 == b"begun\n").then_some(())
    })
    .await;
    // What the service had in memory is gone, and the step goes on.
    let Running { mut child, .. } = running;
    child.kill().await.unwrap();
    std::fs::write(&go, "").unwrap();
    let running = start(&installation).await;
    assert!(complete(&running, run, STEP).await == printed);
    let attempts = installation.data().join("executor/attempts");
    until(async || is_empty(&attempts).then_some(())).await;
    running.signal("TERM");
    assert_eq!(running.end().await, Some(0));
}
