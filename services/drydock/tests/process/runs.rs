//! `drydock run` through the gateway, with steps that are really run.

use std::process::{Output, Stdio};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

use super::harness::{Installation, PATIENCE, Running, drydock, signal, text, until, utf8};

pub const SITE: &str = "user/alice/site";

/// Everything on one machine, with an executor, and alice's project.
pub struct Machine {
    pub installation: Installation,
    pub running: Running,
    token: String,
}

impl Machine {
    pub async fn start() -> Machine {
        let installation = Installation::new();
        let mut command = drydock();
        command.stderr(Stdio::null());
        let running = installation.start_args(command, &["--executor"]).await;
        assert!(installation.operate(&["user", "create", "alice"]).await.status.success());
        let made = ["token", "create", "laptop", "--user", "alice", "--json"];
        let made: Value =
            serde_json::from_slice(&installation.operate(&made).await.stdout).unwrap();
        let token = made["value"].as_str().unwrap().to_owned();
        let machine = Machine { installation, running, token };
        machine.done(&["project", "create", "user/alice", "site"]).await;
        machine
    }

    fn command(&self, args: &[&str]) -> tokio::process::Command {
        let mut command = drydock();
        command.env("DRYDOCK_TOKEN", &self.token);
        command.env("DRYDOCK_GATEWAY", format!("http://{}", self.running.gateway));
        command.args(args);
        command
    }

    /// Runs a command as alice.
    async fn alice(&self, args: &[&str]) -> Output {
        let output = self.command(args).output();
        tokio::time::timeout(PATIENCE, output).await.expect("it ends").unwrap()
    }

