//! `drydock run check`, which calls no service.

use std::process::Output;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;

use super::harness::{drydock, run, text, utf8};

const RIGHT: &str = r#"version: 1
runs:
  main:
    when: { branch: { include: [main, "release-*"], exclude: [release-old] }, tag: v* }
    env: { TOKEN: { from_variable: registry } }
    tasks:
      deploy: { depends: [test, { lint: [on_success, on_skipped] }], steps: [{ run: ./deploy.sh }] }
      build: { steps: [{ run: cargo build }] }
      lint: { steps: [{ run: cargo clippy }], when: { branch: main } }
      test: { depends: [build], steps: [{ run: cargo test }] }
      report: { depends: [{ test: always }, { deploy: on_success }], steps: [{ run: ./report.sh }] }
  nightly:
    tasks: { all: { steps: [{ run: make }] } }
"#;

const WRONG: &str = "version: 1
runs:
  main:
    tasks:
      build: { step: [] }
      test: { depends: [biuld, test], steps: [{ run: make, timeout: 5m }], exclusive: yes }
";

struct Checked {
    dir: TempDir,
}

impl Checked {
    async fn check(&self, content: &str, args: &[&str]) -> (Output, String) {
        let path = self.dir.path().join("run.yml");
        std::fs::write(&path, content).unwrap();
        let output = run(&[&["run", "check", utf8(&path)], args].concat()).await;
        (output, utf8(&path).to_owned())
    }
}

fn checked() -> Checked {
    Checked { dir: TempDir::new().unwrap() }
}

#[tokio::test]
async fn a_right_file_is_drawn_by_levels() {
    let (output, _) = checked().check(RIGHT, &[]).await;
    assert_eq!(text(&output.stderr), "");
    assert_eq!(
        text(&output.stdout),
        "run `main`  for branch main, release-* without release-old; tag v*
   1  build
      lint    for branch main
   2  test    after build
   3  deploy  after lint (on_success or on_skipped), test
   4  report  after deploy, test (always)

run `nightly`
   1  all
"
    );
    assert_eq!(output.status.code(), Some(0));
}

#[tokio::test]
async fn a_wrong_file_has_a_line_for_each_error() {
    let (output, path) = checked().check(WRONG, &[]).await;
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "");
    let expected = [
        "5:16: `step` is no key of a task; did you mean `steps`?",
        "6:25: there is no task `biuld` in this run; did you mean `build`?",
        "6:32: `test` depends on itself",
        "6:60: `timeout` belongs into `run`: `run: { command: …, timeout: … }`",
        "6:87: expected `true` or `false`, found `yes`",
    ];
    let expected: Vec<_> = expected.iter().map(|error| format!("{path}:{error}\n")).collect();
    assert_eq!(text(&output.stderr), expected.concat());
}

#[tokio::test]
async fn programs_get_json_of_right_and_of_wrong_files() {
    let (output, _) = checked().check(RIGHT, &["--json"]).await;
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    let main = &shown["runs"]["main"];
    assert_eq!(main["levels"], json!([["build", "lint"], ["test"], ["deploy"], ["report"]]));
    assert_eq!(main["tasks"]["build"], json!({"steps": [{"run": {"command": "cargo build"}}]}));
    assert_eq!(main["env"], json!({"TOKEN": {"from_variable": "registry"}}));
    let (output, _) = checked().check("version: 1\nruns: {}\n", &["--json"]).await;
    assert_eq!(output.status.code(), Some(1));
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    let error = json!({"line": 2, "column": 7, "message": "a file has 1 to 64 runs, not 0"});
    assert_eq!(shown, json!({ "errors": [error] }));
}

#[tokio::test]
async fn the_file_may_come_from_stdin_and_has_to_be_there() {
    let mut command = drydock();
    command.args(["run", "check", "-"]).stdin(std::process::Stdio::piped());
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(WRONG.as_bytes()).await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).starts_with("-:5:16: "), "{}", text(&output.stderr));
    let output = run(&["run", "check", "/nowhere/run.yml"]).await;
    assert_eq!(output.status.code(), Some(1));
    let printed = text(&output.stderr);
    assert!(printed.starts_with("error: `/nowhere/run.yml`: "), "{printed}");
}
