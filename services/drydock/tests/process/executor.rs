//! The executor as a process: runs of real steps, and what is left after it is killed.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use drydock_api::runservice::types::{NewRun, RunId, RunResult, RunView};
use drydock_http::api::page::Consistency;
use serde_json::{Value, json};
use tokio::process::Child;

use super::harness::{FREE_PORTS, Installation, Running, drydock, soon, text, until, utf8};

/// An executor of its own folder, for the runservice of an installation.
struct Executor {
    child: Child,
}

impl Executor {
    fn start(folder: &Path, running: &Running) -> Executor {
        let mut command = drydock();
        command.args(["executor", "run", "--data-dir", utf8(folder)]);
        command.args(["--executor-runservice", &running.runservice]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        Executor { child }
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().expect("it runs").to_string();
        let killed = std::process::Command::new("kill").args(["-s", name, &pid]).status();
        assert!(killed.unwrap().success());
    }

    /// Signals until it leaves: two signals that come together count as one.
    async fn leave(mut self) -> Option<i32> {
        let status = until(async || {
            let ended = self.child.try_wait().unwrap();
            if ended.is_none() {
                self.signal("TERM");
            }
            ended
        });
        status.await.code()
    }

    async fn end(mut self) -> Option<i32> {
        let ended = tokio::time::timeout(Duration::from_secs(60), self.child.wait()).await;
        ended.expect("it ends").unwrap().code()
    }
}

/// A folder for an executor, which is registered.
async fn registered(installation: &Installation) -> PathBuf {
    let folder = installation.path("machine");
    std::fs::create_dir_all(folder.join("executor")).unwrap();
    let token = folder.join("executor/token");
    let args = ["executor", "register", "linux", "--token-file", utf8(&token)];
    let output = installation.operate(&args).await;
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(!text(&output.stdout).contains("token"));
    folder
}

async fn create(running: &Running, commands: &[&str]) -> RunId {
    let steps: Vec<_> =
        commands.iter().map(|command| json!({ "run": { "command": command } })).collect();
    create_tasks(running, json!({ "build": { "steps": steps } })).await
}

async fn create_tasks(running: &Running, tasks: Value) -> RunId {
    let new: NewRun = serde_json::from_value(json!({
        "project": "01900000-0000-7000-8000-000000000001",
        "name": "main",
        "tasks": tasks,
        "environment": { "SECRET": "a secret of the tests" },
        "variables": { "SECRET": "the-secret" },
    }))
    .unwrap();
    running.runs.create_run(&soon(), &new, None).await.unwrap().body.run.id
}

/// Waits for the end of a run.
async fn ended(running: &Running, run: RunId) -> RunView {
    until(async || {
        let found = running.runs.run(&soon(), run, Consistency::Linearizable).await;
        Some(found.unwrap().body).filter(|found| found.run.phase.is_final())
    })
    .await
}

/// Waits until a step has written a line into the file.
async fn written(path: &Path) -> String {
    until(async || std::fs::read_to_string(path).ok().filter(|it| it.ends_with('\n'))).await
}

/// Whether no process has that number, or one that has ended.
fn is_gone(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.map_or(true, |stat| stat.rsplit_once(") ").unwrap().1.starts_with(['Z', 'X']))
}

#[tokio::test]
async fn a_run_of_two_steps_succeeds_and_a_failing_one_says_why() {
    let installation = Installation::new();
    let running = installation.start().await;
    let folder = registered(&installation).await;
    let executor = Executor::start(&folder, &running);
    let (made, out) = (installation.path("made"), installation.path("out"));
    let first = format!("echo \"$SECRET\" > file; touch {}", utf8(&made));
    let second = format!("cat file > {}", utf8(&out));
    let run = ended(&running, create(&running, &[&first, &second]).await).await;
    assert_eq!(run.run.result, RunResult::Success, "{run:?}");
    assert_eq!(std::fs::read_to_string(&out).unwrap(), "a secret of the tests\n");
    let run = ended(&running, create(&running, &["exit 7", "touch never"]).await).await;
    assert_eq!(run.run.result, RunResult::Failed);
    let task = run.tasks.values().next().unwrap();
    assert_eq!(serde_json::to_value(task).unwrap()["reason"], "exit_code");
    // An idle executor ends at once.
    executor.signal("TERM");
    assert_eq!(executor.end().await, Some(0));
}

/// The archive has several parts in object storage.
#[tokio::test]
async fn what_a_task_saves_the_tasks_below_restore() {
    let installation = Installation::new();
    let running = installation.start().await;
    let folder = registered(&installation).await;
    let executor = Executor::start(&folder, &running);
    let make = "mkdir -p out/deep; head -c 20000000 /dev/urandom > out/deep/data; \
        sha256sum out/deep/data > out/sum; ln -s deep/data out/link";
    let tasks = json!({
        "build": { "steps": [{ "run": { "command": make } }, { "save": { "paths": ["out"] } }] },
        "middle": { "depends": ["build"], "steps": [
            { "restore": {} },
            { "run": { "command": "sha256sum -c out/sum; echo more > out/more" } },
            { "save": { "paths": ["out/more"] } },
        ] },
        "last": { "depends": ["middle"], "steps": [
            { "restore": {} },
            { "run": { "command": "sha256sum -c out/sum; cmp out/link out/deep/data" } },
        ] },
    });
    let run = ended(&running, create_tasks(&running, tasks).await).await;
    assert_eq!(run.run.result, RunResult::Success, "{run:?}");
    let nothing = json!({ "build": { "steps": [{ "save": { "paths": ["absent"] } }] } });
    let run = ended(&running, create_tasks(&running, nothing).await).await;
    assert_eq!(run.run.result, RunResult::Failed);
    executor.signal("TERM");
    assert_eq!(executor.end().await, Some(0));
}

#[tokio::test]
async fn a_step_runs_once_though_its_executor_is_killed_in_the_middle() {
    let installation = Installation::new();
    let running = installation.start().await;
    let folder = registered(&installation).await;
    let mut executor = Executor::start(&folder, &running);
    let (started, go) = (installation.path("started"), installation.path("go"));
    let command = format!(
        "echo begun >> {}; until [ -e {} ]; do sleep 0.05; done",
        utf8(&started),
        utf8(&go)
    );
    let run = create(&running, &[&command]).await;
    assert_eq!(written(&started).await, "begun\n");
    executor.child.kill().await.unwrap();
    let executor = Executor::start(&folder, &running);
    std::fs::write(&go, "").unwrap();
    let run = ended(&running, run).await;
    assert_eq!(run.run.result, RunResult::Success, "{run:?}");
    assert_eq!(std::fs::read_to_string(&started).unwrap(), "begun\n");
    executor.signal("TERM");
    assert_eq!(executor.end().await, Some(0));
}

#[tokio::test]
async fn an_attempt_whose_executor_and_supervisor_are_killed_has_failed_and_nothing_of_it_runs() {
    let installation = Installation::new();
    let running = installation.start().await;
    let folder = registered(&installation).await;
    let mut executor = Executor::start(&folder, &running);
    let (started, stray) = (installation.path("started"), installation.path("stray"));
    // One process of it has left the group, the session and its parent.
    let command = format!(
        "(setsid sh -c 'echo $$ >> {}; exec sleep 1000' &); echo \"$PPID $$\" >> {}; sleep 1000",
        utf8(&stray),
        utf8(&started)
    );
    let run = create(&running, &[&command]).await;
    let (line, stray) = (written(&started).await, written(&stray).await);
    let (supervisor, shell) = line.trim().split_once(' ').unwrap();
    executor.child.kill().await.unwrap();
    let killed = std::process::Command::new("kill").args(["-s", "KILL", supervisor]).status();
    assert!(killed.unwrap().success());
    assert!(!is_gone(shell) && !is_gone(stray.trim()));
    let executor = Executor::start(&folder, &running);
    let run = ended(&running, run).await;
    let task = run.tasks.values().next().unwrap();
    assert_eq!(serde_json::to_value(task).unwrap()["reason"], "executor_restarted");
    assert!(is_gone(shell) && is_gone(stray.trim()));
    assert_eq!(std::fs::read_to_string(&started).unwrap(), line, "it is not run again");
    // It drains, although what the supervisor had not written yet is lost.
    executor.signal("TERM");
    assert_eq!(executor.end().await, Some(0));
}

#[tokio::test]
async fn an_executor_drains_at_the_first_signal_and_leaves_at_the_second() {
    let installation = Installation::new();
    let running = installation.start().await;
    let folder = registered(&installation).await;
    let executor = Executor::start(&folder, &running);
    let (started, go) = (installation.path("started"), installation.path("go"));
    let command = format!(
        "echo begun >> {}; until [ -e {} ]; do sleep 0.05; done",
        utf8(&started),
        utf8(&go)
    );
    let run = create(&running, &[&command]).await;
    written(&started).await;
    // Two executors on one folder: the second ends.
    assert_eq!(Executor::start(&folder, &running).end().await, Some(1));
    assert_eq!(executor.leave().await, Some(0));
    let executor = Executor::start(&folder, &running);
    std::fs::write(&go, "").unwrap();
    assert_eq!(ended(&running, run).await.run.result, RunResult::Success);
    executor.signal("TERM");
    assert_eq!(executor.end().await, Some(0));
    assert_eq!(std::fs::read_to_string(&started).unwrap(), "begun\n");
}

#[tokio::test]
async fn serve_all_with_an_executor_needs_nothing_else() {
    let installation = Installation::new();
    let mut command = drydock();
    command.stderr(Stdio::null());
    let running = installation.start_args(command, &["--executor"]).await;
    let (started, go) = (installation.path("started"), installation.path("go"));
    let command = format!(
        "echo begun >> {}; until [ -e {} ]; do sleep 0.05; done",
        utf8(&started),
        utf8(&go)
    );
    let run = create(&running, &[&command]).await;
    written(&started).await;
    let listed = installation.operate(&["executor", "list"]).await;
    assert!(text(&listed.stdout).contains("local"), "{}", text(&listed.stdout));
    // The whole system is killed, and the step goes on.
    let Running { mut child, .. } = running;
    child.kill().await.unwrap();
    std::fs::write(&go, "").unwrap();
    let mut command = drydock();
    command.stderr(Stdio::null());
    let running = installation.start_args(command, &["--executor"]).await;
    let run = ended(&running, run).await;
    assert_eq!(run.run.result, RunResult::Success, "{run:?}");
    assert_eq!(std::fs::read_to_string(&started).unwrap(), "begun\n");
    running.signal("TERM");
    assert_eq!(running.end().await, Some(0));
}

#[tokio::test]
async fn executors_are_registered_drained_enabled_and_removed() {
    let installation = Installation::new();
    let _running = installation.start().await;
    let operate = async |args: &[&str]| {
        let output = installation.operate(&[&["executor"], args].concat()).await;
        (output.status.success(), text(&output.stdout) + &text(&output.stderr))
    };
    let (done, shown) = operate(&["register", "linux", "--label", "gpu"]).await;
    assert!(done && shown.contains("token: "), "{shown}");
    let (done, shown) = operate(&["register", "linux"]).await;
    assert!(!done && shown.contains("executor_already_exists"), "{shown}");
    let (_, shown) = operate(&["drain", "linux"]).await;
    assert!(shown.contains("drain: yes"), "{shown}");
    let (_, shown) = operate(&["enable", "linux"]).await;
    assert!(shown.contains("drain: no") && shown.contains("enabled: yes"), "{shown}");
    let (_, shown) = operate(&["list"]).await;
    assert!(shown.contains("linux") && shown.contains("gpu"), "{shown}");
    let (done, shown) = operate(&["remove", "linux"]).await;
    assert!(!done && shown.contains("--yes"), "{shown}");
    let (done, shown) = operate(&["remove", "linux", "--yes"]).await;
    assert!(done, "{shown}");
    let (done, shown) = operate(&["drain", "linux"]).await;
    assert!(!done && shown.contains("executor_not_exist"), "{shown}");
    let output = drydock().args(["serve", "gateway", "--executor"]).args(FREE_PORTS).output();
    assert_eq!(output.await.unwrap().status.code(), Some(2));
}