    /// The same, which has to succeed; answers what it prints.
    async fn done(&self, args: &[&str]) -> String {
        let output = self.alice(args).await;
        assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    pub async fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.done(&[args, &["--json"]].concat()).await).unwrap()
    }

    /// Starts a run of these tasks.
    pub async fn run(&self, tasks: &str, args: &[&str]) -> Output {
        let path = self.installation.path("run.yml");
        std::fs::write(&path, format!("version: 1\nruns: {{ main: {{ tasks: {{ {tasks} }} }} }}"))
            .unwrap();
        let start = ["run", "start", SITE, "--branch", "main", "--file", utf8(&path)];
        self.alice(&[&start, args].concat()).await
    }

    /// Waits until the task of a run is in this state.
    async fn until(&self, number: &str, task: &str, status: &str) {
        until(async || {
            let run = self.json(&["run", "show", SITE, number]).await;
            let tasks = run["tasks"].as_object().unwrap();
            let found = tasks.values().find(|it| it["name"] == task).unwrap();
            (found["status"] == status).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_run_is_started_watched_and_its_logs_are_read() {
    let machine = Machine::start().await;
    let tasks = "build: { steps: [{ run: echo one }, { run: 'echo two; echo three' }] },
                 test: { depends: [build], steps: [{ run: echo tested }] }";
    let ended = machine.run(tasks, &["--wait"]).await;
    let printed = text(&ended.stdout);
    assert_eq!(ended.status.code(), Some(0), "{printed}{}", text(&ended.stderr));
    for line in ["build: success\n", "test: success\n", "run 1 main: success\n"] {
        assert!(printed.contains(line), "{line}: {printed}");
    }
    assert!(printed.find("build: success") < printed.find("test: success"), "{printed}");
    let logs = ["run", "logs", SITE, "1", "build", "--follow"];
    assert_eq!(machine.done(&logs).await, "== step 0\none\n== step 1\ntwo\nthree\n");
    assert_eq!(machine.done(&["run", "logs", SITE, "1", "build", "1"]).await, "two\nthree\n");
    let listed = machine.json(&["run", "list", SITE]).await;
    assert_eq!(listed[0]["number"], 1);
    assert_eq!(
        (&listed[0]["phase"], &listed[0]["result"]),
        (&json!("finished"), &json!("success"))
    );
    let shown = machine.done(&["run", "show", SITE, "1"]).await;
    assert!(shown.starts_with("run 1 main: success\n  build"), "{shown}");
    assert!(shown.contains("\n    test"), "{shown}");
}

#[tokio::test]
async fn the_exit_code_is_that_of_the_run() {
    let machine = Machine::start().await;
    let ended = machine.run("build: { steps: [{ run: exit 7 }] }", &["--wait"]).await;
    assert_eq!(ended.status.code(), Some(1));
    assert!(text(&ended.stdout).contains("build: failed (exit_code)"), "{}", text(&ended.stdout));
    let ended = machine.run("build: { steps: [{ run: exit 7 }] }", &["--wait", "--json"]).await;
    assert_eq!(ended.status.code(), Some(1));
    let shown: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!((&shown["number"], &shown["result"]), (&json!(2), &json!("failed")));
    let ended = machine.alice(&["run", "watch", SITE, "1"]).await;
    assert_eq!(ended.status.code(), Some(1), "it has ended, and failed");
    let other = machine.run("build: { steps: [{ run: exit 7 }] }", &["--run", "mian"]).await;
    assert_eq!(other.status.code(), Some(1));
    assert!(text(&other.stderr).contains("did you mean `main`?"), "{}", text(&other.stderr));
    let wrong = machine.run("build: { step: [] }", &["--wait"]).await;
    assert_eq!(wrong.status.code(), Some(1));
    assert!(text(&wrong.stderr).contains("run.yml:2:"), "{}", text(&wrong.stderr));
    let listed = machine.json(&["run", "list", SITE]).await;
    assert_eq!(listed.as_array().unwrap().len(), 2, "a wrong file starts nothing");
    assert_eq!(machine.alice(&["run", "show", SITE, "9"]).await.status.code(), Some(1));
}

#[tokio::test]
async fn a_log_is_followed_while_it_grows_and_a_run_is_stopped() {
    let machine = Machine::start().await;
    let go = machine.installation.path("go");
    let wait = format!("until [ -e {} ]; do sleep 0.05; done; echo end", utf8(&go));
    let tasks =
        format!("build: {{ steps: [{{ run: 'echo begun; {wait}' }}, {{ run: echo next }}] }}");
    assert!(machine.run(&tasks, &[]).await.status.success());
    let mut command = machine.command(&["run", "logs", SITE, "1", "build", "--follow"]);
    let mut follower = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    let mut next = async || {
        tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("it comes").unwrap()
    };
    assert_eq!(next().await.as_deref(), Some("== step 0"));
    assert_eq!(next().await.as_deref(), Some("begun"), "before the step ends");
    std::fs::write(&go, "").unwrap();
    for line in ["end", "== step 1", "next"] {
        assert_eq!(next().await.as_deref(), Some(line));
    }
    assert_eq!(next().await, None, "it ends with the task");
    let ended = tokio::time::timeout(PATIENCE, follower.wait()).await.expect("it ends").unwrap();
    assert_eq!(ended.code(), Some(0));

    assert!(machine.run("build: { steps: [{ run: sleep 1000 }] }", &[]).await.status.success());
    machine.until("2", "build", "running").await;
    machine.done(&["run", "stop", SITE, "2"]).await;
    let watched = machine.alice(&["run", "watch", SITE, "2"]).await;
    assert_eq!(watched.status.code(), Some(1));
    assert!(text(&watched.stdout).contains("run 2 main: stopped"), "{}", text(&watched.stdout));
    let refused = machine.alice(&["run", "cancel", SITE, "2"]).await;
    assert!(text(&refused.stderr).contains("wrong_phase"), "{}", text(&refused.stderr));
    let restarted = machine.json(&["run", "restart", SITE, "1"]).await;
    assert_eq!(restarted["number"], 3);
    let watched = machine.alice(&["run", "watch", SITE, "3"]).await;
    assert_eq!(watched.status.code(), Some(0), "{}", text(&watched.stderr));
}

#[tokio::test]
async fn a_log_masks_values_of_variables_and_shows_texts_of_the_file() {
    let machine = Machine::start().await;
    let secret = machine.installation.path("key.txt");
    std::fs::write(&secret, "s3cret-value").unwrap();
    let given = format!("key={}", utf8(&secret));
    machine.done(&["secret", "create", "deploy", &given, "--project", SITE]).await;
    machine.done(&["variable", "create", "the-key", "deploy.key", "--project", SITE]).await;
    let path = machine.installation.path("run.yml");
    let file = "version: 1\nruns: { main: { \
                env: { MODE: release, KEY: { from_variable: the-key } }, \
                tasks: { build: { steps: [{ run: 'echo $MODE build with $KEY' }] } } } }";
    std::fs::write(&path, file).unwrap();
    let start = ["run", "start", SITE, "--branch", "main", "--file", utf8(&path), "--wait"];
    let ended = machine.alice(&start).await;
    assert_eq!(ended.status.code(), Some(0), "{}", text(&ended.stderr));
    machine.done(&["run", "restart", SITE, "1"]).await;
    machine.alice(&["run", "watch", SITE, "2"]).await;
    for number in ["1", "2"] {
        let logs = machine.done(&["run", "logs", SITE, number, "build", "0", "--follow"]).await;
        assert_eq!(logs, "release build with ***\n");
    }
}

#[tokio::test]
async fn a_later_run_restores_what_an_earlier_one_has_cached() {
    let machine = Machine::start().await;
    let make = "test -e deps/a && echo cached || { mkdir deps; echo a > deps/a; echo made; }";
    let tasks = format!(
        "build: {{ steps: [{{ run: 'echo 1 > lock' }},
           {{ restore_cache: {{ keys: ['deps-${{hash:lock}}', other-] }} }},
           {{ run: '{make}' }},
           {{ save_cache: {{ key: 'deps-${{hash:lock}}', paths: [deps] }} }}] }}"
    );
    for (number, expected) in [("1", "made\n"), ("2", "cached\n")] {
        let ended = machine.run(&tasks, &["--wait"]).await;
        let logs = machine.done(&["run", "logs", SITE, number, "build", "--follow"]).await;
        assert_eq!(ended.status.code(), Some(0), "{logs}{}", text(&ended.stderr));
        let log = machine.done(&["run", "logs", SITE, number, "build", "2"]).await;
        assert_eq!(log, expected, "{logs}");
    }
    let saved = machine.done(&["run", "logs", SITE, "2", "build", "3"]).await;
    assert!(saved.starts_with('`') && saved.ends_with("is cached already\n"), "{saved}");
}

#[tokio::test]
async fn a_run_without_the_values_of_its_variables_says_so() {
    let machine = Machine::start().await;
    let path = machine.installation.path("run.yml");
    let file = "version: 1\nruns: { main: { env: { KEY: { from_variable: the-key } }, \
                tasks: { build: { steps: [{ run: make }] } } } }";
    std::fs::write(&path, file).unwrap();
    let start = ["run", "start", SITE, "--tag", "v1", "--file", utf8(&path)];
    for args in [&start[..], &[&start[..], &["--wait"]].concat()] {
        let started = machine.alice(args).await;
        assert_eq!(started.status.code(), Some(1), "{}", text(&started.stderr));
        let shown = text(&started.stdout);
        assert!(shown.contains("setup_error") && shown.contains("`the-key`"), "{shown}");
    }
    let listed = machine.done(&["run", "list", SITE, "--limit", "1"]).await;
    let row: Vec<_> = listed.lines().nth(1).unwrap().split_whitespace().take(5).collect();
    assert_eq!(row, ["2", "run", "tag", "v1", "setup_error"], "{listed}");
    assert_eq!(listed.lines().count(), 2, "{listed}");
}

#[tokio::test]
async fn ctrl_c_ends_the_command_and_not_the_run() {
    let machine = Machine::start().await;
    assert!(machine.run("build: { steps: [{ run: sleep 1000 }] }", &[]).await.status.success());
    let mut command = machine.command(&["run", "watch", SITE, "1"]);
    let watching = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut watching = watching.unwrap();
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines();
    let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("it comes").unwrap();
    assert_eq!(line.as_deref(), Some("run 1 main: running"));
    signal(&watching, "INT");
    let ended = tokio::time::timeout(PATIENCE, watching.wait_with_output()).await;
    let ended = ended.expect("it ends").unwrap();
    assert_eq!(ended.status.code(), Some(130));
    assert!(text(&ended.stderr).contains("run stop user/alice/site 1"), "{}", text(&ended.stderr));
    let run = machine.json(&["run", "show", SITE, "1"]).await;
    assert_eq!(run["phase"], "running");
    machine.done(&["run", "stop", SITE, "1"]).await;
}

#[tokio::test]
async fn a_task_is_approved_or_refused() {
    let machine = Machine::start().await;
    let tasks = "deploy: { approval: {}, steps: [{ run: echo deployed }] }";
    assert!(machine.run(tasks, &[]).await.status.success());
    let shown = machine.done(&["run", "show", SITE, "1"]).await;
    assert!(shown.contains("waiting") && shown.contains("for approval"), "{shown}");
    let never = machine.alice(&["run", "logs", SITE, "1", "deploy"]).await;
    assert!(text(&never.stderr).contains("has not begun"), "{}", text(&never.stderr));
    machine.done(&["run", "approve", SITE, "1", "deploy", "--comment", "go"]).await;
    assert_eq!(machine.alice(&["run", "watch", SITE, "1"]).await.status.code(), Some(0));
    assert_eq!(machine.done(&["run", "logs", SITE, "1", "deploy"]).await, "== step 0\ndeployed\n");
    assert!(machine.run(tasks, &[]).await.status.success());
    machine.done(&["run", "refuse", SITE, "2", "deploy"]).await;
    let watched = machine.alice(&["run", "watch", SITE, "2"]).await;
    assert_eq!(watched.status.code(), Some(1));
    assert!(text(&watched.stdout).contains("stopped"), "{}", text(&watched.stdout));
}

#[tokio::test]
async fn the_entries_of_a_cache_are_listed_and_deleted() {
    let machine = Machine::start().await;
    assert_eq!(machine.json(&["cache", "list", SITE]).await, json!([]));
    assert!(machine.done(&["cache", "list", SITE]).await.contains("last_used_at"));
    let nowhere = "00000000-0000-7000-8000-000000000000";
    let refused = machine.alice(&["cache", "delete", SITE, nowhere]).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("cache_not_exist"), "{}", text(&refused.stderr));
    let wrong = machine.alice(&["cache", "delete", SITE, "key"]).await;
    assert_eq!(wrong.status.code(), Some(2), "{}", text(&wrong.stderr));
}
